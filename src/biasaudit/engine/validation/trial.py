"""A short training on noise, before anything runs, of networks that the user's own functions train."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from biasaudit import seeds
from biasaudit.engine.arguments.inputs import INPUTS
from biasaudit.engine.arguments.networks import TrainArguments
from biasaudit.engine.jobs.job import Folders, Job
from biasaudit.engine.jobs.stack import save_stack
from biasaudit.engine.jobs.threads import one_thread
from biasaudit.engine.situation.situation import Situation
from biasaudit.engine.steps.train import train
from biasaudit.engine.user_code.functions import RAISED, failure, find
from biasaudit.errors import Fault, UsageError
from biasaudit.protocol import TrainingSettings

__all__ = ["functions_missing", "training_faults", "trial_notes"]

_IMAGES = 16
_PREFIX = "target.training"
_WEIGHTS = "model.safetensors"


def functions_missing(settings: TrainingSettings) -> Iterator[Fault]:
    """Yield a fault for every function named by the protocol that cannot be found."""
    for field, name in settings.own:
        try:
            find(name, f"{_PREFIX}.{field}")
        except UsageError as error:
            yield Fault("protocol", str(error))


def training_faults(situation: Situation, jobs: Iterable[Job]) -> list[Fault]:
    """Train one epoch on noise for every number of classes that the audit will train for.

    Parameters
    ----------
    situation : Situation
    jobs : iterable of Job
        Those that are expected; only the trainings matter.

    Returns
    -------
    list of Fault
        What would go wrong: the first fault of each number of classes, without repetition.
    """
    if not situation.protocol.target.training.own:
        return []
    trainings = [job.arguments for job in jobs if isinstance(job.arguments, TrainArguments)]
    firsts = {arguments.classes: arguments for arguments in trainings}
    found = [_fault(situation, firsts[classes]) for classes in sorted(firsts)]
    return [Fault("protocol", message) for message in dict.fromkeys(filter(None, found))]


def trial_notes(settings: TrainingSettings) -> tuple[str, ...]:
    """Say what was trained by whose code."""
    if not settings.own:
        return ()
    named = ", ".join(f"{field} {Path(name).name}" for field, name in settings.own)
    return (f"networks are trained by code of the user's ({named}), tried on noise before the audit",)


def _fault(situation: Situation, arguments: TrainArguments) -> str:
    settings = situation.protocol.target.training
    try:
        with tempfile.TemporaryDirectory(prefix="biasaudit-trial-") as scratch, one_thread():
            first, second = (_once(situation, arguments, Path(scratch) / name) for name in ("first", "second"))
            _require_numbers(first, settings)
            # An accelerator adds in no fixed order.
            if not torch.cuda.is_available() and (first / _WEIGHTS).read_bytes() != (second / _WEIGHTS).read_bytes():
                raise UsageError(
                    f"{_blamed(settings)} gives other weights each time under the same seed; draw all randomness from "
                    "the seed or generator handed in"
                )
    except UsageError as error:
        return str(error)
    except RAISED as error:
        return f"{_blamed(settings)} failed on noise: {failure(error)}"
    return ""


def _once(situation: Situation, arguments: TrainArguments, scratch: Path) -> Path:
    """Run the step `train` itself on noise, and return its folder."""
    grid, classes = situation.grid, arguments.classes
    chance = seeds.generator(situation.protocol.folds.seed, "trial")
    count = math.ceil(_IMAGES / classes) * classes
    block, folder = scratch / "inputs", scratch / "model"
    block.mkdir(parents=True)
    folder.mkdir()
    shape = (count, situation.channels(situation.protocol.arms[0].recipe), *grid.shape)
    save_stack(block / f"{arguments.variant}.npz", chance.normal(size=shape).astype(np.float32))
    changed = replace(
        arguments,
        rows=tuple(range(count)),
        targets=tuple(row % classes for row in range(count)),
        groups=tuple(str(row) for row in range(count)),
        training=arguments.training.model_copy(update={"epochs": 1}),
    )
    train(changed, Folders({INPUTS: (block,)}), folder)
    return folder


def _require_numbers(folder: Path, settings: TrainingSettings) -> None:
    losses = json.loads((folder / "history.json").read_text())[-1]
    for name in ("training_loss", "validation_loss"):
        if not np.isfinite(losses[name]):
            raise UsageError(
                f"{_blamed(settings)}: the {name.replace('_', ' ')} is {losses[name]} after one epoch on noise, "
                "expected a finite number; look for logarithms and divisions of 0, or lower `learning_rate`"
            )


def _blamed(settings: TrainingSettings) -> str:
    """Fields that a fault which names none may lie in."""
    return ", ".join(f"{_PREFIX}.{field} ({Path(name).name})" for field, name in settings.own)
