"""The jobs of a plan, each kept once, and the version of the code that each of them runs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from biasaudit.engine.jobs.code_version import code_version
from biasaudit.engine.jobs.job import Arguments, Job, Role

__all__ = ["JobBook", "make_job"]


class JobBook:
    """Collects jobs; identical ones, for example a control shared by two arms, are kept once."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._jobs = {job.key: job for job in jobs}

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The jobs in the order in which they were first added."""
        return tuple(self._jobs.values())

    def add(self, arguments: Arguments, needs: Mapping[Role, tuple[str, ...]], title: str) -> str:
        """Add a job unless it is known, and return its key."""
        job = make_job(arguments, needs, title)
        self._jobs.setdefault(job.key, job)
        return job.key


def make_job(arguments: Arguments, needs: Mapping[Role, tuple[str, ...]], title: str) -> Job:
    """Make a job of the present code."""
    code = code_version(arguments.step, arguments.components)
    return Job(arguments=arguments, needs=needs, code=code, title=title)
