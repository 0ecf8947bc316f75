"""Options that several commands share."""

from __future__ import annotations

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from biasaudit.engine.jobs.where import Where, dask_is_safe
from biasaudit.errors import UsageError

__all__ = [
    "ClusterOption",
    "Elsewhere",
    "Engine",
    "EngineOption",
    "ForceOption",
    "RunArgument",
    "SchedulerOption",
    "StoreOption",
    "TrackOption",
    "TrustOption",
    "ViewerOption",
    "WorkersOption",
    "anywhere",
    "here",
]


class Engine(StrEnum):
    """Where jobs run."""

    auto = "auto"
    local = "local"
    dask = "dask"


EngineOption = Annotated[Engine, typer.Option(help="local: in this process; dask: worker processes.")]
WorkersOption = Annotated[int | None, typer.Option(min=1, help="Worker processes; default: one per core.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite the file that -o names.")]
TrustOption = Annotated[bool, typer.Option("--trust", help="Run code that the folder names and its audit did not run.")]
SchedulerOption = Annotated[
    str, typer.Option(help="Workers of a Dask scheduler that runs already: tls://host:8786, tcp://..., or its file.")
]
ClusterOption = Annotated[
    Path | None, typer.Option(help="Workers that a queue runs (Slurm, SGE, PBS, LSF): its settings, a YAML file.")
]
StoreOption = Annotated[
    str, typer.Option(help="Where results pass if the machines share no file system: s3://..., any URL of fsspec.")
]
TrackOption = Annotated[
    list[str] | None, typer.Option(help="Experiment tracker that gets verdict, numbers and report: mlflow.")
]
ViewerOption = Annotated[
    bool | None,
    typer.Option("--viewer/--no-viewer", help="Write viewer.html, which works offline; default: for volumes."),
]
RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")]


def here(engine: Engine, workers: int | None) -> Where:
    """Say how jobs run on this machine: on Dask where there are several workers, and it is installed and safe."""
    count = workers or os.cpu_count() or 1
    if engine is not Engine.auto:
        return Where(engine.value, count)
    return Where("dask" if count > 1 and dask_is_safe() else "local", count)


def anywhere(engine: Engine, workers: int | None, elsewhere: Elsewhere) -> Where:
    """Say where jobs run: on this machine, unless workers elsewhere are named."""
    if elsewhere == Elsewhere():
        return here(engine, workers)
    if workers is not None:
        raise UsageError("--workers are those of this machine; --scheduler and --cluster have their own number")
    name = "local" if engine is Engine.local else "dask"
    return Where(name, 1, elsewhere.scheduler, elsewhere.cluster, elsewhere.store)


@dataclass(frozen=True)
class Elsewhere:
    """Workers on other machines; see `Where`."""

    scheduler: str = ""
    cluster: Path | None = None
    store: str = ""
