"""What runs inside a Dask worker: its preparation before the first job, and one job."""

from __future__ import annotations

import pickle
import platform
import signal
from collections.abc import Mapping
from pathlib import Path

from biasaudit.engine.jobs.exchange import Exchange
from biasaudit.engine.jobs.job import Job

__all__ = ["JobFailed", "UnlikeError", "dask_setup", "on_worker"]


class JobFailed(Exception):
    """A job failed; the text is its traceback."""


class UnlikeError(Exception):
    """A worker's results would differ from those of the others."""


def dask_setup(worker: object) -> None:
    """Leave Ctrl-C, which reaches every process of a terminal, to the one that was started: it ends the workers.

    `dask_client` names this module to Dask as a preload.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def on_worker(packed: bytes, root: str, expected: Mapping[str, str], store: str) -> None:
    """Run one job on a worker.

    Parameters
    ----------
    packed : bytes
        The pickled job. Dask itself would unpack it outside any job, where a module that is missing here ends the
        worker, and every worker after it.
    root : str
        The run folder.
    expected : mapping
        The surroundings in which results are the same as those of all other workers.
    store : str
        URL through which results pass; empty where the run folder is one for all.

    Raises
    ------
    JobFailed
        In place of a result that says so: results lie with the worker and are lost with it, an error does not.
    UnlikeError
        Results of this worker would differ.
    """
    # These import torch, which a worker needs only for its first job.
    from biasaudit.engine.jobs.run import run_job
    from biasaudit.engine.jobs.surroundings import differences, surroundings

    unlike = differences(expected, surroundings())
    if unlike:
        raise UnlikeError(f"worker on {platform.node()}: {unlike}")
    job: Job = pickle.loads(packed)
    reason = _through_store(job, Exchange(store, _own_folder())) if store else run_job(job, Path(root))
    if reason is not None:
        raise JobFailed(reason)


def _through_store(job: Job, exchange: Exchange) -> str | None:
    from biasaudit.engine.jobs.run import run_job

    if exchange.has(job.key):
        return None
    lost = [key for key in job.dependencies if not exchange.fetch(key)]
    if lost:
        return f"results that it needs are not in the store, or damaged there: {', '.join(lost)}"
    reason = run_job(job, exchange.root)
    if reason is None:
        exchange.publish(job.key)
    return reason


def _own_folder() -> Path:
    """Give the folder of this worker, which goes with it."""
    from distributed import get_worker

    return Path(get_worker().local_directory) / "run"
