"""Options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from biasaudit.engine.jobs.dask_client import dask_is_safe

__all__ = ["Engine", "EngineOption", "ForceOption", "RunArgument", "TrustOption", "WorkersOption", "chosen_engine"]


class Engine(StrEnum):
    """Where jobs run."""

    auto = "auto"
    local = "local"
    dask = "dask"


EngineOption = Annotated[Engine, typer.Option(help="local: in this process; dask: worker processes.")]
WorkersOption = Annotated[int | None, typer.Option(min=1, help="Worker processes; default: one per core.")]
ForceOption = Annotated[bool, typer.Option("--force", help="Overwrite the file that -o names.")]
TrustOption = Annotated[bool, typer.Option("--trust", help="Run code that the folder names and its audit did not run.")]
RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")]


def chosen_engine(engine: Engine, workers: int) -> str:
    """Say where jobs run: on Dask where there are several workers, and it is installed with what keeps others out."""
    if engine is not Engine.auto:
        return engine.value
    return "dask" if workers > 1 and dask_is_safe() else "local"
