"""The jobs of a plan, each kept once, and the version of the code that each of them runs."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from biasaudit.engine.jobs.job import Job
from biasaudit.engine.jobs.json_files import digest

__all__ = ["JobBook", "make_job"]

_IMAGES = (
    *(f"biasaudit.cohort.images.{module}" for module in ("formats", "dicom", "volumes", "resampling", "foreground")),
    "biasaudit.cohort.images.template",
    "biasaudit.cohort.simulation.phantom",
)
_CODE = {
    "read": (*_IMAGES, "biasaudit.engine.steps.represent"),
    "survey": ("biasaudit.engine.steps.survey", "biasaudit.cohort.images.alignment"),
    "metadata": ("biasaudit.engine.steps.metadata", "biasaudit.cohort.images.headers", "biasaudit.cohort.images.dicom"),
    "leakage": ("biasaudit.engine.steps.leakage", "biasaudit.stats.twins"),
    "quality": ("biasaudit.engine.steps.quality", "biasaudit.stats.image_quality"),
    "represent": (
        "biasaudit.representations",
        "biasaudit.edits.erasure",
        "biasaudit.cohort.images.template",
        "biasaudit.engine.steps.represent",
        "biasaudit.engine.user_code.preprocessing",
    ),
    "harmonise": ("biasaudit.engine.steps.harmonise", "biasaudit.representations"),
    "train": (
        "biasaudit.engine.steps.train",
        "biasaudit.engine.steps.training_parts",
        "biasaudit.engine.user_code.training",
        "biasaudit.networks",
    ),
    "adopt": (
        "biasaudit.engine.steps.given",
        "biasaudit.engine.user_code.weights",
        "biasaudit.engine.user_code.network",
    ),
    "given": ("biasaudit.engine.steps.given",),
    "score": ("biasaudit.engine.steps.score", "biasaudit.networks"),
    "attribute": (
        "biasaudit.engine.steps.attribute",
        "biasaudit.attributions",
        "biasaudit.networks",
        "biasaudit.cohort.images.atlas",
    ),
    "probe": (
        "biasaudit.engine.steps.attribute",
        "biasaudit.engine.steps.faithfulness",
        "biasaudit.attributions",
        "biasaudit.networks",
        "biasaudit.cohort.images.atlas",
    ),
    "truth": ("biasaudit.engine.steps.score", "biasaudit.cohort.simulation.phantom", "biasaudit.networks"),
    "transfer": ("biasaudit.engine.steps.signature_transfer", "biasaudit.edits.transfer", "biasaudit.networks"),
    "spike": ("biasaudit.engine.steps.spike_in",),
    "untrained": ("biasaudit.engine.steps.untrained", "biasaudit.networks"),
    "concepts": ("biasaudit.engine.steps.layer_gradients", "biasaudit.engine.steps.score", "biasaudit.networks"),
    "contrast": ("biasaudit.engine.steps.log_odds", "biasaudit.networks"),
    "learned": (
        "biasaudit.engine.steps.learned",
        "biasaudit.engine.steps.preferred_images",
        "biasaudit.stats.units",
        "biasaudit.networks",
    ),
    "judge": (
        "biasaudit.engine.evidence.assembly",
        "biasaudit.engine.situation.contrasts",
        "biasaudit.engine.evidence.map_regions",
        "biasaudit.engine.evidence.map_choices",
        "biasaudit.engine.evidence.retrained",
        "biasaudit.attributions.regions",
        "biasaudit.cohort.images.atlas",
        "biasaudit.engine.evidence.data",
        "biasaudit.checks",
        "biasaudit.stats",
    ),
}


class JobBook:
    """Collects jobs; identical ones, for example a control shared by two arms, are kept once."""

    def __init__(self, jobs: Iterable[Job]) -> None:
        self._jobs = {job.key: job for job in jobs}

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The jobs in the order in which they were first added."""
        return tuple(self._jobs.values())

    def add(self, step: str, arguments: Mapping[str, Any], needs: Mapping[str, tuple[str, ...]], title: str) -> str:
        """Add a job unless it is known, and return its key."""
        job = make_job(step, arguments, needs, title)
        self._jobs.setdefault(job.key, job)
        return job.key


def make_job(step: str, arguments: Mapping[str, Any], needs: Mapping[str, tuple[str, ...]], title: str) -> Job:
    """Make a job of the present code."""
    return Job(step=step, arguments=arguments, needs=needs, code=_code_version(step), title=title)


@cache
def _code_version(step: str) -> str:
    """Hash of the source files that a step runs, so that a changed step is computed again."""
    return digest([digest(_source(module)) for module in _CODE[step]])[:12]


def _source(module: str) -> list[str]:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        return []
    files = [Path(spec.origin)]
    if spec.submodule_search_locations:
        files = sorted(Path(spec.submodule_search_locations[0]).glob("*.py"))
    return [file.read_text(encoding="utf-8") for file in files]
