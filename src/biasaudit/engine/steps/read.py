"""Step `read`: put the images of a block on the common grid."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from biasaudit.cohort.images.field import field_reader
from biasaudit.cohort.images.file_state import as_it_was
from biasaudit.engine.arguments.inputs import ReadArguments
from biasaudit.engine.jobs.job import Folders
from biasaudit.engine.jobs.stack import writing_stack
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
        Gets ``image.npz``, ``foreground.npz``, ``mask.npz`` and, where the user gives such maps, ``tissue.npz`` and
        ``maps.npz``, where the disease field is declared ``field.npz``; one entry per sample. Where pictures are in
        colour, ``colour.npy`` lists the red channels.
    """
    with as_it_was(arguments.hashes):
        _load_block(arguments, folder)


def _load_block(arguments: ReadArguments, folder: Path) -> None:
    reader = get("reader", arguments.reader)()
    field_of = None if arguments.field is None else field_reader(arguments.field, arguments.grid)
    with ExitStack() as files:
        append = {
            name: files.enter_context(writing_stack(folder / f"{name}.npz", shape, dtype))
            for name, (shape, dtype) in _arrays(arguments).items()
        }
        for sample in arguments.samples:
            volume = reader.load(sample, arguments.grid, arguments.foreground)
            if field_of is not None:
                volume = replace(volume, field=field_of(sample.field, volume.foreground))
            for name, write in append.items():
                write(getattr(volume, name))
            if volume.colour:
                np.save(folder / "colour.npy", np.array(volume.colour))


def _arrays(arguments: ReadArguments) -> dict[str, tuple[tuple[int, ...], npt.DTypeLike]]:
    """Shape and type of what is kept of every image, by the name that it has in a `Volume`."""
    shape, samples = arguments.grid.shape, arguments.samples
    arrays: dict[str, tuple[tuple[int, ...], npt.DTypeLike]] = {
        "image": ((arguments.channels, *shape), np.float32),
        "foreground": (shape, np.bool_),
        "mask": (shape, np.bool_),
    }
    if arguments.field is not None:
        arrays["field"] = (shape, np.bool_)
    if all(sample.tissue for sample in samples):
        arrays["tissue"] = ((4 if len(samples[0].tissue) == 4 else 3, *shape), np.float32)
    if all(sample.maps for sample in samples):
        arrays["maps"] = ((len(samples[0].maps), *shape), np.float32)
    return arrays
