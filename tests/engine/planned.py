"""Where things are in a plan."""

from __future__ import annotations

from biasaudit.engine.jobs.job import Job
from biasaudit.engine.plan import Plan


def keys(plan: Plan, step: str) -> list[str]:
    return [job.key for job in plan.jobs if job.step == step]


def by_key(plan: Plan) -> dict[str, Job]:
    return {job.key: job for job in plan.jobs}


def design(plan: Plan, code: str, arm: str = "intensity") -> Job:
    return by_key(plan)[plan.judged[arm, "site", code]]
