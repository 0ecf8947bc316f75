"""The use case `biasaudit calibrate`: audit the grid, resume by itself, and sum up."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from biasaudit.calibration.arguments import CalibrateArguments
from biasaudit.calibration.board import write_board
from biasaudit.calibration.cohort_table import CohortRecord
from biasaudit.calibration.grid import Cell, Grid, describe
from biasaudit.calibration.provenance import code_commit, machine
from biasaudit.calibration.summary import write_summary
from biasaudit.engine.jobs.book import make_job
from biasaudit.engine.jobs.dispatch import Failure, Report, dispatcher
from biasaudit.engine.jobs.job import Job
from biasaudit.engine.jobs.json_files import read_json, write_json
from biasaudit.engine.jobs.store import Store
from biasaudit.engine.jobs.where import Where
from biasaudit.errors import IncompleteError
from biasaudit.run_folder.lock import in_use
from biasaudit.run_folder.owned import OwnedFiles
from biasaudit.run_folder.place import require_ours

__all__ = ["Progress", "calibrate_grid", "counting", "finished_records", "jobs_of", "run_cells"]

Progress = Callable[[int, int, Job | None], None]


def calibrate_grid(grid: Grid, cells: Sequence[Cell], out: Path, where: Where, progress: Progress) -> Path:
    """Audit the cohorts that have no record yet and sum all of them up.

    Parameters
    ----------
    grid : Grid
    cells : sequence of Cell
        Those of its cohorts that are asked for.
    out, where, progress
        As in `run_cells`.

    Returns
    -------
    Path
        The page: ``calibration.md``, or ``calibration-checks.md`` of a grid about checks.

    Raises
    ------
    UsageError
        If the folder holds something else.
    IncompleteError
        If audits failed; the others are summed up all the same.
    """
    require_ours(out, "calibration")
    with in_use(out, "calibration"):
        return _calibrated(grid, cells, out, where, progress)


def _calibrated(grid: Grid, cells: Sequence[Cell], out: Path, where: Where, progress: Progress) -> Path:
    started, owned = time.monotonic(), OwnedFiles(out)
    owned.sweep()
    failures = run_cells(cells, out, where, progress)
    records = finished_records(cells, out)
    if records:
        write = write_summary if grid.about == "verdict" else write_board
        with owned.writing("summary") as staged:
            write(records, _provenance(grid, len(records), where, started), staged)
    if failures:
        path = out / "failures.json"
        with owned.writing("failures") as staged:
            reasons = [{"cohort": failure.job.title, "reason": failure.reason} for failure in failures]
            write_json(staged / path.name, reasons)
        raise IncompleteError(f"{len(failures)} audit(s) failed, first {failures[0].job.title}; reasons in {path}")
    return out / ("calibration.md" if grid.about == "verdict" else "calibration-checks.md")


def _provenance(grid: Grid, finished: int, where: Where, started: float) -> dict[str, str]:
    minutes = (time.monotonic() - started) / 60
    return {
        "command": " ".join(["biasaudit", *sys.argv[1:]]),
        "version": version("biasaudit"),
        "commit": code_commit(),
        "grid": f"version {grid.version}, seed {grid.seed}",
        "cohorts": f"{finished} of {sum(family.cohorts for family in grid.families)}",
        "wall time of the last run": f"{minutes:.0f} min, {where.workers} worker(s)",
        "machine": machine(),
    }


def jobs_of(cells: Sequence[Cell]) -> list[Job]:
    """Plan one job per cohort; any change of the code of an audit makes a cohort be judged again, not trained again."""
    return [
        make_job(CalibrateArguments(cell.name, dict(describe(cell)), cell.protocol), {}, cell.name) for cell in cells
    ]


def run_cells(
    cells: Sequence[Cell],
    out: Path,
    where: Where,
    progress: Progress,
) -> list[Failure]:
    """Audit every cohort that has no record yet.

    Parameters
    ----------
    cells : sequence of Cell
    out : Path
        New folder, or that of an earlier calibration, which is resumed.
    where : Where
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
    require_ours(out, "calibration")
    with in_use(out, "calibration"):
        return _run_cells(jobs_of(cells), out, where, progress)


def _run_cells(jobs: Sequence[Job], out: Path, where: Where, progress: Progress) -> list[Failure]:
    report = counting(progress, 0, len(jobs))
    Store(out).sweep()
    with dispatcher(where, out) as dispatch:
        return dispatch(jobs, report)


def counting(progress: Progress, done: int, total: int) -> Report:
    """Tell how many of all audits are done, now and, by the callable that is returned, whenever one ended."""
    progress(done, total, None)

    def report(job: Job, reason: str | None) -> None:
        nonlocal done
        done += 1
        progress(done, total, job)

    return report


def finished_records(cells: Sequence[Cell], out: Path) -> list[CohortRecord]:
    """Read the records of all cohorts that are finished, in the order of the grid."""
    store = Store(out)
    return [
        read_json(store.folder(job.key) / "record.json") | {"name": job.title}
        for job in jobs_of(cells)
        if store.finished(job.key)
    ]
