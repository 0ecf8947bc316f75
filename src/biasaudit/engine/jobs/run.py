"""Run one job on any worker: find the function of its step, and publish what it wrote."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from biasaudit import registry
from biasaudit.engine.jobs.job import Folders, Job
from biasaudit.engine.jobs.store import DamagedJobError, Store
from biasaudit.engine.jobs.threads import one_thread
from biasaudit.run_folder.space import NO_ROOM, lack_of_space

__all__ = ["run_job"]


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
        The traceback if the job failed, or one line: what is wrong with a stored result that it reads, or that there
        is no room for its own. None if its folder is there.
    """
    store = Store(root)
    if store.finished(job.key):
        return None
    try:
        needs = store.needs(job)
        with one_thread(), store.writing(job.key) as folder:
            _function(job.step)(job.arguments, needs, folder)
            before_publishing()
            store.needs(job)  # none of them was damaged while it was read
    except DamagedJobError as damage:
        return str(damage)
    except (Exception, SystemExit) as error:  # a step may run code of the user's, and that may call sys.exit
        lack = lack_of_space(error)
        return f"{NO_ROOM}: {lack}" if lack else traceback.format_exc()
    return None


def _function(step: str) -> Callable[[Any, Folders, Path], None]:
    """Find a step by its registered name, or by ``module:function`` of a layer above that brings a step of its own."""
    module, _, name = step.partition(":")
    return getattr(import_module(module), name) if name else registry.get("step", step)  # type: ignore[no-any-return]
