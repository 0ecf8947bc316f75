from collections.abc import Callable
from pathlib import Path

import pytest
from run_folders import write_run


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes run folders under the test's own folder."""
    made = iter(range(100))
    return lambda **options: write_run(tmp_path / f"run{next(made)}", **options)
