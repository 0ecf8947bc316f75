"""What runs inside a Dask worker: its preparation before the first job, and one job."""

from __future__ import annotations

import pickle
import signal
from pathlib import Path

__all__ = ["JobFailed", "dask_setup", "on_worker"]


class JobFailed(Exception):
    """A job failed; the text is its traceback."""


def dask_setup(worker: object) -> None:
    """Leave Ctrl-C, which reaches every process of a terminal, to the one that was started: it ends the workers.

    `dask_client` names this module to Dask as a preload.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def on_worker(packed: bytes, root: str) -> None:
    """Run one job on a worker.

    Parameters
    ----------
    packed : bytes
        The pickled job. Dask itself would unpack it outside any job, where a module that is missing here ends the
        worker, and every worker after it.
    root : str
        The run folder.

    Raises
    ------
    JobFailed
        In place of a result that says so: results lie with the worker and are lost with it, an error does not.
    """
    from biasaudit.engine.jobs.run import run_job  # imports torch, which a worker needs only for its first job

    reason = run_job(pickle.loads(packed), Path(root))
    if reason is not None:
        raise JobFailed(reason)
