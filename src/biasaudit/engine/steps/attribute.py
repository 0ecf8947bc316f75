"""Step `attribute`: attribution maps of held-out images, as complete as the protocol asks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from scipy import ndimage

from biasaudit.attributions.explained import Explained, Margin
from biasaudit.attributions.method import Attribution, Effort, References, margin_change
from biasaudit.attributions.regions import supervoxels
from biasaudit.cohort.images.atlas import read_atlas
from biasaudit.cohort.images.file_state import as_it_was
from biasaudit.engine.arguments.inputs import INPUTS
from biasaudit.engine.arguments.maps import AttributeArguments, MapSettings
from biasaudit.engine.arguments.networks import MODELS
from biasaudit.engine.jobs.held_out import write_rows
from biasaudit.engine.jobs.job import Folders
from biasaudit.engine.jobs.stack import Stack, rounded, save_stack
from biasaudit.engine.steps.train import device, load_networks
from biasaudit.protocol import AttributionSettings
from biasaudit.records import FloatArray
from biasaudit.registry import get, register

__all__ = ["AttributionPlan", "Baseline", "attribute", "balanced_mean", "baseline_of", "complete_maps"]

_MARGIN_FLOOR = 0.1
_BLUR = 16  # of these make the field of view: the standard deviation of a blurred baseline
_BATCH_VOXELS = {"cpu": 2**21, "cuda": 2**24}


@dataclass(frozen=True)
class AttributionPlan:
    """An attribution method and how far it goes.

    Attributes
    ----------
    method : Attribution
    effort : Effort
        To begin with.
    max_steps : int
    completeness : float
        Largest relative error accepted before the steps are doubled.
    """

    method: Attribution
    effort: Effort
    max_steps: int
    completeness: float

    @classmethod
    def of(cls, settings: MapSettings | AttributionSettings) -> AttributionPlan:
        """Go as far as some settings say."""
        effort = Effort(settings.steps, settings.patch, settings.stride, settings.arguments)
        return cls(get("attribution", settings.method)(), effort, settings.max_steps, settings.completeness)


@dataclass(frozen=True)
class Baseline:
    """The images that those of a network are compared with.

    Attributes
    ----------
    kind : str
        ``origin_balanced``, ``blurred`` (every image with itself) or ``zero``.
    mean : float32 (channels, *shape)
        Origin-balanced mean of healthy training images.
    healthy : float32 (m, channels, *shape) or None
    regions : int64 (*shape) or None
    """

    kind: str
    mean: FloatArray
    healthy: FloatArray | None = None
    regions: np.ndarray | None = None

    def references(self, images: FloatArray) -> References:
        """Make the references of some images (n, channels, *shape), on the device."""
        return References(
            torch.from_numpy(self._baseline(images)).to(device()),
            None if self.healthy is None else torch.from_numpy(self.healthy).to(device()),
            None if self.regions is None else torch.from_numpy(self.regions).to(device()),
        )

    def _baseline(self, images: FloatArray) -> FloatArray:
        if self.kind == "blurred":
            width = [0, 0, *(size / _BLUR for size in images.shape[2:])]
            return np.asarray(ndimage.gaussian_filter(images, width, mode="nearest"), dtype=np.float32)
        return np.zeros_like(self.mean)[None] if self.kind == "zero" else self.mean[None]


@register("step", "attribute")
def attribute(arguments: AttributeArguments, needs: Folders, folder: Path) -> None:
    """Make attribution maps of held-out rows.

    Parameters
    ----------
    arguments : AttributeArguments
    needs : Folders
        `INPUTS`, and as `MODELS` one netplan.
    folder : Path
        Gets ``maps.npz`` float32 (rows, *shape), summed over channels, ``completeness.npy`` (rows,): the difference
        between the sum of a map and the change of the margin, relative to that change; and ``rows.npy``.
    """
    inputs = Stack.of(needs[INPUTS], arguments.variant)
    plan, baseline = AttributionPlan.of(arguments.settings), baseline_of(arguments.settings, inputs)
    example = torch.from_numpy(baseline.mean[None]).to(device())
    (network,) = load_networks(needs[MODELS])
    explained = Explained(network, example)
    rows, targets = arguments.rows, arguments.outputs or [None] * len(arguments.rows)
    maps = np.zeros((len(rows), *inputs.shape[2:]), dtype=np.float32)
    errors = np.zeros(len(rows))
    for target in dict.fromkeys(targets):
        margin = Margin(explained, target)
        for some in _batches([place for place, own in enumerate(targets) if own == target], baseline.mean.size):
            images = inputs.take([rows[place] for place in some])
            maps[some], errors[some] = complete_maps(margin, images, baseline, plan)
    save_stack(folder / "maps.npz", rounded(maps))
    np.save(folder / "completeness.npy", errors)
    write_rows(folder, rows)


def complete_maps(
    margin: Margin, images: FloatArray, baseline: Baseline, plan: AttributionPlan
) -> tuple[FloatArray, FloatArray]:
    """Double the steps of the images whose relevance does not yet sum to the change of the margin.

    Parameters
    ----------
    margin : Margin
    images : float32 (n, channels, *shape)
    baseline : Baseline
    plan : AttributionPlan

    Returns
    -------
    maps : float32 (n, *shape)
        Summed over channels.
    errors : float (n,)
        |sum of the map - change of the margin| / max(|change|, 0.1 logits).
    """
    batch, references = torch.from_numpy(images).to(device()), baseline.references(images)
    change = margin_change(plan.method, margin, batch, references).double()
    maps = torch.zeros(len(batch), *batch.shape[2:])
    errors = torch.full((len(batch),), np.inf, dtype=torch.float64)
    steps, left = plan.effort.steps, torch.arange(len(batch))
    while len(left):
        effort = replace(plan.effort, steps=steps)
        found = plan.method.relevance(margin, batch[left], references.of(left), effort).sum(1)
        lacking = (found.double().flatten(1).sum(1) - change[left]).abs() / change[left].abs().clamp(min=_MARGIN_FLOOR)
        maps[left], errors[left] = found.cpu(), lacking.cpu()
        steps *= 2
        if not plan.method.adaptive or steps > plan.max_steps:
            break
        left = left[lacking.cpu() > plan.completeness]
    return maps.numpy(), errors.numpy()


class Rows(Protocol):
    """Images that are read one at a time: a `Stack`, or whatever makes them."""

    def __getitem__(self, row: int) -> FloatArray:
        """Image (channels, *shape) of one row."""
        ...


def balanced_mean(inputs: Rows, rows_per_origin: Sequence[Sequence[int]]) -> FloatArray:
    """Mean of the means of every origin, read one image at a time; float32 (channels, *shape)."""
    means = []
    for rows in rows_per_origin:
        total = np.zeros(inputs[rows[0]].shape, dtype=np.float64)
        for row in rows:
            total += inputs[row]
        means.append(total / len(rows))
    return np.asarray(np.mean(means, axis=0), dtype=np.float32)


def baseline_of(settings: MapSettings, inputs: Stack) -> Baseline:
    """Make what images are compared with out of the rows that the settings name."""
    mean = balanced_mean(inputs, settings.baseline)
    needs = get("attribution", settings.method).needs
    healthy = inputs.take(settings.references or ()) if needs == "healthy" else None
    regions = _regions(settings, mean) if needs == "regions" else None
    return Baseline(settings.baseline_kind, mean, healthy, regions)


def _regions(settings: MapSettings, mean: FloatArray) -> np.ndarray:
    if settings.regions is None:
        return supervoxels(mean.mean(0), settings.patch)
    with as_it_was({settings.regions.path: settings.regions.sha256}):
        return read_atlas(settings.regions.path, settings.regions.grid)


def _batches(places: Sequence[int], voxels: int) -> Iterator[list[int]]:
    """As many images at once as memory allows."""
    size = max(1, _BATCH_VOXELS[device().type] // voxels)
    for start in range(0, len(places), size):
        yield list(places[start : start + size])
