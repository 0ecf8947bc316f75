"""Where things are in a plan."""

from __future__ import annotations

from typing import Any

from biasaudit.engine.arguments.maps import MAPS
from biasaudit.engine.evidence.judgements import Judged
from biasaudit.engine.jobs.job import Job
from biasaudit.engine.plan import ArmContrast, Plan


def keys(plan: Plan, step: str) -> list[str]:
    return [job.key for job in plan.jobs if job.step == step]


def by_key(plan: Plan) -> dict[str, Job]:
    return {job.key: job for job in plan.jobs}


def judgement(plan: Plan, code: str, arm: str = "intensity", contrast: str | None = None) -> Job:
    return by_key(plan)[plan.judged[Judged(arm, "site", code, contrast)]]


def about(job: Job, kind: str) -> Any:
    """What reading a kind of evidence back takes, as a judgement is told."""
    return job.arguments.request.kinds[kind]


def map_keys(plan: Plan, arm: str = "intensity", contrast: str | None = None) -> tuple[str, ...]:
    return plan.needs(ArmContrast(arm, "site", contrast), "maps").get(MAPS, ())
