"""Dask workers: on this machine, where nobody else can talk to them, or those of a scheduler that runs already."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from biasaudit.engine.jobs.dask_queue import queued_workers
from biasaudit.engine.jobs.exchange import Exchange
from biasaudit.engine.jobs.scratch import scratch
from biasaudit.engine.jobs.surroundings import device
from biasaudit.engine.jobs.where import Where, dask_is_safe
from biasaudit.engine.jobs.workers import Workers, require_alike
from biasaudit.errors import UsageError

__all__ = ["connected", "quiet"]

_STARTING = 120
"""Seconds after which a worker process that has not come up is started anew."""

_FIRST = 60
"""Seconds in which a running scheduler must answer and show a worker."""

_SETTINGS: Mapping[str, Any] = {
    "distributed.nanny.pre-spawn-environ": {"OMP_NUM_THREADS": 1, "MKL_NUM_THREADS": 1, "OPENBLAS_NUM_THREADS": 1},
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
    "distributed.comm.timeouts.connect": "60s",
}
_ON_THIS_MACHINE = {
    "distributed.worker.preload": ["biasaudit.engine.jobs.dask_worker"],
    # A job in native code may keep its worker silent for long; a dead process is seen without heartbeats.
    "distributed.scheduler.worker-ttl": None,
    # Dask gives up, for good, a worker that needs longer than this to come back: 15 s by default, too short for a
    # loaded machine. `_revive` looks after them instead.
    "distributed.deploy.lost-worker-timeout": "24h",
}


@contextmanager
def connected(where: Where, root: Path) -> Iterator[Workers]:
    """Give workers for as long as the block lasts.

    Parameters
    ----------
    where : Where
    root : Path
        The run folder.

    Raises
    ------
    UsageError
        If Dask, or what secures it, is not installed; if workers cannot be reached, or their results would differ.
    """
    if not dask_is_safe():
        raise UsageError("engine dask is not installed; pip install 'biasaudit[dask]', or use --engine local")
    # Optional, and seconds to import. Dask takes settings back by removing what was not there when they were made, so
    # `distributed` must have put its own there before.
    import dask
    import distributed  # noqa: F401

    if where.store:
        Exchange(where.store, root).require_usable()
    # What goes wrong with workers is told by `Workers` and by the jobs; Dask's own lines would tear the progress.
    # The scheduler, too, has files of its own, for which it would make a folder in /tmp and leave it there.
    with (
        quiet("distributed", "tornado"),
        scratch(root) as own,
        dask.config.set({**_SETTINGS, "temporary-directory": str(own)}),
    ):
        if where.scheduler:
            with _running(where.scheduler) as client:
                gpu = require_alike(client, root, where.store)
                yield Workers(client, lambda: None, store=where.store, gpu=gpu)
        elif where.cluster is not None:
            with queued_workers(where.cluster, own, where.store) as workers:
                yield workers
        else:
            with _local(where.workers, own) as workers:
                yield workers


@contextmanager
def quiet(*libraries: str) -> Iterator[None]:
    """Keep the log lines of some libraries from the terminal while the block lasts."""
    known = [logging.getLogger(name) for name in (*libraries, *logging.Logger.manager.loggerDict)]
    own = {logger: logger.level for logger in known if logger.name.partition(".")[0] in libraries}
    for logger in own:
        logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        for logger, level in own.items():
            logger.setLevel(level)


@contextmanager
def _local(count: int, own: Path) -> Iterator[Workers]:
    """Start worker processes of one thread each, which end with the block or with this process.

    They listen on the loopback interface alone, and talk only to who holds a key that exists nowhere but in the
    memory of this process and theirs.
    """
    import dask
    from distributed import Client, LocalCluster, Security

    security = Security.temporary()
    with dask.config.set(_ON_THIS_MACHINE):
        cluster = LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            processes=True,
            security=security,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            scheduler_kwargs={"dashboard": False},
            death_timeout=_STARTING,
            local_directory=str(own),
            silence_logs=logging.CRITICAL,
        )
        devices = _devices()
        with cluster, Client(cluster, security=security) as client:
            _add_one_worker_each(cluster, devices)
            yield Workers(client, lambda: _revive(cluster, count + devices), gpu=device() if devices else None)


def _devices() -> int:
    import torch

    return torch.cuda.device_count()


def _add_one_worker_each(cluster: Any, devices: int) -> None:
    """Start one more worker for every GPU, which sees that one alone and offers it."""
    plain = next(iter(cluster.worker_spec.values()))
    for number in range(devices):
        own = {"env": {"CUDA_VISIBLE_DEVICES": str(number)}, "resources": {"GPU": 1}}
        cluster.worker_spec[f"gpu-{number}"] = {**plain, "options": {**plain["options"], **own}}
    cluster.scale(len(cluster.worker_spec))


def _revive(cluster: Any, count: int) -> None:
    """Put new workers in the place of those whose start failed: Dask itself starts only what was up once."""
    from distributed import Status

    async def forget() -> None:
        for name, nanny in list(cluster.workers.items()):
            if nanny.status in {Status.closed, Status.failed}:
                del cluster.workers[name]

    cluster.sync(forget)
    cluster.scale(count)


@contextmanager
def _running(scheduler: str) -> Iterator[Any]:
    """Connect to a scheduler by its address or its file; keys are those of Dask's own configuration."""
    from distributed import Client

    by_file = "://" not in scheduler
    if by_file and not Path(scheduler).is_file():
        raise UsageError(
            f"{scheduler}: no such file; give what `dask scheduler --scheduler-file` has written, or tls://..."
        )
    try:
        client = Client(**({"scheduler_file": scheduler} if by_file else {"address": scheduler}), timeout=_FIRST)
    except (OSError, ValueError, TypeError, KeyError, RuntimeError) as error:
        raise UsageError(f"{scheduler}: no Dask scheduler answers there ({_last(error)}); is it running?") from None
    with client:
        try:
            client.wait_for_workers(1, timeout=_FIRST)
        except TimeoutError:
            raise UsageError(
                f"{scheduler}: no worker has come up in {_FIRST} s; start some with `dask worker`"
            ) from None
        yield client


def _last(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[-1]
