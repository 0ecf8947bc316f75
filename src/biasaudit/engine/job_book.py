"""The jobs of a plan, each kept once, and the version of the code that each of them runs."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from biasaudit.engine.store import Job, digest

__all__ = ["JobBook", "make_job", "user_code"]

_IMAGES = tuple(
    f"biasaudit.cohort.{module}"
    for module in ("formats", "dicom", "volumes", "resampling", "foreground", "phantom", "template")
)
_CODE = {
    "read": (*_IMAGES, "biasaudit.engine.prepare"),
    "survey": ("biasaudit.engine.survey", "biasaudit.cohort.alignment"),
    "metadata": ("biasaudit.engine.metadata", "biasaudit.cohort.headers", "biasaudit.cohort.dicom"),
    "leakage": ("biasaudit.engine.leakage", "biasaudit.stats.twins"),
    "quality": ("biasaudit.engine.quality", "biasaudit.stats.image_quality"),
    "represent": (
        "biasaudit.representations",
        "biasaudit.edits.erasure",
        "biasaudit.cohort.template",
        "biasaudit.engine.prepare",
        "biasaudit.engine.own_input",
    ),
    "harmonise": ("biasaudit.engine.harmonise", "biasaudit.representations"),
    "train": (
        "biasaudit.engine.train",
        "biasaudit.engine.training_parts",
        "biasaudit.engine.own_fit",
        "biasaudit.networks",
    ),
    "adopt": ("biasaudit.engine.given", "biasaudit.engine.weights", "biasaudit.engine.own_network"),
    "given": ("biasaudit.engine.given",),
    "score": ("biasaudit.engine.collect", "biasaudit.networks"),
    "attribute": (
        "biasaudit.engine.attribute",
        "biasaudit.attributions",
        "biasaudit.networks",
        "biasaudit.cohort.atlas",
    ),
    "probe": (
        "biasaudit.engine.attribute",
        "biasaudit.engine.faithfulness",
        "biasaudit.attributions",
        "biasaudit.networks",
        "biasaudit.cohort.atlas",
    ),
    "truth": ("biasaudit.engine.collect", "biasaudit.cohort.phantom", "biasaudit.networks"),
    "transfer": ("biasaudit.engine.transfer", "biasaudit.edits.transfer", "biasaudit.networks"),
    "spike": ("biasaudit.engine.spike",),
    "untrained": ("biasaudit.engine.untrained", "biasaudit.networks"),
    "concepts": ("biasaudit.engine.concepts", "biasaudit.engine.collect", "biasaudit.networks"),
    "contrast": ("biasaudit.engine.odds", "biasaudit.networks"),
    "learned": (
        "biasaudit.engine.learned",
        "biasaudit.engine.preferred",
        "biasaudit.stats.units",
        "biasaudit.networks",
    ),
    "judge": (
        "biasaudit.engine.judge",
        "biasaudit.engine.contrasts",
        "biasaudit.engine.regions",
        "biasaudit.engine.replicates",
        "biasaudit.engine.retraining",
        "biasaudit.attributions.regions",
        "biasaudit.cohort.atlas",
        "biasaudit.engine.data_evidence",
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


def user_code(name: str) -> str:
    """Return the hash of the module that holds a factory or function of the user's; empty for what is built in."""
    module, _, attribute = name.partition(":")
    if not attribute or module == "monai":
        return ""
    if module.endswith(".py"):
        return digest([Path(module).read_text(encoding="utf-8"), *_source("biasaudit.engine.own_network")])
    # `build_network` adds the current folder to the path when it imports; finding needs the same.
    candidate = Path.cwd().joinpath(*module.split(".")).with_suffix(".py")
    if candidate.exists():
        return digest(candidate.read_text(encoding="utf-8"))
    return digest(_source(module))
