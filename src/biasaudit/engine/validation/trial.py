"""A step of training on noise before anything runs, where network or training are the user's."""

from __future__ import annotations

import json
import math
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import nn

from biasaudit import seeds
from biasaudit.attributions.explained import Explained, Margin
from biasaudit.attributions.method import Effort, References
from biasaudit.engine.arguments.inputs import INPUTS
from biasaudit.engine.arguments.maps import AttributeArguments
from biasaudit.engine.arguments.networks import Factory, TrainArguments
from biasaudit.engine.jobs.job import Folders, Job
from biasaudit.engine.jobs.stack import save_stack
from biasaudit.engine.jobs.threads import one_thread
from biasaudit.engine.situation.situation import Situation
from biasaudit.engine.steps.train import to_device, train
from biasaudit.engine.user_code.functions import RAISED, find
from biasaudit.engine.validation.behaviour import Use, require_gradient, require_trainable
from biasaudit.errors import Fault, UsageError, failure
from biasaudit.networks.factory import NetworkSizes, build_network
from biasaudit.networks.preparation import initialised
from biasaudit.protocol import TrainingSettings
from biasaudit.registry import get

__all__ = ["functions_missing", "training_faults", "trial_notes"]

_IMAGES = 16
_ANY_NETWORK = ("integrated_gradients", "occlusion", "captum:LayerFeatureAblation")
"""Methods that are not tried: they explain whatever answers, or take long."""
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
    planned = [job.arguments for job in jobs]
    firsts = {one.classes: one for one in planned if isinstance(one, TrainArguments)}
    if situation.protocol.target.training.own:
        found = [_fault(situation, firsts[classes]) for classes in sorted(firsts)]
    else:
        found = [*_network_faults(situation, firsts)]
    if any(isinstance(one, AttributeArguments) for one in planned):
        found += [_gradient_fault(situation), _method_fault(situation)]
    return [Fault("protocol", message) for message in dict.fromkeys(filter(None, found))]


def trial_notes(settings: TrainingSettings) -> tuple[str, ...]:
    """Say what was trained by whose code."""
    if not settings.own:
        return ()
    named = ", ".join(f"{field} {Path(name).name}" for field, name in settings.own)
    return (f"networks are trained by code of the user's ({named}), tried on noise before the audit",)


def _network_faults(situation: Situation, firsts: Mapping[int, TrainArguments]) -> Iterator[str]:
    """Yield why networks cannot be trained: of every arm for the target, of the first arm for every control."""
    if not _is_named(situation):
        return
    arms, settings = situation.protocol.arms, situation.protocol.target.training
    asked = [(situation.channels(arm.recipe), classes) for classes in sorted(firsts) for arm in arms]
    for channels, classes in dict.fromkeys(asked):
        use = Use((channels, *situation.grid.shape), settings.batch_size)
        with _on_trial():
            try:
                network = _made(situation, firsts[classes].factory, channels, classes)
                require_trainable(network, use, settings, classes)
            except UsageError as error:
                yield str(error)


def _gradient_fault(situation: Situation) -> str:
    """Say whether maps of the target would be empty."""
    if not _is_named(situation):
        return ""
    classes, first = len(situation.cohort.classes), situation.protocol.arms[0]
    channels = situation.channels(first.recipe)
    with _on_trial():
        try:
            network = _made(situation, Factory(*situation.factory), channels, classes)
            require_gradient(network, Use((channels, *situation.grid.shape), 2))
        except UsageError as error:
            return str(error)
    return ""


def _method_fault(situation: Situation) -> str:
    """Say whether the method of attribution is not made for the target, by explaining noise with it."""
    settings, first = situation.protocol.attribution, situation.protocol.arms[0]
    if settings.method in _ANY_NETWORK:
        return ""
    use = Use((situation.channels(first.recipe), *situation.grid.shape), 2)
    with _on_trial():
        try:
            network = _made(situation, Factory(*situation.factory), use.shape[0], len(situation.cohort.classes))
            images = use.noise(3)
            explained = Explained(network, images[:1])
            side = torch.arange(images[0, 0].numel(), device=images.device).reshape(use.shape[1:])
            references = References(torch.zeros_like(images[:1]), images[1:], side * 4 // side.numel() + 1)
            effort = Effort(2, settings.patch, settings.stride, settings.arguments)
            margin = Margin(explained, None if explained.outputs == 1 else 1)
            get("attribution", settings.method)().relevance(margin, images[:1], references, effort)
        except UsageError as error:
            return f"attribution.method: {error}"
    return ""


def _is_named(situation: Situation) -> bool:
    """Whether the network is another than that of the tool as it comes."""
    return not situation.protocol.target.of_the_tool and situation.cohort.channels > 0


def _made(situation: Situation, factory: Factory, channels: int, classes: int) -> nn.Module:
    sizes = NetworkSizes(situation.grid.dimensions, channels, 1 if classes == 2 else classes)
    network = build_network(factory.name, sizes, factory.arguments)
    return to_device(initialised(network, (channels, *situation.grid.shape)))


@contextmanager
def _on_trial() -> Iterator[None]:
    """Leave the random numbers and the threads of this process as they were."""
    with torch.random.fork_rng(devices=list(range(torch.cuda.device_count()))), one_thread():
        torch.manual_seed(0)
        yield


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
