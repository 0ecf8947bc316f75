"""Step `faithfulness`: whether maps say what the network does, by deletion, insertion and random weights."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from biasaudit import seeds
from biasaudit.attributions.explained import Explained, Margin
from biasaudit.engine.arguments.inputs import INPUTS, READ
from biasaudit.engine.arguments.maps import MAPS, FaithfulnessArguments
from biasaudit.engine.arguments.networks import MODELS
from biasaudit.engine.jobs.held_out import write_rows
from biasaudit.engine.jobs.job import Folders
from biasaudit.engine.jobs.stack import Stack, rounded, save_stack
from biasaudit.engine.steps.attribute import AttributionPlan, baseline_of, complete_maps
from biasaudit.engine.steps.train import device, load_networks
from biasaudit.records import BoolArray, FloatArray
from biasaudit.registry import register

__all__ = ["RelevantRegions", "faithfulness", "moved_regions", "relevant_regions", "shuffled"]

N_RANDOM_PLACES = 6
"""Places that a region is moved to for comparison; their mean is what a region of its shape does by chance."""
_TRIES = 40
N_RANDOMISATIONS = 3
"""Networks of random weights whose maps are made."""


@dataclass(frozen=True)
class RelevantRegions:
    """The voxels that a map calls most relevant.

    Attributes
    ----------
    supporting, opposing : bool (*shape)
        Where it says that the margin is raised, and where that it is lowered.
    """

    supporting: BoolArray
    opposing: BoolArray


@register("step", "faithfulness")
def faithfulness(arguments: FaithfulnessArguments, needs: Folders, folder: Path) -> None:
    """Change what the maps of some images call relevant, and explain networks of random weights.

    Parameters
    ----------
    arguments : FaithfulnessArguments
    needs : Folders
        `INPUTS`; as `MODELS` the network and as `MAPS` its maps; `READ`: the images' foreground.
    folder : Path
        Gets ``places.npy`` (p,) and ``rows.npy`` (p,); ``randomised.npz`` float32 (d, p, *shape), maps of the network
        with shuffled weights; and ``moved.npy`` (p, 2, 2): deletion and insertion, of the relevant regions and of the
        same regions elsewhere, each as far as the margin moved the way the map says, in logits.
    """
    inputs = Stack.of(needs[INPUTS], arguments.variant)
    baseline = baseline_of(arguments.settings, inputs)
    (network,) = load_networks(needs[MODELS])
    example = torch.from_numpy(baseline.mean[None]).to(device())
    places = list(arguments.places)
    rows = [arguments.rows[place] for place in places]
    images, plan = inputs.take(rows), AttributionPlan.of(arguments.settings)
    chance = seeds.generator(arguments.seed, "probe")
    random = [Margin(Explained(shuffled(network, chance), example)) for _ in range(N_RANDOMISATIONS)]
    made = np.stack([complete_maps(margin, images, baseline, plan)[0] for margin in random])
    save_stack(folder / "randomised.npz", rounded(made))
    foreground = Stack.of(needs[READ], "foreground")
    maps = Stack.of(needs[MAPS], "maps").take(places)
    margin = Margin(Explained(network, example))
    replaced_by = baseline.references(images).baseline.cpu().numpy()
    moved = []
    for number, row in enumerate(rows):
        inside = foreground[row].astype(bool)
        relevant = relevant_regions(maps[number], inside, arguments.share)
        regions = [relevant, *moved_regions(relevant, inside, chance)]
        moved.append(_margin_changes(margin, images[number], replaced_by[min(number, len(replaced_by) - 1)], regions))
    np.save(folder / "moved.npy", np.array(moved).reshape(-1, 2, 2))
    np.save(folder / "places.npy", np.array(places, dtype=int))
    write_rows(folder, rows)


def shuffled(network: nn.Module, chance: np.random.Generator) -> nn.Module:
    """Copy a network with the entries of every parameter in random order: its scale stays, what it learned is gone."""
    copied = deepcopy(network)
    with torch.no_grad():
        for parameter in copied.parameters():
            order = torch.from_numpy(chance.permutation(parameter.numel())).to(parameter.device)
            parameter.copy_(parameter.flatten()[order].reshape(parameter.shape))
    return copied


def relevant_regions(relevance: FloatArray, inside: BoolArray, share: float) -> RelevantRegions:
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
    return RelevantRegions(
        (supporting & (signed > 0) & inside.ravel()).reshape(relevance.shape),
        (opposing & (signed < 0) & inside.ravel()).reshape(relevance.shape),
    )


def moved_regions(regions: RelevantRegions, inside: BoolArray, chance: np.random.Generator) -> list[RelevantRegions]:
    """Move both regions together to random places, those that stay most in the foreground first."""
    axes, found = tuple(range(inside.ndim)), []
    for _ in range(_TRIES):
        offset = [int(chance.integers(size)) for size in inside.shape]
        supporting, opposing = (
            np.roll(mask, offset, axis=axes) & inside for mask in (regions.supporting, regions.opposing)
        )
        found.append(RelevantRegions(supporting, opposing))
    found.sort(key=lambda moved: -int(moved.supporting.sum() + moved.opposing.sum()))
    return found[:N_RANDOM_PLACES]


def _margin_changes(
    margin: Margin, image: FloatArray, baseline: FloatArray, regions: Sequence[RelevantRegions]
) -> list[list[float]]:
    """Change of the margin that the map foretells.

    Parameters
    ----------
    margin : Margin
    image, baseline : float32 (channels, *shape)
    regions : sequence of RelevantRegions
        Those of the map, then the same ones elsewhere.

    Returns
    -------
    list of lists of float
        (deletion, insertion) x (relevant, mean of elsewhere), logits.
    """
    batch = [image, baseline]
    for own in regions:
        masks = (own.supporting, own.opposing)
        batch.extend(np.where(mask, baseline, image) for mask in masks)
        batch.extend(np.where(mask, image, baseline) for mask in masks)
    with torch.no_grad():
        margins = margin(torch.from_numpy(np.stack(batch).astype(np.float32)).to(device())).double().cpu().numpy()
    whole, empty, rest = margins[0], margins[1], margins[2:].reshape(-1, 4)
    deletion = (whole - rest[:, 0]) + (rest[:, 1] - whole)
    insertion = (rest[:, 2] - empty) + (empty - rest[:, 3])
    return [[float(deltas[0]), float(deltas[1:].mean())] for deltas in (deletion, insertion)]
