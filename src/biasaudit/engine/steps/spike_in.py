"""Step `spike_in`: plant a synthetic signature in represented images, to test power on this very cohort (G3).

The edit is made to the network's input, not to the image: it is the same for every representation, and the jobs that
read and represent the images stay as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from biasaudit.edits.planting.chance import Chance, chance
from biasaudit.edits.planting.signature import SIGNATURES, plant_signature
from biasaudit.engine.arguments.edits import SpikeInArguments
from biasaudit.engine.arguments.inputs import INPUTS
from biasaudit.engine.jobs.job import Folders
from biasaudit.engine.jobs.stack import Stack, writing_stack
from biasaudit.records import FloatArray
from biasaudit.registry import register

__all__ = ["spike_in", "spiked"]

_SITE = "planted"

_REACHES_OUTSIDE = {"zoom", "border", "glyph", "ruler"}
"""Kinds that move what is shown, or print beside it."""


@register("step", "spike_in")
def spike_in(arguments: SpikeInArguments, needs: Folders, folder: Path) -> None:
    """Write one block with every image edited, with the planted assignment and with the sham assignment.

    Parameters
    ----------
    arguments : SpikeInArguments
    needs : Folders
        As `INPUTS` the one block.
    folder : Path
        Gets ``spiked.npz``, ``planted.npz`` and ``sham.npz``, each of the block's shape.
    """
    block = Stack.of(needs[INPUTS], "original")
    edited_rows = {"spiked": [True] * len(block), "planted": arguments.planted, "sham": arguments.sham}
    with ExitStack() as files:
        append = {
            name: files.enter_context(writing_stack(folder / f"{name}.npz", block.shape[1:], np.float16))
            for name in edited_rows
        }
        for row, image in enumerate(block):
            own = chance(arguments.seed, _SITE, str(arguments.first + row))
            edited = spiked(np.asarray(image, dtype=np.float32), arguments.strengths, arguments.size, own)
            for name, carries in edited_rows.items():
                append[name](edited if carries[row] else image)


def spiked(image: FloatArray, strengths: Mapping[str, float], size: float, chance: Chance) -> FloatArray:
    """Give a network input the signature of a site.

    Parameters
    ----------
    image : float32 (channels, *shape)
        Voxels that are exactly 0 in every channel lie outside; only what is printed or moved can reach them.
    strengths : mapping of kind to float
        See `plant_signature`.
    size : float
        Largest root mean square of the change, in standard deviations of what lies inside: a larger one is blended with
        the image, so that no kind drowns the disease.
    chance : Chance

    Returns
    -------
    float32 (channels, *shape)
        Inside the range of each channel, so that probabilities stay probabilities; constant channels stay as they are.
    """
    edited = image
    for kind in SIGNATURES:
        if kind in strengths:
            edited = _planted(edited, kind, strengths[kind], chance)
    space = tuple(range(1, image.ndim))
    low, high = image.min(axis=space, keepdims=True), image.max(axis=space, keepdims=True)
    change = np.clip(edited, low, high) - image
    return np.asarray(image + min(1.0, _room(image, change, size)) * change, dtype=np.float32)


def _room(image: FloatArray, change: FloatArray, size: float) -> float:
    """How many times a change is smaller than it may be."""
    inside = (image != 0).any(axis=0)
    values = image[:, inside]
    spread = float(values.std()) if values.size else 0.0
    return float(size * spread * np.sqrt(values.size) / max(np.sqrt(np.square(change).sum()), 1e-12))


def _planted(image: FloatArray, kind: str, strength: float, chance: Chance) -> FloatArray:
    edited = plant_signature(image, {kind: strength}, chance)
    return edited if kind in _REACHES_OUTSIDE else np.where((image != 0).any(axis=0), edited, image)
