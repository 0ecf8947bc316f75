"""What a check cannot be asked without."""

from __future__ import annotations

from biasaudit.checks.check import required
from biasaudit.registry import get, names


def test_what_is_optional_is_not_required():
    assert required(get("check", "U1")) == {"table", "scores", "severity"}
    assert "erased" in get("check", "U1").needs


def test_all_else_is_required():
    for code in names("check"):
        check = get("check", code)
        assert required(check) == set(check.needs) - set(getattr(check, "optional", ()))
        assert "table" in required(check)
