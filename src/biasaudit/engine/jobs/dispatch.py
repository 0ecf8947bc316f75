"""Run jobs: one after another in this process, or on Dask workers."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from biasaudit.engine.jobs.interrupts import interrupts_kept
from biasaudit.engine.jobs.job import Job
from biasaudit.engine.jobs.store import Store
from biasaudit.errors import UsageError

__all__ = ["Dispatch", "Failure", "dispatcher"]

Report = Callable[[Job, str | None], None]
"""Called after every job with its traceback, or None."""


@dataclass(frozen=True)
class Failure:
    """A job that failed or was lost."""

    job: Job
    reason: str


Dispatch = Callable[[Sequence[Job], Report], list[Failure]]


@contextmanager
def dispatcher(engine: str, workers: int, root: Path) -> Iterator[Dispatch]:
    """Give a function that runs jobs; workers live as long as the block.

    An interrupt ends the run even if a job swallowed it: that job counts neither as finished nor as failed.

    Parameters
    ----------
    engine : str
        ``local`` (in this process) or ``dask`` (worker processes, one thread each).
    workers : int
        Number of Dask workers.
    root : Path
        The run folder.

    Raises
    ------
    UsageError
        If Dask is asked for and not installed.
    """
    if engine == "local":
        yield lambda jobs, report: _run_here(jobs, report, root)
        return
    with _dask_client(workers) as client:
        yield lambda jobs, report: _run_on_dask(client, jobs, report, root)


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


@contextmanager
def _dask_client(workers: int) -> Iterator[Any]:
    try:
        # An optional extra, and seconds to import.
        import dask
        from distributed import Client, LocalCluster
    except ImportError as error:
        raise UsageError(
            "engine dask is not installed; pip install 'biasaudit[dask]', or use --engine local"
        ) from error
    environment = {"OMP_NUM_THREADS": 1, "MKL_NUM_THREADS": 1, "OPENBLAS_NUM_THREADS": 1}
    settings = {
        "distributed.nanny.pre-spawn-environ": environment,
        "distributed.worker.preload": ["biasaudit.engine.jobs.dask_worker"],
        # A worker that dies takes its job to another one; only a job that kills five workers is lost.
        "distributed.scheduler.allowed-failures": 5,
        "distributed.worker.memory.terminate": False,
        "distributed.comm.timeouts.connect": "60s",
    }
    with dask.config.set(settings), tempfile.TemporaryDirectory(prefix="biasaudit-dask-") as scratch:
        cluster = LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            local_directory=scratch,
            silence_logs=logging.CRITICAL,
        )
        with cluster, Client(cluster) as client:
            yield client


def _run_on_dask(client: Any, jobs: Sequence[Job], report: Report, root: Path) -> list[Failure]:
    from distributed import as_completed

    done_before = [job for job in jobs if Store(root).finished(job.key)]
    for job in done_before:
        report(job, None)
    waiting = {job.key: job for job in jobs if job not in done_before}
    failures: dict[str, Failure] = {}
    futures: dict[str, Any] = {}
    for job in waiting.values():
        needed = [futures[key] for key in job.dependencies if key in futures]
        futures[job.key] = client.submit(
            _on_worker, job, str(root), needed, key=f"{job.step}-{job.key}", pure=True, retries=0
        )
    by_name = {future.key: waiting[key] for key, future in futures.items()}
    with interrupts_kept() as require_none:
        for future in as_completed(futures.values()):
            job = by_name[future.key]
            reason = future.result() if future.status == "finished" else f"the worker was lost: {future.exception()}"
            # Workers that share the terminal die of the same Ctrl-C; their jobs did not fail.
            require_none()
            if reason is not None:
                failures[job.key] = Failure(job, reason)
            report(job, reason)
    return list(failures.values())


def _on_worker(job: Job, root: str, needed: Sequence[str | None]) -> str | None:
    """Run one job on a worker; `needed` holds what the jobs before it returned."""
    from biasaudit.engine.jobs.run import run_job

    if any(reason is not None for reason in needed):
        return "not run: a job that it needs failed"
    return run_job(job, Path(root))
