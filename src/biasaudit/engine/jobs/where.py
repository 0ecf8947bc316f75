"""Where jobs run."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from biasaudit.errors import UsageError

__all__ = ["HERE", "Where", "dask_is_safe"]


@dataclass(frozen=True)
class Where:
    """Where jobs run; nothing of it changes a result.

    Attributes
    ----------
    engine : str
        ``local`` (in this process), ``apart`` (one worker process, for code that may end it) or ``dask``.
    workers : int
        Worker processes on this machine.
    scheduler : str
        Address of a Dask scheduler that runs already (``tls://...``, ``tcp://...``), or the file that it has written;
        empty for none.
    cluster : Path or None
        Settings of a queue (`ClusterSettings`) that workers are asked of.
    store : str
        Where results pass between machines that share no file system: a URL that fsspec knows; empty for none.

    Raises
    ------
    UsageError
        What is asked for excludes each other.
    """

    engine: str = "local"
    workers: int = 1
    scheduler: str = ""
    cluster: Path | None = None
    store: str = ""

    def __post_init__(self) -> None:
        if self.scheduler and self.cluster:
            raise UsageError(
                "--scheduler names workers that run already, --cluster asks a queue for new ones; give one"
            )
        if self.engine == "local" and (self.scheduler or self.cluster):
            raise UsageError("--engine local runs in this process; leave it out to use --scheduler or --cluster")
        if self.store and not (self.scheduler or self.cluster):
            raise UsageError("--store is for workers on other machines; give --scheduler or --cluster too")


HERE = Where()
"""In this process."""


def dask_is_safe() -> bool:
    """Whether Dask is installed with all that it takes to keep others of the same machine out."""
    return all(find_spec(name) is not None for name in ("distributed", "cryptography"))
