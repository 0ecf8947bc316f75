"""Dask workers on this machine, which nobody else on it can talk to."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from biasaudit.errors import UsageError

__all__ = ["SCRATCH", "Workers", "dask_is_safe", "local_workers"]

SCRATCH = ".scratch"
"""Where workers keep their own files, below the run folder."""

_STARTING = 120
"""Seconds after which a worker process that has not come up is started anew."""

_SETTINGS = {
    "distributed.nanny.pre-spawn-environ": {"OMP_NUM_THREADS": 1, "MKL_NUM_THREADS": 1, "OPENBLAS_NUM_THREADS": 1},
    "distributed.worker.preload": ["biasaudit.engine.jobs.dask_worker"],
    # Pages of state, open to whoever reaches the port.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    # A worker that dies takes its jobs to another one; a job around which three died is tried again alone.
    "distributed.scheduler.allowed-failures": 2,
    # Jobs hand nothing on through memory, so there is nothing to spill: a paused worker would wait for ever.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": False,
    # A job in native code may keep its worker silent for long; a dead process is seen without heartbeats.
    "distributed.scheduler.worker-ttl": None,
    # Dask gives up, for good, a worker that needs longer than this to come back: 15 s by default, too short for a
    # loaded machine. `_revive` looks after them instead.
    "distributed.deploy.lost-worker-timeout": "24h",
    "distributed.comm.timeouts.connect": "60s",
}


@dataclass(frozen=True)
class Workers:
    """A connection to workers.

    Attributes
    ----------
    client : distributed.Client
    revive : callable
        Starts again what has ended for good; called every few seconds while jobs are waited for.
    """

    client: Any
    revive: Callable[[], None]


def dask_is_safe() -> bool:
    """Whether Dask is installed with all that it takes to keep others of the same machine out."""
    return all(find_spec(name) is not None for name in ("distributed", "cryptography"))


@contextmanager
def local_workers(count: int, root: Path) -> Iterator[Workers]:
    """Start worker processes of one thread each, which end with the block or with this process.

    They listen on the loopback interface alone, and talk only to who holds a key that exists nowhere but in the
    memory of this process and theirs. Their files lie below the run folder.

    Parameters
    ----------
    count : int
    root : Path
        The run folder.

    Raises
    ------
    UsageError
        If Dask, or what secures it, is not installed.
    """
    if not dask_is_safe():
        raise UsageError("engine dask is not installed; pip install 'biasaudit[dask]', or use --engine local")
    # Optional, and seconds to import.
    import dask
    from distributed import Client, LocalCluster, Security

    with dask.config.set(_SETTINGS), _scratch(root) as scratch:
        security = Security.temporary()
        cluster = LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            processes=True,
            security=security,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
            death_timeout=_STARTING,
            local_directory=str(scratch),
            silence_logs=logging.CRITICAL,
        )
        with cluster, Client(cluster, security=security) as client:
            yield Workers(client, lambda: _revive(cluster, count))


@contextmanager
def _scratch(root: Path) -> Iterator[Path]:
    """Give an empty folder that goes with the block; what a killed run left there goes first."""
    folder = root / SCRATCH
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _revive(cluster: Any, count: int) -> None:
    """Put new workers in the place of those whose start failed: Dask itself starts only what was up once."""
    from distributed import Status

    async def forget() -> None:
        for name, nanny in list(cluster.workers.items()):
            if nanny.status in {Status.closed, Status.failed}:
                del cluster.workers[name]

    cluster.sync(forget)
    cluster.scale(count)
