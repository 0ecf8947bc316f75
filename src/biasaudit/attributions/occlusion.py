"""Occlusion by cubes, recomputing only what a cube reaches."""

from __future__ import annotations

import itertools
import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import numpy as np
import torch
from torch import nn

from biasaudit.attributions.explained import Margin
from biasaudit.attributions.method import Effort, References
from biasaudit.attributions.reach import Box, Interval, Layer, local_layers
from biasaudit.registry import register

__all__ = ["Occlusion", "margins_without"]

_VOXELS_AT_ONCE = 2**20


@register("attribution", "occlusion")
class Occlusion:
    """Change of the margin when a cube takes the values of the baseline, spread evenly over its voxels.

    Zeiler & Fergus 2014 (arXiv:1311.2901). Where cubes overlap a voxel gets the mean of its own. Not complete, since
    cubes act together. In a network that begins with convolutions one after the other, only the part of each layer that
    a cube reaches is computed again; the result is that of occluding the whole image.
    """

    faithful: ClassVar[bool] = True
    complete: ClassVar[bool] = False
    adaptive: ClassVar[bool] = False
    needs: ClassVar[str] = "baseline"

    @torch.no_grad()
    def relevance(self, margin: Margin, images: torch.Tensor, references: References, effort: Effort) -> torch.Tensor:
        """Signed relevance (n, channels, *shape), shared alike by the channels; 0 where no cube comes."""
        boxes = _boxes(tuple(images.shape[2:]), effort)
        maps = []
        for row, image in enumerate(images):
            baseline = references.baseline[row % len(references.baseline)]
            drops = margin(image[None]) - margins_without(margin, image, baseline, boxes)
            maps.append(_spread(drops, boxes, image))
        return torch.stack(maps)[:, None].expand_as(images) / images.shape[1]


@dataclass(frozen=True)
class _LayerInput:
    """What one layer is given by the image as it is: the shape of its input, and that input padded."""

    shape: tuple[int, ...]
    padded: torch.Tensor


@dataclass(frozen=True)
class _Parts:
    """Local layers with their inputs, and what follows them."""

    chain: Sequence[Layer]
    rest: nn.Module
    inputs: Sequence[_LayerInput]


@torch.no_grad()
def margins_without(margin: Margin, image: torch.Tensor, baseline: torch.Tensor, boxes: Sequence[Box]) -> torch.Tensor:
    """Margins of one image with each box replaced, (boxes,).

    Parameters
    ----------
    margin : Margin
    image, baseline : tensor (channels, *shape)
    boxes : sequence of Box
    """
    chain, rest = local_layers(margin.explained)
    states, padded = [image], []
    for layer in chain:
        padded.append(layer.padded(states[-1][None])[0])
        states.append(layer(padded[-1][None])[0])
    network = _Parts(
        chain, rest, [_LayerInput(tuple(state.shape[1:]), own) for state, own in zip(states, padded, strict=False)]
    )
    found: torch.Tensor = margin(image[None]).repeat(len(boxes))
    for places in _alike(boxes, chain, states):
        patches = torch.stack([baseline[_inside(boxes[place])] for place in places])
        found[places] = _without(margin, network, states[-1], patches, [boxes[place] for place in places])
    return found


def _without(
    margin: Margin, network: _Parts, last: torch.Tensor, patches: torch.Tensor, boxes: list[Box]
) -> torch.Tensor:
    """Margins with boxes replaced that all have the same shape in every layer."""
    for layer, given in zip(network.chain, network.inputs, strict=True):
        reached = [layer.reached(box, given.shape) for box in boxes]
        patches = _through(layer, given.padded, patches, boxes, reached)
        boxes = reached
    hidden = last.expand(len(boxes), *last.shape).clone()
    for row, box in enumerate(boxes):
        hidden[row][_inside(box)] = patches[row]
    return margin.of_logits(network.rest(hidden))


def _through(
    layer: Layer, padded: torch.Tensor, patches: torch.Tensor, changed: list[Box], reached: list[Box]
) -> torch.Tensor:
    """Recompute the outputs of a layer, `reached`, that its changed inputs reach."""
    fields = [layer.field(box) for box in reached]
    inputs = torch.stack([padded[_inside(field)] for field in fields])
    for row, (box, field) in enumerate(zip(changed, fields, strict=True)):
        overlaps = [_overlap(*each) for each in zip(box, layer.padding, field, strict=True)]
        target, source = ((slice(None), *(pair[end] for pair in overlaps)) for end in (0, 1))
        inputs[row][target] = patches[row][source]
    return layer(inputs)


@lru_cache(maxsize=4096)
def _overlap(changed: Interval, pad: int, field: Interval) -> tuple[slice, slice]:
    """Where changed inputs lie in a field, and which of them: a stride may pass over the outermost ones."""
    start, stop = field
    begin, end = changed[0] + pad - start, changed[1] + pad - start
    first, last = max(0, begin), min(stop - start, end)
    return slice(first, last), slice(first - begin, last - begin)


def _boxes(shape: tuple[int, ...], effort: Effort) -> list[Box]:
    """Cubes on a regular grid that cover the image; the last ones are cut off by its edge."""
    starts = [range(0, max(1, size - max(effort.patch - effort.stride, 0)), effort.stride) for size in shape]
    return [
        tuple((begin, min(begin + effort.patch, size)) for begin, size in zip(corner, shape, strict=True))
        for corner in itertools.product(*starts)
    ]


def _alike(boxes: Sequence[Box], chain: Sequence[Layer], states: Sequence[torch.Tensor]) -> Iterator[list[int]]:
    """Group boxes that have one common shape in all layers, as many at once as memory allows.

    A box that reaches nothing, because a stride passes over it, is in no group.
    """
    groups: dict[tuple[tuple[int, ...], ...], list[int]] = defaultdict(list)
    for place, box in enumerate(boxes):
        shapes = _shapes(box, chain, states)
        if all(min(shape) > 0 for shape in shapes):
            groups[shapes].append(place)
    size = max(1, _VOXELS_AT_ONCE // max(1, states[-1].numel()))
    for places in groups.values():
        for start in range(0, len(places), size):
            yield places[start : start + size]


def _shapes(box: Box, chain: Sequence[Layer], states: Sequence[torch.Tensor]) -> tuple[tuple[int, ...], ...]:
    found = [_shape(box)]
    for layer, state in zip(chain, states[:-1], strict=True):
        box = layer.reached(box, tuple(state.shape[1:]))
        found.append(_shape(box))
    return tuple(found)


def _shape(box: Box) -> tuple[int, ...]:
    return tuple(end - begin for begin, end in box)


def _spread(drops: torch.Tensor, boxes: Sequence[Box], image: torch.Tensor) -> torch.Tensor:
    total, count = (np.zeros(image.shape[1:], dtype=np.float32) for _ in range(2))
    for drop, box in zip(drops.tolist(), boxes, strict=True):
        inside = _inside(box)[1:]
        total[inside] += drop / math.prod(_shape(box))
        count[inside] += 1
    return torch.from_numpy(total / np.maximum(count, 1)).to(image.device)


def _inside(box: Box) -> tuple[slice, ...]:
    return (slice(None), *(slice(begin, end) for begin, end in box))
