"""Name of a step -> the function that does it; and how any worker runs one job."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import torch
from threadpoolctl import threadpool_limits

from biasaudit.engine.attribute import attribute
from biasaudit.engine.collect import score, truth
from biasaudit.engine.concepts import concepts
from biasaudit.engine.faithfulness import probe
from biasaudit.engine.given import adopt, given
from biasaudit.engine.harmonise import harmonise
from biasaudit.engine.judge import judge
from biasaudit.engine.leakage import leakage
from biasaudit.engine.learned import learned
from biasaudit.engine.metadata import metadata
from biasaudit.engine.odds import contrast
from biasaudit.engine.prepare import read, represent
from biasaudit.engine.quality import quality
from biasaudit.engine.spike import spike
from biasaudit.engine.store import Job, Store
from biasaudit.engine.survey import survey
from biasaudit.engine.train import train
from biasaudit.engine.transfer import transfer
from biasaudit.engine.untrained import untrained

__all__ = ["STEPS", "one_thread", "run_job"]

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


@contextmanager
def one_thread() -> Iterator[None]:
    """Run with one thread, as a worker must: two on a busy two-core machine are many times slower than one."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        torch.set_num_threads(before)
