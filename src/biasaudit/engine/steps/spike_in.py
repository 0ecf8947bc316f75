"""Step `spike_in`: plant a synthetic signature in represented images, to test power on this very cohort (G3).

The edit is made to the network's input, not to the image: it is the same for every representation, and the jobs that
read and represent the images stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from biasaudit.engine.arguments.edits import FIELD_STRENGTH, INTENSITY_BEND, SpikeInArguments
from biasaudit.engine.arguments.inputs import INPUTS
from biasaudit.engine.jobs.job import Folders
from biasaudit.engine.jobs.stack import Stack, writing_stack
from biasaudit.records import FloatArray
from biasaudit.registry import register

__all__ = ["spike_in", "spiked"]


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
            edited = spiked(np.asarray(image, dtype=np.float32), arguments.field, arguments.bend)
            for name, carries in edited_rows.items():
                append[name](edited if carries[row] else image)


def spiked(image: FloatArray, field: float = FIELD_STRENGTH, bend: float = INTENSITY_BEND) -> FloatArray:
    """Add a smooth field along the last two axes and bend the intensity scale, channel by channel.

    Parameters
    ----------
    image : float32 (channels, *shape)
        A network input; voxels that are exactly 0 lie outside and stay 0.
    field, bend : float
        In standard deviations of the channel's other voxels.

    Returns
    -------
    float32 (channels, *shape)
        Inside the range of each channel, so that probabilities stay probabilities. A mirror image along the first axis
        of a volume gets the mirrored edit.
    """
    slope = _field(image.shape[1:])
    result = np.zeros_like(image)
    for number, channel in enumerate(image):
        inside = channel != 0
        values = channel[inside].astype(np.float64)
        spread = float(values.std()) if values.size else 0.0
        if spread < 1e-6:
            result[number] = channel
            continue
        standard = (values - values.mean()) / spread
        local = slope[inside] - slope[inside].mean()
        local /= max(float(local.std()), 1e-6)
        # tanh bounds the bend, so that bright lesions are changed no more than bright tissue.
        change = field * local + bend * np.tanh(standard**2 - 1)
        result[number][inside] = np.clip(values + spread * change, values.min(), values.max())
    return result


def _field(shape: Sequence[int]) -> FloatArray:
    """Rise along the last but one axis and fall off along the last (back to front and bottom to top of a brain)."""
    axes = [np.linspace(-1.0, 1.0, size) for size in shape[-2:]]
    plane = axes[0][:, None] - 0.5 * axes[1][None, :] ** 2
    return np.asarray(np.broadcast_to(plane, tuple(shape)))
