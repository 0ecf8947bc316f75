"""What the engine costs a job: empty jobs, in one process and on two Dask workers that are already there."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from biasaudit.engine.jobs.book import make_job
from biasaudit.engine.jobs.dispatch import dispatcher
from biasaudit.engine.jobs.job import Arguments, Folders, Job, Role
from biasaudit.engine.jobs.where import Where

JOBS = 1000
WARM = 20


@dataclass(frozen=True)
class Nothing(Arguments):
    """Arguments of a job that does nothing."""

    step: ClassVar[str] = "overhead:nothing"
    number: int


def nothing(arguments: Nothing, needs: Folders, folder: Path) -> None:
    """Write one small file, as the smallest job does."""
    (folder / "number").write_text(str(arguments.number))


def study(scratch: Path) -> str:
    sys.path.append(str(Path(__file__).parent))  # worker processes import the step by the name of this module
    rows = [
        f"| {engine}, {shape} | {1000 * wall / JOBS:.1f} | {1000 * cpu / JOBS:.1f} |"
        for engine, workers in (("local", 1), ("dask", 2))
        for shape, jobs in (("independent", alone(JOBS)), ("chains of ten", chains(JOBS)))
        for wall, cpu in [measured(engine, workers, scratch / engine / shape, jobs)]
    ]
    return (
        "## Overhead a job\n\n"
        "Command: `python benchmarks/run.py overhead`.\n\n"
        f"{JOBS} empty jobs of one small file each, after {WARM} others; CPU is that of this process alone.\n\n"
        "| engine, jobs | ms a job | of it CPU of the main process |\n|---|---|---|\n" + "\n".join(rows) + "\n"
    )


def alone(count: int, first: int = 0) -> list[Job]:
    return [make_job(Nothing(first + number), {}, f"empty {number}") for number in range(count)]


def chains(count: int) -> list[Job]:
    """Jobs of which nine in ten need the one before."""
    jobs: list[Job] = []
    for number in range(count):
        needs: dict[Role, tuple[str, ...]] = {Role("before"): (jobs[-1].key,)} if number % 10 else {}
        jobs.append(make_job(Nothing(number), needs, f"empty {number}"))
    return jobs


def measured(engine: str, workers: int, root: Path, jobs: Sequence[Job]) -> tuple[float, float]:
    """Give wall and CPU seconds of this process for all jobs, once the workers are warm."""
    root.mkdir(parents=True)
    with dispatcher(Where(engine, workers), root) as dispatch:
        _finished(dispatch, alone(WARM, first=10 * JOBS))
        wall, cpu = time.perf_counter(), time.process_time()
        _finished(dispatch, jobs)
        return time.perf_counter() - wall, time.process_time() - cpu


def _finished(dispatch: Any, jobs: Sequence[Job]) -> None:
    failures = dispatch(jobs, lambda job, reason: None)
    if failures:
        raise SystemExit(failures[0].reason)
