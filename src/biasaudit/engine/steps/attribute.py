"""Step `attribute`: attribution maps of held-out images, as complete as the protocol asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from scipy import ndimage

from biasaudit.attributions.explained import Explained, Margin
from biasaudit.attributions.method import Attribution, Effort, References, margin_change
from biasaudit.attributions.regions import supervoxels
from biasaudit.cohort.images.atlas import read_atlas
from biasaudit.engine.jobs.stack import Stack
from biasaudit.engine.steps.train import device, load_network
from biasaudit.records import FloatArray, Grid
from biasaudit.registry import get, register

__all__ = ["Comparison", "Work", "attribute", "balanced_mean", "comparison", "complete_maps"]

Needs = Mapping[str, Sequence[Path]]
_MARGIN_FLOOR = 0.1
_BLUR = 16  # of these make the field of view: the standard deviation of a blurred baseline
_BATCH_VOXELS = {"cpu": 2**21, "cuda": 2**24}


@dataclass(frozen=True)
class Work:
    """A method and how far it goes.

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
    def of(cls, arguments: Mapping[str, Any]) -> Work:
        """From ``method``, ``steps``, ``max_steps``, ``completeness``, ``patch`` and ``stride``."""
        effort = Effort(int(arguments["steps"]), int(arguments["patch"]), int(arguments["stride"]))
        method = get("attribution", arguments["method"])()
        return cls(method, effort, int(arguments["max_steps"]), float(arguments["completeness"]))


@dataclass(frozen=True)
class Comparison:
    """What the images of a network are compared with.

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
def attribute(arguments: Mapping[str, Any], needs: Needs, folder: Path) -> None:
    """Make attribution maps of held-out rows.

    Parameters
    ----------
    arguments : mapping
        ``rows``, ``variant``, ``method``, ``steps``, ``max_steps``, ``completeness``, ``patch``, ``stride``,
        ``baseline`` (healthy training rows, one list per origin), ``baseline_kind``, ``references`` (rows that are
        compared with one by one, or null), ``regions`` (null, or ``atlas`` and ``grid``), ``output`` (null for a single
        logit, else per row the class whose margin over the mean of the others is explained).
    needs : mapping
        ``inputs``: represented blocks; ``models``: the network.
    folder : Path
        Gets ``maps.npy`` float32 (rows, *shape), summed over channels, and ``completeness.npy`` (rows,): the
        difference between the sum of a map and the change of the margin, relative to that change.
    """
    inputs = Stack([block / f"{arguments['variant']}.npy" for block in needs["inputs"]])
    work, compared = Work.of(arguments), comparison(arguments, inputs)
    example = torch.from_numpy(compared.mean[None]).to(device())
    explained = Explained(load_network(needs["models"][0] / "model.safetensors"), example)
    rows, targets = arguments["rows"], arguments["output"] or [None] * len(arguments["rows"])
    maps = np.zeros((len(rows), *inputs.shape[2:]), dtype=np.float32)
    errors = np.zeros(len(rows))
    for target in dict.fromkeys(targets):
        margin = Margin(explained, target)
        for some in _batches([place for place, own in enumerate(targets) if own == target], compared.mean.size):
            images = inputs.take([rows[place] for place in some])
            maps[some], errors[some] = complete_maps(margin, images, compared, work)
    np.save(folder / "maps.npy", maps)
    np.save(folder / "completeness.npy", errors)


def complete_maps(
    margin: Margin, images: FloatArray, comparison: Comparison, work: Work
) -> tuple[FloatArray, FloatArray]:
    """Double the steps of the images whose relevance does not yet sum to the change of the margin.

    Parameters
    ----------
    margin : Margin
    images : float32 (n, channels, *shape)
    comparison : Comparison
    work : Work

    Returns
    -------
    maps : float32 (n, *shape)
        Summed over channels.
    errors : float (n,)
        |sum of the map - change of the margin| / max(|change|, 0.1 logits).
    """
    batch, references = torch.from_numpy(images).to(device()), comparison.references(images)
    change = margin_change(work.method, margin, batch, references).double()
    maps = torch.zeros(len(batch), *batch.shape[2:])
    errors = torch.full((len(batch),), np.inf, dtype=torch.float64)
    steps, left = work.effort.steps, torch.arange(len(batch))
    while len(left):
        effort = replace(work.effort, steps=steps)
        found = work.method.relevance(margin, batch[left], references.of(left), effort).sum(1)
        lacking = (found.double().flatten(1).sum(1) - change[left]).abs() / change[left].abs().clamp(min=_MARGIN_FLOOR)
        maps[left], errors[left] = found.cpu(), lacking.cpu()
        steps *= 2
        if not work.method.adaptive or steps > work.max_steps:
            break
        left = left[lacking.cpu() > work.completeness]
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


def comparison(arguments: Mapping[str, Any], inputs: Stack) -> Comparison:
    """Make what the arguments of `attribute` compare images with."""
    mean = balanced_mean(inputs, arguments["baseline"])
    needs = get("attribution", arguments["method"]).needs
    healthy = inputs.take(arguments["references"]) if needs == "healthy" else None
    regions = _regions(arguments, mean) if needs == "regions" else None
    return Comparison(arguments["baseline_kind"], mean, healthy, regions)


def _regions(arguments: Mapping[str, Any], mean: FloatArray) -> np.ndarray:
    given = arguments["regions"]
    if given is None:
        return supervoxels(mean.mean(0), int(arguments["patch"]))
    return read_atlas(given["atlas"], Grid.from_dict(given["grid"]))


def _batches(places: Sequence[int], voxels: int) -> Iterator[list[int]]:
    """As many images at once as memory allows."""
    size = max(1, _BATCH_VOXELS[device().type] // voxels)
    for start in range(0, len(places), size):
        yield list(places[start : start + size])
