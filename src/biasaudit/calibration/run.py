"""The use case `biasaudit calibrate`: audit the grid, resume by itself, and sum up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import biasaudit
from biasaudit.calibration.grid import Cell, describe
from biasaudit.engine.dispatch import Failure, dispatcher
from biasaudit.engine.store import Job, Store, digest, read_json
from biasaudit.errors import UsageError

__all__ = ["finished_records", "jobs_of", "run_cells"]

_MARKER = "calibration.yaml"


def jobs_of(cells: Sequence[Cell]) -> list[Job]:
    """Plan one job per cohort; any change of the package's code makes a cohort be judged again, not trained again."""
    code = _code()
    return [
        Job(
            "biasaudit.calibration.cohort:calibrate",
            {"name": cell.name, "about": dict(describe(cell)), "protocol": cell.protocol.model_dump(mode="json")},
            code=code,
            title=cell.name,
        )
        for cell in cells
    ]


def run_cells(
    cells: Sequence[Cell],
    out: Path,
    how: tuple[str, int],
    progress: Callable[[int, int, Job | None], None],
) -> list[Failure]:
    """Audit every cohort that has no record yet.

    Parameters
    ----------
    cells : sequence of Cell
    out : Path
        New folder, or that of an earlier calibration, which is resumed.
    how : (str, int)
        Engine and number of workers.
    progress : callable
        Called with cohorts done, cohorts in all, and the job that ended.

    Returns
    -------
    list of Failure
        Cohorts whose audit failed; the others are kept.

    Raises
    ------
    UsageError
        If the folder holds something else.
    """
    _require_ours(out)
    jobs = jobs_of(cells)
    done = 0
    progress(0, len(jobs), None)

    def report(job: Job, reason: str | None) -> None:
        nonlocal done
        done += 1
        progress(done, len(jobs), job)

    Store(out).sweep()
    with dispatcher(*how, out) as dispatch:
        return dispatch(jobs, report)


def finished_records(cells: Sequence[Cell], out: Path) -> list[dict[str, Any]]:
    """Read the records of all cohorts that are finished, in the order of the grid."""
    store = Store(out)
    return [
        read_json(store.folder(job.key) / "record.json") | {"name": job.title}
        for job in jobs_of(cells)
        if store.finished(job.key)
    ]


def _require_ours(out: Path) -> None:
    if out.is_file():
        raise UsageError(f"{out} is a file; give a folder for the calibration")
    if out.is_dir() and any(out.iterdir()) and not (out / _MARKER).exists():
        raise UsageError(f"{out} is not empty and is no calibration of biasaudit; give a new folder")
    out.mkdir(parents=True, exist_ok=True)
    (out / _MARKER).touch()


def _code() -> str:
    root = Path(biasaudit.__file__).parent
    skipped = ("report", "calibration/rates.py", "cli.py")
    files = sorted(path for path in root.rglob("*.py") if not str(path.relative_to(root)).startswith(skipped))
    return digest([path.read_text(encoding="utf-8") for path in files])[:12]
