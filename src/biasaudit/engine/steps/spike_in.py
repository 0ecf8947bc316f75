"""Step `spike_in`: plant a synthetic signature in represented images, to test power on this very cohort (G3).

The edit is made to the network's input, not to the image: it is the same for every representation, and the jobs that
read and represent the images stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

from biasaudit.engine.arguments.edits import FIELD_STRENGTH, INTENSITY_BEND, SpikeInArguments
from biasaudit.engine.arguments.inputs import INPUTS
from biasaudit.engine.jobs.job import Folders
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
        Gets ``spiked.npy``, ``planted.npy`` and ``sham.npy``, each of the block's shape.
    """
    block = np.load(needs.only(INPUTS) / "original.npy", mmap_mode="r")
    outputs = {
        name: open_memmap(folder / f"{name}.npy", "w+", block.dtype, block.shape)
        for name in ("spiked", "planted", "sham")
    }
    carries = {"planted": arguments.planted, "sham": arguments.sham}
    for row, image in enumerate(block):
        edited = spiked(np.asarray(image, dtype=np.float32), arguments.field, arguments.bend)
        outputs["spiked"][row] = edited
        for name, edited_rows in carries.items():
            outputs[name][row] = edited if edited_rows[row] else image
    for output in outputs.values():
        output.flush()


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
