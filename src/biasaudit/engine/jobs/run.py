"""Name of a step -> the function that does it; and how any worker runs one job."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from biasaudit.engine.evidence.assembly import judge
from biasaudit.engine.jobs.job import Job
from biasaudit.engine.jobs.store import Store
from biasaudit.engine.jobs.threads import one_thread
from biasaudit.engine.steps.attribute import attribute
from biasaudit.engine.steps.faithfulness import probe
from biasaudit.engine.steps.given import adopt, given
from biasaudit.engine.steps.harmonise import harmonise
from biasaudit.engine.steps.layer_gradients import concepts
from biasaudit.engine.steps.leakage import leakage
from biasaudit.engine.steps.learned import learned
from biasaudit.engine.steps.log_odds import contrast
from biasaudit.engine.steps.metadata import metadata
from biasaudit.engine.steps.quality import quality
from biasaudit.engine.steps.represent import read, represent
from biasaudit.engine.steps.score import score, truth
from biasaudit.engine.steps.signature_transfer import transfer
from biasaudit.engine.steps.spike_in import spike
from biasaudit.engine.steps.survey import survey
from biasaudit.engine.steps.train import train
from biasaudit.engine.steps.untrained import untrained

__all__ = ["STEPS", "run_job"]

STEPS: Mapping[str, Callable[[Mapping[str, Any], Mapping[str, Sequence[Path]], Path], None]] = {
    "read": read,
    "survey": survey,
    "metadata": metadata,
    "leakage": leakage,
    "quality": quality,
    "represent": represent,
    "harmonise": harmonise,
    "train": train,
    "adopt": adopt,
    "given": given,
    "score": score,
    "attribute": attribute,
    "probe": probe,
    "truth": truth,
    "spike": spike,
    "contrast": contrast,
    "transfer": transfer,
    "learned": learned,
    "untrained": untrained,
    "concepts": concepts,
    "judge": judge,
}


def _allow() -> None:
    return None


def run_job(job: Job, root: Path, before_publishing: Callable[[], None] = _allow) -> str | None:
    """Do one job unless it is finished already.

    Parameters
    ----------
    job : Job
    root : Path
        The run folder.
    before_publishing : callable
        Called when the step has ended; an error that it raises leaves no finished folder.

    Returns
    -------
    str or None
        The traceback if the job failed; None if its folder is there.
    """
    store = Store(root)
    if store.finished(job.key):
        return None
    needs = store.needs(job)
    try:
        with one_thread(), store.writing(job.key) as folder:
            _function(job.step)(job.arguments, needs, folder)
            before_publishing()
    except Exception:
        return traceback.format_exc()
    return None


def _function(step: str) -> Callable[[Mapping[str, Any], Mapping[str, Sequence[Path]], Path], None]:
    """Find a step: one of `STEPS`, or ``module:function`` of a layer above that brings a step of its own."""
    module, _, name = step.partition(":")
    return getattr(import_module(module), name) if name else STEPS[step]
