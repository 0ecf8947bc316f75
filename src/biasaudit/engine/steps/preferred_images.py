"""Activation maximisation: the images that drive a network's outputs and hidden units most."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn

from biasaudit.attributions.explained import gradient, packed
from biasaudit.engine.steps.train import device
from biasaudit.records import FloatArray

__all__ = ["AscentSettings", "Objective", "maximise", "objective_values", "watched"]

_RATE = (0.4, 0.1)  # standard deviations of the healthy, root mean square, that the first and the last step move by
_SHRINK = 0.02  # L2: the part of the change that every step takes back
_FURTHEST = 3.0  # standard deviations of the healthy that a voxel may move
_BLUR = (2.0, 0.7)  # voxels, at the first and the last step
_JITTER = 2  # voxels


@dataclass(frozen=True)
class Objective:
    """The output that an image is to maximise: a hidden unit, or, with an empty layer, the margin of a class.

    Attributes
    ----------
    layer : str
        Module name.
    index : int
        Unit (channel), or class.
    """

    layer: str
    index: int


@dataclass(frozen=True)
class AscentSettings:
    """Where the gradient ascent starts, what it may change and how long it goes.

    Attributes
    ----------
    mean, spread : float32 (channels, *shape)
        Mean and standard deviation of healthy training images, voxel by voxel; without spread nothing changes.
    steps : int
    """

    mean: FloatArray
    spread: FloatArray
    steps: int


def maximise(
    network: nn.Module, objectives: Sequence[Objective], settings: AscentSettings, chance: np.random.Generator
) -> FloatArray:
    """Change the healthy mean until it drives each objective as far as it goes.

    Gradient ascent (Erhan et al. 2009) with the usual regularisation (Yosinski et al. 2015; Olah et al. 2017): the
    image is shifted at random before every step, the step is blurred, less and less, and the change is shrunk. It
    moves in units of the healthy images' own standard deviation and never further than three of them, so that an image
    stays among what the network may meet. The best image on the way is kept; it is the mean where nothing is better.

    Parameters
    ----------
    network : Module
        In evaluation mode.
    objectives : sequence of Objective
        All at once, one image each.
    settings : AscentSettings
    chance : Generator
        For the shifts.

    Returns
    -------
    float32 (objectives, channels, *shape)
        The images, in the network's input units.
    """
    mean, spread = (torch.from_numpy(array).to(device()) for array in (settings.mean, settings.spread))
    change = torch.zeros((len(objectives), *mean.shape), device=mean.device)
    best, highest = change, torch.full((len(objectives),), -torch.inf, device=mean.device)
    for width, rate in np.linspace((_BLUR[0], _RATE[0]), (_BLUR[1], _RATE[1]), settings.steps).tolist():
        shift = chance.integers(-_JITTER, _JITTER + 1, size=mean.ndim - 1).tolist()
        slope, value = _slope(network, objectives, mean + change * spread, shift)
        best = torch.where((value > highest).view(-1, *[1] * mean.ndim), change, best)
        highest = torch.maximum(value, highest)
        step = _blurred(slope * spread, width) * (spread > 0)
        size = step.flatten(1).square().mean(1).sqrt().clamp(min=torch.finfo(step.dtype).tiny)
        change = change + rate * step / size.view(-1, *[1] * mean.ndim)
        change = ((1 - _SHRINK) * change).clamp(-_FURTHEST, _FURTHEST)
    # On the way values are those of shifted images; the choice between mean, best and last goes by unshifted ones.
    candidates = [mean + part * spread for part in (torch.zeros_like(change), best, change)]
    values = torch.stack([_at(network, objectives, images) for images in candidates])
    chosen = torch.stack(candidates)[values.argmax(0), torch.arange(len(objectives), device=mean.device)]
    return chosen.cpu().numpy()


def objective_values(network: nn.Module, objectives: Sequence[Objective], images: FloatArray) -> np.ndarray:
    """Return how far images (objectives, channels, *shape), one each, drive what they are for; float64 (n,)."""
    return _at(network, objectives, torch.from_numpy(images).to(device())).double().cpu().numpy()


@contextmanager
def watched(network: nn.Module, layers: Sequence[str]) -> Iterator[Mapping[str, torch.Tensor]]:
    """Give the latest outputs of some layers while the block runs, by module name."""
    seen: dict[str, torch.Tensor] = {}

    def keep(name: str, module: nn.Module, inputs: Any, output: torch.Tensor) -> None:
        seen[name] = output

    handles = [network.get_submodule(name).register_forward_hook(partial(keep, name)) for name in dict.fromkeys(layers)]
    try:
        yield seen
    finally:
        for handle in handles:
            handle.remove()


@torch.no_grad()
def _at(network: nn.Module, objectives: Sequence[Objective], images: torch.Tensor) -> torch.Tensor:
    with watched(network, _layers(objectives)) as seen:
        return _reached(network(packed(images)), seen, objectives)


def _slope(
    network: nn.Module, objectives: Sequence[Objective], images: torch.Tensor, shift: Sequence[int]
) -> tuple[torch.Tensor, torch.Tensor]:
    """Gradient of every image's own objective, taken at shifted images and shifted back, and its value there."""
    axes = tuple(range(2, images.ndim))
    leaf = images.detach().requires_grad_()
    with torch.enable_grad(), watched(network, _layers(objectives)) as seen:
        values = _reached(network(packed(leaf.roll(tuple(shift), axes))), seen, objectives)
    return gradient(values, leaf), values.detach()


def _layers(objectives: Sequence[Objective]) -> list[str]:
    return [objective.layer for objective in objectives if objective.layer]


def _reached(logits: torch.Tensor, seen: Mapping[str, torch.Tensor], objectives: Sequence[Objective]) -> torch.Tensor:
    return torch.stack([_value(logits, seen, objective, place) for place, objective in enumerate(objectives)])


def _value(logits: torch.Tensor, seen: Mapping[str, torch.Tensor], objective: Objective, place: int) -> torch.Tensor:
    if objective.layer:
        return seen[objective.layer][place, objective.index].mean()
    own = logits[place]
    if len(own) == 1:
        return own[0] if objective.index == 1 else -own[0]
    return own[objective.index] - (own.sum() - own[objective.index]) / (len(own) - 1)


def _blurred(images: torch.Tensor, width: float) -> torch.Tensor:
    """Gaussian blur along every axis of space, by a standard deviation in voxels; zero outside."""
    for axis in range(2, images.ndim):
        place = torch.arange(images.shape[axis], device=images.device, dtype=images.dtype)
        weights = torch.exp(-((place[:, None] - place) ** 2) / (2 * width**2)) / (width * math.sqrt(2 * math.pi))
        images = (images.movedim(axis, -1) @ weights).movedim(-1, axis)
    return images
