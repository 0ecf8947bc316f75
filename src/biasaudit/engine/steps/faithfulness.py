"""Step `probe`: whether attribution maps say what the network does, by deletion, insertion and random weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from biasaudit import seeds
from biasaudit.attributions.explained import Explained, Margin
from biasaudit.engine.jobs.stack import Stack
from biasaudit.engine.steps.attribute import Work, comparison, complete_maps
from biasaudit.engine.steps.train import device, load_network
from biasaudit.records import BoolArray, FloatArray
from biasaudit.registry import register

__all__ = ["moved_masks", "probe", "relevant_masks", "shuffled"]

Needs = Mapping[str, Sequence[Path]]
MOVES = 6
"""Places that a region is moved to for comparison; their mean is what a region of its shape does by chance."""
_TRIES = 40
ORDERS = 3
"""Networks of random weights whose maps are made."""


@register("step", "faithfulness")
def probe(arguments: Mapping[str, Any], needs: Needs, folder: Path) -> None:
    """Change what the maps of some images call relevant, and explain a network of random weights.

    Parameters
    ----------
    arguments : mapping
        As of `attribute`, and ``places`` (which of the rows are probed), ``share`` (of the foreground that is
        deleted), ``seed``.
    needs : mapping
        As of `attribute`, and ``maps``: their maps; ``read``: the images' foreground.
    folder : Path
        Gets ``places.npy`` (p,), ``randomised.npy`` float32 (d, p, *shape), maps of the network with shuffled weights,
        and ``moved.npy`` (p, 2, 2): deletion and insertion, of the relevant regions and of the same regions elsewhere,
        each as far as the margin moved the way the map says, in logits.
    """
    inputs = Stack([block / f"{arguments['variant']}.npy" for block in needs["inputs"]])
    compared = comparison(arguments, inputs)
    network = load_network(needs["models"][0] / "model.safetensors")
    example = torch.from_numpy(compared.mean[None]).to(device())
    places = list(arguments["places"])
    images = inputs.take([arguments["rows"][place] for place in places])
    chance = seeds.generator(arguments["seed"], "probe")
    random = [Margin(Explained(shuffled(network, chance), example)) for _ in range(ORDERS)]
    shown = [complete_maps(margin, images, compared, Work.of(arguments))[0] for margin in random]
    np.save(folder / "randomised.npy", np.stack(shown))
    foreground = Stack([block / "foreground.npy" for block in needs["read"]])
    inside = [foreground[arguments["rows"][place]].astype(bool) for place in places]
    maps = np.load(needs["maps"][0] / "maps.npy")[places]
    margin = Margin(Explained(network, example))
    baseline = compared.references(images).baseline.cpu().numpy()
    moved = [
        _moved(
            margin, (image, baseline[min(number, len(baseline) - 1)]), (relevance, own), (arguments["share"], chance)
        )
        for number, (image, relevance, own) in enumerate(zip(images, maps, inside, strict=True))
    ]
    np.save(folder / "moved.npy", np.array(moved).reshape(-1, 2, 2))
    np.save(folder / "places.npy", np.array(places, dtype=int))


def shuffled(network: nn.Module, chance: np.random.Generator) -> nn.Module:
    """Copy a network with the entries of every parameter in random order: its scale stays, what it learned is gone."""
    copied = deepcopy(network)
    with torch.no_grad():
        for parameter in copied.parameters():
            order = torch.from_numpy(chance.permutation(parameter.numel())).to(parameter.device)
            parameter.copy_(parameter.flatten()[order].reshape(parameter.shape))
    return copied


def relevant_masks(relevance: FloatArray, inside: BoolArray, share: float) -> tuple[BoolArray, BoolArray]:
    """Mark the voxels that support the margin most and those that oppose it most.

    Parameters
    ----------
    relevance : float (*shape)
    inside : bool (*shape)
        Foreground; nothing outside is marked.
    share : float
        Of the foreground, for each of the two.
    """
    count = max(1, round(share * int(inside.sum())))
    order = np.argsort(np.where(inside, relevance, 0.0), axis=None, kind="stable")
    supporting, opposing = (np.zeros(relevance.size, dtype=bool) for _ in range(2))
    supporting[order[-count:]], opposing[order[:count]] = True, True
    signed = relevance.ravel()
    return (
        (supporting & (signed > 0) & inside.ravel()).reshape(relevance.shape),
        (opposing & (signed < 0) & inside.ravel()).reshape(relevance.shape),
    )


def moved_masks(
    masks: tuple[BoolArray, BoolArray], inside: BoolArray, chance: np.random.Generator
) -> list[tuple[BoolArray, BoolArray]]:
    """Move two regions together to random places, those that stay most in the foreground first."""
    shape, found = inside.shape, []
    for _ in range(_TRIES):
        offset = [int(chance.integers(size)) for size in shape]
        pair = [np.roll(mask, offset, axis=tuple(range(len(shape)))) & inside for mask in masks]
        found.append((pair[0], pair[1]))
    found.sort(key=lambda pair: -int(pair[0].sum() + pair[1].sum()))
    return found[:MOVES]


def _moved(
    margin: Margin,
    images: tuple[FloatArray, FloatArray],
    marked: tuple[FloatArray, BoolArray],
    how: tuple[float, np.random.Generator],
) -> list[list[float]]:
    """Change of the margin that the map foretells, (deletion, insertion) x (relevant, elsewhere)."""
    image, baseline = images
    masks = relevant_masks(*marked, how[0])
    pairs = [masks, *moved_masks(masks, marked[1], how[1])]
    batch = [image, baseline]
    for pair in pairs:
        batch.extend(np.where(mask, baseline, image) for mask in pair)
        batch.extend(np.where(mask, image, baseline) for mask in pair)
    with torch.no_grad():
        margins = margin(torch.from_numpy(np.stack(batch).astype(np.float32)).to(device())).double().cpu().numpy()
    whole, empty, rest = margins[0], margins[1], margins[2:].reshape(-1, 4)
    deletion = (whole - rest[:, 0]) + (rest[:, 1] - whole)
    insertion = (rest[:, 2] - empty) + (empty - rest[:, 3])
    return [[float(deltas[0]), float(deltas[1:].mean())] for deltas in (deletion, insertion)]
