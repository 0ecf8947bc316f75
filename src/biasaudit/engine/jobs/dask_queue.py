"""Workers that a queue of a cluster runs (Slurm and its kin), asked for as they are needed."""

from __future__ import annotations

import os
import shlex
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from biasaudit.engine.jobs.cluster_settings import ClusterSettings, load_cluster
from biasaudit.engine.jobs.workers import Workers
from biasaudit.errors import IncompleteError, UsageError

__all__ = ["job_script", "queued_workers"]

_CLASSES = {
    "slurm": "SLURMCluster",
    "sge": "SGECluster",
    "pbs": "PBSCluster",
    "lsf": "LSFCluster",
    "moab": "MoabCluster",
}
_ACCOUNT_IS_PROJECT = {"sge", "lsf"}
_STATE = {
    "slurm": "squeue --noheader --jobs {} --states PENDING,CONFIGURING,RUNNING,SUSPENDED,COMPLETING",
    "sge": "qstat -j {}",
    "pbs": "qstat {}",
    "lsf": "bjobs -noheader {}",
    "moab": "checkjob {}",
}
"""Commands that print a line about a job that waits or runs, and else fail or print nothing."""

_ONE_THREAD = [f"export {name}=1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")]
_LOST_AFTER = "30s"
_LOOK = 20.0
_TRIES = 3
"""Jobs of the queue that end before their worker has come up, one after the other, before a run ends."""


@contextmanager
def queued_workers(path: Path, own: Path, store: str) -> Iterator[Workers]:
    """Ask a queue for workers as long as there is work, and again for those that it ends.

    The scheduler runs in this process. It listens where the nodes can reach it, and talks only to who holds the key of
    this run, which lies in a file that nobody else may read and that goes with the run.

    Parameters
    ----------
    path : Path
        Settings (`ClusterSettings`).
    own : Path
        Folder for the key, and for the files of workers where the settings name none.
    store : str
        URL through which results pass; may be empty.

    Raises
    ------
    ProtocolError
        Faults in the settings.
    UsageError
        What talks to queues is not installed, or the queue takes no job.
    """
    settings = load_cluster(path)
    if find_spec("dask_jobqueue") is None:
        raise UsageError("--cluster needs dask-jobqueue; pip install 'biasaudit[cluster]'")
    import dask
    from distributed import Client

    security = _key_in_files(own)
    with dask.config.set({"distributed.deploy.lost-worker-timeout": _LOST_AFTER}):
        cluster = _class_of(settings)(
            **_of_job(settings, own),
            security=security,
            scheduler_options={"dashboard": False, "dashboard_address": "127.0.0.1:0", "interface": settings.interface},
        )
        with cluster, Client(cluster, security=security) as client:
            cluster.adapt(minimum_jobs=settings.jobs.min, maximum_jobs=settings.jobs.max)
            yield Workers(client, _Queue(cluster, settings, own).look, None, store, settings.gpu)


def _key_in_files(folder: Path) -> Any:
    """Make a key and write it where the nodes can read it, and nobody but the user."""
    from distributed import Security

    made = Security.temporary()
    paths = {}
    for part, text in (("key", made.tls_worker_key), ("cert", made.tls_worker_cert)):
        paths[part] = str(folder / f"tls-{part}.pem")
        with open(os.open(paths[part], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(text)
    roles = {f"tls_{role}_{part}": path for role in ("client", "scheduler", "worker") for part, path in paths.items()}
    return Security(require_encryption=True, tls_ca_file=paths["cert"], **roles)


def job_script(settings: ClusterSettings, own: Path) -> str:
    """Return the script that is handed to the queue for one job."""
    job = _class_of(settings).job_cls("tls://SCHEDULER", name="worker", **_of_job(settings, own))
    return str(job.job_script())


def _class_of(settings: ClusterSettings) -> Any:
    return getattr(import_module("dask_jobqueue"), _CLASSES[settings.system])


def _of_job(settings: ClusterSettings, own: Path) -> dict[str, Any]:
    account = "project" if settings.system in _ACCOUNT_IS_PROJECT else "account"
    asked: Mapping[str, Any] = {
        "queue": settings.queue,
        account: settings.account,
        "walltime": settings.walltime,
        "interface": settings.interface,
        "python": settings.python,
    }
    return {
        **{name: value for name, value in asked.items() if value is not None},
        "cores": settings.cores,
        # One process a core: a job computes with one thread.
        "processes": settings.cores,
        "memory": settings.memory,
        "job_script_prologue": [*_ONE_THREAD, *settings.prologue],
        "job_extra_directives": list(settings.directives),
        "worker_extra_args": [*(["--resources", "GPU=1"] if settings.gpu else []), *settings.worker_arguments],
        "local_directory": settings.local_directory or str(own),
        "log_directory": settings.logs or str(own / "logs"),
    }


class _Queue:
    """Finds jobs of the queue that ended without a word, and has them submitted again."""

    def __init__(self, cluster: Any, settings: ClusterSettings, own: Path) -> None:
        self._cluster, self._settings = cluster, settings
        self._logs = Path(settings.logs or own / "logs")
        self._looked = time.monotonic()
        self._in_vain = 0

    def look(self) -> None:
        """Submit again what has ended; raise IncompleteError where that does not help."""
        if time.monotonic() - self._looked < _LOOK:
            return
        self._looked = time.monotonic()
        up = {str(worker["name"]) for worker in self._cluster.scheduler_info["workers"].values()}
        jobs = dict(self._cluster.workers)
        waiting = {name: job for name, job in jobs.items() if not any(own.startswith(str(name)) for own in up)}
        gone = [name for name, job in waiting.items() if job.job_id and not self._is_known(job.job_id)]
        self._in_vain = 0 if up else self._in_vain + len(gone)
        if self._in_vain >= _TRIES:
            raise IncompleteError(
                f"{self._in_vain} jobs of the queue ended before any worker came up{self._last_words()}; "
                "finished jobs are kept, the same command resumes"
            )
        if gone:
            self._cluster.sync(self._forget, gone)
        self._cluster.scale(jobs=len(self._cluster.worker_spec))

    async def _forget(self, names: list[Any]) -> None:
        for name in names:
            self._cluster.workers.pop(name, None)

    def _is_known(self, job: str) -> bool:
        command = shlex.split(_STATE[self._settings.system].format(job))
        try:
            told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        except (OSError, subprocess.TimeoutExpired):
            return True
        return told.returncode == 0 and bool(told.stdout.strip())

    def _last_words(self) -> str:
        logs = sorted(self._logs.glob("*"), key=lambda path: path.stat().st_mtime)
        lines = [line for path in logs[-1:] for line in path.read_text(errors="replace").splitlines() if line.strip()]
        return f" (the last one: {lines[-1]})" if lines else ""
