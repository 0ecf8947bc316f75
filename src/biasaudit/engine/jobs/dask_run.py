"""Run jobs on Dask workers, whatever happens to these."""

from __future__ import annotations

import itertools
import pickle
import queue
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from biasaudit.engine.jobs.code_version import sources_of_step
from biasaudit.engine.jobs.dask_worker import JobFailed, UnlikeError, on_worker
from biasaudit.engine.jobs.exchange import Exchange
from biasaudit.engine.jobs.job import Job
from biasaudit.engine.jobs.store import Store
from biasaudit.engine.jobs.surroundings import ANY, DEVICE, surroundings
from biasaudit.engine.jobs.workers import Workers
from biasaudit.errors import IncompleteError, UsageError

__all__ = ["run_on_dask"]

_LOOK = 5.0
"""Seconds between two looks at the workers."""

_NETWORKS = "biasaudit.engine.steps.train"
"""The module that says what networks are computed on."""

_CRASHES = (
    "it ended its worker every time that it was tried, alone too: not enough memory or time, or code that crashes"
)

_SUSPECT = "suspect"


def run_on_dask(workers: Workers, jobs: Sequence[Job], root: Path, settled: Callable[[Job, str | None], None]) -> None:
    """Run jobs, each after those that it needs.

    A job whose worker dies goes to another one. Where several died with a job at hand it is tried again with no other
    job beside it, since Dask blames all that lay on the worker: the one that ends its worker even then has failed.

    Parameters
    ----------
    workers : Workers
    jobs : sequence of Job
    root : Path
        The run folder, the same one for this process and all workers.
    settled : callable
        Called once for every job, with the reason if it failed.

    Raises
    ------
    IncompleteError
        If scheduler or workers are gone for good.
    """
    flight = _Flight(workers, root)
    order = _Order(jobs, Store(root), settled)
    while order.is_active():
        suspects = []
        flight.submit(order.ready())
        while flight.jobs:
            job, outcome = flight.next_outcome()
            if outcome == _SUSPECT:
                suspects.append(job)
            else:
                order.settle(job, outcome)
                flight.submit(order.ready())
        for job in suspects:
            flight.submit([job])
            _, outcome = flight.next_outcome()
            order.settle(job, _CRASHES if outcome == _SUSPECT else outcome)


class _Order:
    """Knows which jobs can run next; settles those that need no worker."""

    def __init__(self, jobs: Sequence[Job], store: Store, settled: Callable[[Job, str | None], None]) -> None:
        self._jobs = {job.key: job for job in jobs}
        self._store, self._settled = store, settled
        self._failed: dict[str, Job] = {}
        self._sorter = TopologicalSorter(
            {job.key: [key for key in job.dependencies if key in self._jobs] for job in jobs}
        )
        self._sorter.prepare()

    def is_active(self) -> bool:
        """Whether any job is not settled."""
        return self._sorter.is_active()

    def ready(self) -> list[Job]:
        """Give the jobs, each once, that wait for nothing but a worker."""
        found: list[Job] = []
        while keys := self._sorter.get_ready():
            for job in (self._jobs[key] for key in keys):
                lost = next((self._failed[key] for key in job.dependencies if key in self._failed), None)
                if lost is not None:
                    self.settle(job, f"not run: it needs '{lost.title}', which failed")
                elif self._store.finished(job.key):
                    self.settle(job, None)
                else:
                    found.append(job)
        return found

    def settle(self, job: Job, reason: str | None) -> None:
        """Note what became of a job, and tell it."""
        if reason is not None:
            self._failed[job.key] = job
        self._sorter.done(job.key)
        self._settled(job, reason)


@dataclass(frozen=True)
class _Ended:
    """A job that has ended in this process, as Dask would show it."""

    key: str
    error: JobFailed | None

    @property
    def status(self) -> str:
        return "finished" if self.error is None else "error"

    def exception(self) -> JobFailed | None:
        return self.error


class _Flight:
    """The jobs that lie with Dask."""

    def __init__(self, workers: Workers, root: Path) -> None:
        self._workers, self._root, self._store = workers, root, Store(root)
        self._exchange = Exchange(workers.store, root) if workers.store else None
        self._tries = itertools.count()
        self._futures: dict[str, Any] = {}
        self._ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._seen = self._looked = time.monotonic()
        self.jobs: dict[str, Job] = {}

    def submit(self, jobs: Iterable[Job]) -> None:
        """Hand jobs to Dask; nothing that they need is under way any more."""
        for job in jobs:
            # A name of its own for every try: Dask would hand out what became of the one before.
            name = f"job-{job.key}-{next(self._tries)}"
            self.jobs[name] = job
            if self._exchange is not None and job.arguments.reads_files:
                self._ended.put(_Ended(name, _done_here(job, self._root)))
            else:
                self._futures[name] = self._handed_over(job, name)
                self._futures[name].add_done_callback(self._ended.put)

    def _handed_over(self, job: Job, name: str) -> Any:
        if self._exchange is not None:
            for key in job.dependencies:
                self._exchange.publish(key)
        expected, options = dict(surroundings()), {"key": name, "pure": False, "retries": 0}
        if self._workers.gpu is not None:
            expected[DEVICE] = self._workers.gpu if _has_networks(job.step) else ANY
            options["resources"] = {"GPU": 1} if _has_networks(job.step) else None
        root, store = str(self._root.resolve()), self._workers.store
        return self._workers.client.submit(on_worker, pickle.dumps(job), root, expected, store, **options)

    def next_outcome(self) -> tuple[Job, str | None]:
        """Wait for the next job to end: a reason if it failed, or `_SUSPECT` if it may have ended its workers."""
        while True:
            future = self._next_ended()
            job = self.jobs.pop(future.key)
            self._futures.pop(future.key, None)
            if future.status == "error":
                return job, _reason(future)
            if self._is_here(job, future.status):
                return job, None
            self.submit([job])

    def _is_here(self, job: Job, status: str) -> bool:
        """Whether the result of a job that has ended is here, though its worker may have died since."""
        if self._exchange is None or job.arguments.reads_files:
            return status == "finished" or self._store.finished(job.key)
        here = self._exchange.has(job.key) and self._exchange.fetch(job.key)
        if not here:
            self._exchange.discard(job.key)
        return here

    def _next_ended(self) -> Any:
        while True:
            self._look_after_workers()
            try:
                future = self._ended.get(timeout=_LOOK)
            except queue.Empty:
                continue
            if future.status == "cancelled":
                raise IncompleteError(_kept("the Dask scheduler was lost"))
            return future

    def _look_after_workers(self) -> None:
        now = time.monotonic()
        if now - self._looked < _LOOK:
            return
        self._looked = now
        self._workers.revive()
        if self._workers.client.scheduler_info(n_workers=-1)["workers"]:
            self._seen = now
        elif self._workers.patience is not None and now - self._seen > self._workers.patience:
            raise IncompleteError(_kept(f"all workers were lost, and none came back in {self._workers.patience:.0f} s"))


@cache
def _has_networks(step: str) -> bool:
    """Whether a step computes networks, which is done on a GPU where there is one."""
    return _NETWORKS in sources_of_step(step)


def _done_here(job: Job, root: Path) -> JobFailed | None:
    from biasaudit.engine.jobs.run import run_job  # imports torch, which planning does not need

    reason = run_job(job, root)
    return None if reason is None else JobFailed(reason)


def _reason(future: Any) -> str:
    from distributed import KilledWorker  # an optional extra

    error = future.exception()
    if isinstance(error, UnlikeError):
        raise UsageError(_kept(str(error)))
    if isinstance(error, KilledWorker):
        return _SUSPECT
    return str(error) if isinstance(error, JobFailed) else f"the worker was lost: {error}"


def _kept(what: str) -> str:
    return f"{what}; finished jobs are kept, the same command resumes"
