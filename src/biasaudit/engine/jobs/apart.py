"""Run jobs one after another in one worker process, which code of the user's may end without ending the run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from biasaudit.engine.jobs.child import Child, ChildEnded
from biasaudit.engine.jobs.job import Job
from biasaudit.engine.jobs.run import run_job

__all__ = ["Worker", "worker"]

_TRIES = 2
"""A worker may be killed from outside; a job that ends two of them is lost."""


@contextmanager
def worker(root: Path) -> Iterator[Worker]:
    """Give a worker for the jobs of a run folder; its process lives as long as the block."""
    own = Worker(root)
    try:
        yield own
    finally:
        own.close()


class Worker:
    """Runs jobs in a process of its own, which is started again when it has ended."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._child: Child | None = None

    def run(self, job: Job) -> str | None:
        """Do one job; return why it failed, or None."""
        how = ""
        for _ in range(_TRIES):
            try:
                self._child = self._child or Child()
                return self._child.call(run_job, job, self._root)
            except ChildEnded as error:
                self.close()
                how = str(error)
        return f"the code that the protocol names ended the process that it ran in ({how})"

    def close(self) -> None:
        """End the process."""
        if self._child is not None:
            self._child.close()
            self._child = None
