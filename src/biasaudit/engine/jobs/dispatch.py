"""Run jobs: one after another in this process, or on Dask workers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from biasaudit.engine.jobs.dask_client import connected
from biasaudit.engine.jobs.interrupts import interrupts_kept
from biasaudit.engine.jobs.job import Job
from biasaudit.engine.jobs.scratch import sweep_scratch
from biasaudit.engine.jobs.where import Where
from biasaudit.engine.jobs.workers import Workers

__all__ = ["Dispatch", "Failure", "Report", "dispatcher"]

Report = Callable[[Job, str | None], None]
"""Called after every job with its traceback, or None."""


@dataclass(frozen=True)
class Failure:
    """A job that failed or was lost."""

    job: Job
    reason: str


Dispatch = Callable[[Sequence[Job], Report], list[Failure]]


@contextmanager
def dispatcher(where: Where, root: Path) -> Iterator[Dispatch]:
    """Give a function that runs jobs; workers live as long as the block.

    An interrupt ends the run even if a job swallowed it: that job counts neither as finished nor as failed.

    Parameters
    ----------
    where : Where
    root : Path
        The run folder.

    Raises
    ------
    UsageError
        If Dask is asked for and not installed; if workers cannot be reached, or their results would differ.
    """
    sweep_scratch(root)
    if where.engine == "local":
        yield lambda jobs, report: _run_here(jobs, report, root)
        return
    if where.engine == "apart":
        from biasaudit.engine.jobs.apart import worker  # imports torch, which planning does not need

        with worker(root) as own:
            yield lambda jobs, report: _in_order(jobs, report, own.run)
        return
    with connected(where, root) as workers:
        yield lambda jobs, report: _run_on_dask(workers, jobs, report, root)


def _run_here(jobs: Sequence[Job], report: Report, root: Path) -> list[Failure]:
    with interrupts_kept() as require_none:
        from biasaudit.engine.jobs.run import run_job  # imports torch, which planning does not need

        def run(job: Job) -> str | None:
            reason = run_job(job, root, require_none)
            require_none()
            return reason

        return _in_order(jobs, report, run)


def _in_order(jobs: Sequence[Job], report: Report, run: Callable[[Job], str | None]) -> list[Failure]:
    failures: dict[str, Failure] = {}
    for job in jobs:
        lost = _lost_need(job, failures)
        reason = f"not run: it needs '{lost.job.title}', which failed" if lost else run(job)
        if reason is not None:
            failures[job.key] = Failure(job, reason)
        report(job, reason)
    return list(failures.values())


def _lost_need(job: Job, failures: Mapping[str, Failure]) -> Failure | None:
    return next((failures[key] for key in job.dependencies if key in failures), None)


def _run_on_dask(workers: Workers, jobs: Sequence[Job], report: Report, root: Path) -> list[Failure]:
    from biasaudit.engine.jobs.dask_run import run_on_dask  # an optional extra

    failures: list[Failure] = []
    with interrupts_kept() as require_none:

        def settled(job: Job, reason: str | None) -> None:
            # Workers that share the terminal die of the same Ctrl-C; their jobs did not fail.
            require_none()
            if reason is not None:
                failures.append(Failure(job, reason))
            report(job, reason)

        run_on_dask(workers, jobs, root, settled)
    return failures
