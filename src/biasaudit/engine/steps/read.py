"""Step `read`: put the images of a block on the common grid."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.lib.format import open_memmap

from biasaudit.cohort.images.field import field_reader
from biasaudit.cohort.images.file_state import as_it_was
from biasaudit.engine.arguments.inputs import ReadArguments
from biasaudit.engine.jobs.job import Folders
from biasaudit.records import Grid, Sample
from biasaudit.registry import get, register

__all__ = ["read"]


@register("step", "read")
def read(arguments: ReadArguments, needs: Folders, folder: Path) -> None:
    """Load one block of samples.

    Parameters
    ----------
    arguments : ReadArguments
    needs : Folders
        Nothing.
    folder : Path
        Gets ``image.npy``, ``foreground.npy``, ``mask.npy`` and, where the user gives such maps, ``tissue.npy`` and
        ``maps.npy``, where the disease field is declared ``field.npy``; one entry per sample. Where pictures are in
        colour, ``colour.npy`` lists the red channels.
    """
    with as_it_was(arguments.hashes):
        _load_block(arguments, folder)


def _load_block(arguments: ReadArguments, folder: Path) -> None:
    reader = get("reader", arguments.reader)()
    grid, samples = arguments.grid, arguments.samples
    count = len(samples)
    image = open_memmap(folder / "image.npy", "w+", np.float32, (count, arguments.channels, *grid.shape))
    foreground = open_memmap(folder / "foreground.npy", "w+", np.bool_, (count, *grid.shape))
    mask = open_memmap(folder / "mask.npy", "w+", np.bool_, (count, *grid.shape))
    field = None if arguments.field is None else open_memmap(folder / "field.npy", "w+", np.bool_, mask.shape)
    field_of = None if arguments.field is None else field_reader(arguments.field, grid)
    tissue, maps = _tissue_file(folder, samples, grid), _maps_file(folder, samples, grid)
    for row, sample in enumerate(samples):
        volume = reader.load(sample, grid, arguments.foreground)
        image[row], foreground[row], mask[row] = volume.image, volume.foreground, volume.mask
        if tissue is not None:
            tissue[row] = volume.tissue
        if maps is not None:
            maps[row] = volume.maps
        if volume.colour:
            np.save(folder / "colour.npy", np.array(volume.colour))
        if field is not None and field_of is not None:
            field[row] = field_of(sample.field, volume.foreground)
    for array in (image, foreground, mask, tissue, maps, field):
        if array is not None:
            array.flush()


def _tissue_file(folder: Path, samples: Sequence[Sample], grid: Grid) -> np.memmap | None:
    if not all(sample.tissue for sample in samples):
        return None
    maps = 4 if len(samples[0].tissue) == 4 else 3
    return open_memmap(folder / "tissue.npy", "w+", np.float32, (len(samples), maps, *grid.shape))


def _maps_file(folder: Path, samples: Sequence[Sample], grid: Grid) -> np.memmap | None:
    if not all(sample.maps for sample in samples):
        return None
    return open_memmap(folder / "maps.npy", "w+", np.float32, (len(samples), len(samples[0].maps), *grid.shape))
