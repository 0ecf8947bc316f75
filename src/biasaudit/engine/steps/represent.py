"""Steps that turn files into network inputs: `read` (images on the common grid) and `represent`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.format import open_memmap

from biasaudit.cohort.images.template import tissue_priors
from biasaudit.edits.erasure import erase
from biasaudit.engine.jobs.stack import Stack
from biasaudit.engine.user_code.preprocessing import representation_of
from biasaudit.errors import UsageError
from biasaudit.records import FloatArray, Grid, Volume
from biasaudit.registry import register

__all__ = ["represent", "stored_volume", "transform"]

Needs = Mapping[str, Sequence[Path]]


@register("step", "represent")
def represent(arguments: Mapping[str, Any], needs: Needs, folder: Path) -> None:
    """Turn one block into network inputs, as the images are and, where asked, after erasure.

    Parameters
    ----------
    arguments : mapping
        ``representation``, ``own`` (function of the user's), ``grid``, ``channels`` (of the image), ``rows`` of the
        block in the cohort, ``erase_with``: for every row the row whose pathology mask is erased (its own, or an
        exchanged one), or null for no erasure at all.
    needs : mapping
        ``read``: folders of all blocks in cohort order.
    """
    representation = representation_of(arguments["representation"], arguments.get("own"))
    grid = Grid.from_dict(arguments["grid"])
    volumes = _Volumes(needs["read"])
    channels = representation.channels(arguments["channels"])
    priors = tissue_priors(grid) if representation.needs_priors and volumes.tissue is None else None
    variants = ["original"] if arguments["erase_with"] is None else ["original", "erased"]
    for variant in variants:
        shape = (len(arguments["rows"]), channels, *grid.shape)
        output = open_memmap(folder / f"{variant}.npy", "w+", np.float16, shape)
        for position, row in enumerate(arguments["rows"]):
            volume = volumes[row]
            if variant == "erased":
                volume = erase(volume, volumes.mask[arguments["erase_with"][position]])
            try:
                output[position] = representation.transform(volume, priors, grid)
            except UsageError as error:
                raise UsageError(f"{error} (image {row + 1} of the cohort, {variant})") from None
        output.flush()


def transform(representation_name: str, volume: Volume, grid: Grid, own: Mapping[str, Any] | None = None) -> FloatArray:
    """Turn one volume into a network input, rounded as the stored inputs are; float32 (channels, *shape)."""
    representation = representation_of(representation_name, own)
    priors = tissue_priors(grid) if representation.needs_priors and volume.tissue is None else None
    return np.asarray(representation.transform(volume, priors, grid)).astype(np.float16).astype(np.float32)


def stored_volume(folders: Sequence[Path], row: int) -> Volume:
    """Read one sample back from the `read` blocks."""
    return _Volumes(folders)[row]


class _Volumes:
    """The stored volumes of the whole cohort."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self.image = Stack([folder / "image.npy" for folder in folders])
        self.foreground = Stack([folder / "foreground.npy" for folder in folders])
        self.mask = Stack([folder / "mask.npy" for folder in folders])
        self.tissue, self.maps = (_stack_of(folders, name) for name in ("tissue.npy", "maps.npy"))

    def __getitem__(self, row: int) -> Volume:
        return Volume(
            image=np.array(self.image[row]),
            foreground=np.array(self.foreground[row]),
            mask=np.array(self.mask[row]),
            tissue=None if self.tissue is None else np.array(self.tissue[row]),
            maps=None if self.maps is None else np.array(self.maps[row]),
        )


def _stack_of(folders: Sequence[Path], name: str) -> Stack | None:
    """Stack what every block has, or nothing."""
    given = all((folder / name).exists() for folder in folders)
    return Stack([folder / name for folder in folders]) if given else None
