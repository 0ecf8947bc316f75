"""Make the parts of the training loop: loss, optimiser, schedule and augmentation, built in or the user's own."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from biasaudit import seeds
from biasaudit.engine.user_code.functions import RAISED, call, find
from biasaudit.errors import UsageError, failure
from biasaudit.protocol import TrainingSettings

__all__ = ["Augmentation", "Loss", "augmentation", "loss_function", "make_optimiser", "make_schedule"]

Loss = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]
"""(logits, targets) -> one number."""

Augmentation = Callable[[torch.Tensor], torch.Tensor]
"""A batch of images -> the same batch, changed at random."""

FOCUS = 2.0
"""Exponent of the focal loss, that of its paper."""

SHIFT = 0.1
"""Farthest that an image is moved, as a share of its side."""

GAIN, OFFSET = 0.1, 0.1
"""Standard deviations of the factor, and of what is added in standard deviations of the image."""

MOMENTUM = 0.9

_AUGMENT = "target.training.augment"
"""Field of the protocol, for messages."""


def loss_function(name: str, class_weights: torch.Tensor) -> Loss:
    """Find what is minimised.

    Parameters
    ----------
    name : str
        ``balanced_bce``: cross-entropy, classes weighted to count alike. ``cross_entropy``: without weights.
        ``focal``: the focal loss of Lin et al. (2017), Focal loss for dense object detection, ICCV, with exponent 2.
        Or an import string: a function of (logits, targets), or a class of such functions.
    class_weights : float (classes,)
        Inversely proportional to the size of a class.

    Returns
    -------
    callable
        Takes the network's logits (batch, outputs), of two classes one, and the classes (batch,).

    Raises
    ------
    UsageError
        If there is no such loss.
    """
    if name == "balanced_bce":
        return partial(_weighted, class_weights)
    if name == "cross_entropy":
        return partial(_weighted, torch.ones_like(class_weights))
    if name == "focal":
        return _focal
    key = "target.training.loss"
    found = find(name, key)
    if inspect.isclass(found):
        found = call(found, key, name, {"classes": len(class_weights), "class_weights": class_weights})
    if isinstance(found, nn.Module):
        found = found.to(class_weights.device)
    return partial(_own_loss, found, key, name)


def _weighted(weights: torch.Tensor, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    return (_cross_entropy(logits, targets) * weights[targets]).mean()


def _cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of every image; one output means the logit of class 1 of two."""
    if logits.shape[1] == 1:
        return functional.binary_cross_entropy_with_logits(logits[:, 0], targets.float(), reduction="none")
    return functional.cross_entropy(logits, targets, reduction="none")


def _focal(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    surprise = _cross_entropy(logits, targets)
    return ((1 - torch.exp(-surprise)) ** FOCUS * surprise).mean()


def _own_loss(
    function: Callable[..., Any], key: str, name: str, logits: torch.Tensor, targets: torch.Tensor
) -> torch.Tensor:
    """Hand a loss of the user's one logit per class, also of two: (0, z) has the softmax of the single logit z."""
    columns = torch.cat([torch.zeros_like(logits), logits], dim=1) if logits.shape[1] == 1 else logits
    try:
        loss = function(columns, targets)
    except RAISED as error:
        message = f"{name} cannot be called with logits {list(columns.shape)} and classes {list(targets.shape)}"
        raise UsageError(
            f"{key}: {message}: {failure(error)}; there is one column per class, two for two classes, and the classes "
            "are integers"
        ) from error
    if not isinstance(loss, torch.Tensor) or loss.numel() != 1:
        raise UsageError(f"{key}: {name} returned {_said(loss)}, expected a tensor of one number; take the mean")
    return loss.reshape(())


def make_optimiser(settings: TrainingSettings, network: nn.Module) -> torch.optim.Optimizer:
    """Make what changes the weights.

    Parameters
    ----------
    settings : TrainingSettings
        ``adamw``, ``adam``, ``sgd`` (Nesterov, momentum 0.9), or an import string of what is called as
        ``(parameters, lr, weight_decay)``, such as ``torch.optim:RMSprop``.
    network : Module

    Raises
    ------
    UsageError
        If there is none, or it is no optimiser.
    """
    parameters, rate, decay = network.parameters(), settings.learning_rate, settings.weight_decay
    if settings.optimiser == "adamw":
        return torch.optim.AdamW(parameters, lr=rate, weight_decay=decay, foreach=False)
    if settings.optimiser == "adam":
        return torch.optim.Adam(parameters, lr=rate, weight_decay=decay, foreach=False)
    if settings.optimiser == "sgd":
        return torch.optim.SGD(parameters, rate, MOMENTUM, weight_decay=decay, nesterov=True, foreach=False)
    key, name = "target.training.optimiser", settings.optimiser
    found = find(name, key)
    made = call(partial(found, parameters), key, name, {"lr": rate, "weight_decay": decay})
    if not isinstance(made, torch.optim.Optimizer):
        raise UsageError(f"{key}: {name} returned {_said(made)}, expected a torch.optim.Optimizer")
    return made


def make_schedule(
    settings: TrainingSettings, optimiser: torch.optim.Optimizer, steps: int
) -> torch.optim.lr_scheduler.LRScheduler:
    """Make what changes the learning rate, one step per batch."""
    if settings.schedule == "constant":
        return torch.optim.lr_scheduler.LambdaLR(optimiser, lambda _: 1.0)
    # An optimiser of the user's may have no momentum that could be cycled.
    cycled = bool({"momentum", "betas"} & optimiser.defaults.keys())
    return torch.optim.lr_scheduler.OneCycleLR(
        optimiser, settings.learning_rate, total_steps=steps, cycle_momentum=cycled
    )


def augmentation(settings: TrainingSettings, chance: np.random.Generator, seed: int) -> Augmentation:
    """Find what changes the images of a batch at random, one change after another.

    Parameters
    ----------
    settings : TrainingSettings
        ``augment``: ``none``; ``flip``: left and right exchanged; ``shift``: moved by up to a tenth of each side;
        ``intensity``: brighter or darker, and more or less contrast; or an import string of a function of (images) or
        (images, generator), or a class of such functions.
    chance : Generator
        The stream that the batches are drawn from.
    seed : int
        For the generator that the user's own functions are handed.

    Raises
    ------
    UsageError
        If there is no such function.
    """
    names = [settings.augment] if isinstance(settings.augment, str) else settings.augment
    steps = [_change(name, chance, seed) for name in names if name != "none"]
    return partial(_one_after_another, steps)


def _one_after_another(steps: Sequence[Augmentation], images: torch.Tensor) -> torch.Tensor:
    for step in steps:
        images = step(images)
    return images


def _change(name: str, chance: np.random.Generator, seed: int) -> Augmentation:
    built_in = {"flip": _flipped, "shift": _shifted, "intensity": _rescaled}
    if name in built_in:
        return partial(built_in[name], chance)
    found = find(name, _AUGMENT)
    if inspect.isclass(found):
        found = call(found, _AUGMENT, name, {})
    generator = torch.Generator().manual_seed(seeds.seed(seed, "augmentation", name))
    return partial(_own_change, found, name, generator)


def _flipped(chance: np.random.Generator, images: torch.Tensor) -> torch.Tensor:
    mirrored = torch.as_tensor(chance.random(len(images)) < 0.5, device=images.device)
    # The first axis of a volume runs left to right; in a picture it is the last one.
    axis = 2 if images.ndim == 5 else 3
    images[mirrored] = images[mirrored].flip(axis)
    return images


def _shifted(chance: np.random.Generator, images: torch.Tensor) -> torch.Tensor:
    """Move every image; what leaves on one side is lost, and zero, the background, comes in on the other."""
    moved = torch.zeros_like(images)
    for number, steps in enumerate(_steps(chance, images)):
        moved[number][_window(steps, 1)] = images[number][_window(steps, -1)]
    return moved


def _window(steps: Sequence[tuple[int, int]], sign: int) -> tuple[slice, ...]:
    """Return the part of an image, all channels, that is still inside after a move, or was before it (sign -1)."""
    return (slice(None), *(slice(max(sign * step, 0), size + min(sign * step, 0)) for step, size in steps))


def _steps(chance: np.random.Generator, images: torch.Tensor) -> Iterator[list[tuple[int, int]]]:
    """Yield for every image how many voxels it moves along each axis, and the size of that axis."""
    sizes = images.shape[2:]
    farthest = np.maximum(1, np.floor(SHIFT * np.array(sizes))).astype(int)
    for _ in range(len(images)):
        yield list(zip(chance.integers(-farthest, farthest + 1).tolist(), sizes, strict=True))


def _rescaled(chance: np.random.Generator, images: torch.Tensor) -> torch.Tensor:
    """Change gain and offset where the image is not zero, which is its background."""
    across = tuple(range(2, images.ndim))
    size = (*images.shape[:2], *(1 for _ in across))
    gain, offset = (torch.as_tensor(chance.normal(size=size), dtype=images.dtype).to(images.device) for _ in range(2))
    spread = images.std(dim=across, keepdim=True)
    return torch.where(images == 0, images, images * (1 + GAIN * gain) + OFFSET * offset * spread)


def _own_change(
    function: Callable[..., Any], name: str, generator: torch.Generator, images: torch.Tensor
) -> torch.Tensor:
    changed = call(partial(function, images), _AUGMENT, name, {"generator": generator})
    if not isinstance(changed, torch.Tensor) or changed.shape != images.shape:
        message = f"{name} returned {_said(changed)} for images of shape {list(images.shape)}"
        raise UsageError(f"{_AUGMENT}: {message}; expected a tensor of the same shape")
    return changed


def _said(value: object) -> str:
    if isinstance(value, torch.Tensor):
        return f"a tensor of shape {list(value.shape)}"
    return "nothing" if value is None else f"{type(value).__name__}"
