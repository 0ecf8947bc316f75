from collections.abc import Callable
from pathlib import Path

import pytest
from run_folders import write_run

from biasaudit.report.render import write_report


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that writes run folders under the test's own folder."""
    made = iter(range(100))
    return lambda **options: write_run(tmp_path / f"run{next(made)}", **options)


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two inputs with their report, for tests that only read."""
    run = write_run(tmp_path_factory.mktemp("finished") / "run", "nested", ("intensity", "tissue"), n=24)
    write_report(run)
    return run
