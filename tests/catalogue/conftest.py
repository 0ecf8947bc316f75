"""Cases with code of the user's run it in this process: a process of its own for each takes seconds."""

from __future__ import annotations

import pytest

from biasaudit.engine.user_code import wall


@pytest.fixture(autouse=True)
def _no_wall(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wall, "in_child", lambda function, *args, **kwargs: function(*args, **kwargs))
