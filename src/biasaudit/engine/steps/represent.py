"""Step `represent`: turn images on the common grid into network inputs."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from biasaudit.cohort.images.template import tissue_priors
from biasaudit.edits.erasure import erase
from biasaudit.engine.arguments.inputs import READ, OwnInput, RepresentArguments
from biasaudit.engine.jobs.job import Folders
from biasaudit.engine.jobs.stack import writing_stack
from biasaudit.engine.steps.stored_volumes import StoredVolumes
from biasaudit.engine.user_code.preprocessing import representation_of
from biasaudit.errors import UsageError
from biasaudit.records import FloatArray, Grid, Volume
from biasaudit.registry import register

__all__ = ["represent", "transform"]


@register("step", "represent")
def represent(arguments: RepresentArguments, needs: Folders, folder: Path) -> None:
    """Turn one block into network inputs, as the images are and, where asked, after erasure.

    Parameters
    ----------
    arguments : RepresentArguments
    needs : Folders
        `READ`: all blocks, since an exchanged mask may lie in any of them.
    folder : Path
        Gets ``original.npz`` and, where masks are erased, ``erased.npz``: float16 (rows, channels, *shape).
    """
    representation = representation_of(arguments.representation, arguments.own)
    grid, volumes = arguments.grid, StoredVolumes(needs[READ])
    channels = representation.channels(arguments.channels)
    priors = tissue_priors(grid) if representation.needs_priors and volumes.tissue is None else None
    variants = ["original"] if arguments.mask_donors is None else ["original", "erased"]
    for variant in variants:
        with writing_stack(folder / f"{variant}.npz", (channels, *grid.shape), np.float16) as append:
            for position, row in enumerate(arguments.rows):
                volume = volumes[row]
                if variant == "erased" and arguments.mask_donors is not None:
                    masks = [volumes.mask[donor] for donor in arguments.mask_donors[position]]
                    volume = erase(volume, np.logical_or.reduce(masks))
                try:
                    append(representation.transform(volume, priors, grid))
                except UsageError as error:
                    raise UsageError(f"{error} (image {row + 1} of the cohort, {variant})") from None


def transform(representation_name: str, volume: Volume, grid: Grid, own: OwnInput | None = None) -> FloatArray:
    """Turn one volume into a network input, rounded as the stored inputs are; float32 (channels, *shape)."""
    representation = representation_of(representation_name, own)
    priors = tissue_priors(grid) if representation.needs_priors and volume.tissue is None else None
    return np.asarray(representation.transform(volume, priors, grid)).astype(np.float16).astype(np.float32)
