"""Steps for jobs that tests send to real workers."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from biasaudit.engine.jobs.job import Arguments, Folders, Job, Role


@dataclass(frozen=True)
class Act(Arguments):
    step: ClassVar[str] = "engine.jobs.dask_steps:act"
    name: str
    how: str = "write"


def job(name: str, how: str = "write", *needs: Job) -> Job:
    roles: Mapping[Role, tuple[str, ...]] = {Role("needs"): tuple(need.key for need in needs)} if needs else {}
    return Job(Act(name, how), roles, title=name)


def act(arguments: Act, needs: Folders, folder: Path) -> None:
    if arguments.how == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep({"wait": 0.3, "long": 8.0}.get(arguments.how, 0.0))
    (folder / "pid").write_text(str(os.getpid()))
    (folder / "device").write_text(os.environ.get("CUDA_VISIBLE_DEVICES", "none"))
