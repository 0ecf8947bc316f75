"""The images of a cohort as the step `read` has stored them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from biasaudit.engine.jobs.stack import SUFFIX, Stack
from biasaudit.records import FloatArray, Volume

__all__ = ["GreyImages", "StoredVolumes", "red_channels"]


class StoredVolumes:
    """All images of a cohort on the common grid, read from disk one at a time.

    Parameters
    ----------
    folders : sequence of Path
        Of the `read` blocks, in cohort order.
    images_only : bool
        Leave out the user's own tissue maps and other maps, which no edit of the image would reach.
    """

    def __init__(self, folders: Sequence[Path], *, images_only: bool = False) -> None:
        self.image, self.foreground, self.mask = (Stack.of(folders, name) for name in ("image", "foreground", "mask"))
        self.colour = red_channels(folders)
        self.field = _stack_if_given(folders, "field")
        self.tissue, self.maps = (
            None if images_only else _stack_if_given(folders, name) for name in ("tissue", "maps")
        )

    def __len__(self) -> int:
        return len(self.image)

    def __getitem__(self, row: int) -> Volume:
        return Volume(
            image=np.array(self.image[row]),
            foreground=np.array(self.foreground[row]),
            mask=np.array(self.mask[row]),
            tissue=None if self.tissue is None else np.array(self.tissue[row]),
            maps=None if self.maps is None else np.array(self.maps[row]),
            colour=self.colour,
            field=None if self.field is None else np.array(self.field[row]),
        )

    def __iter__(self) -> Iterator[Volume]:
        return (self[row] for row in range(len(self)))


class GreyImages:
    """The images of stored volumes without their colour, float32 (1, *shape) each."""

    def __init__(self, volumes: StoredVolumes) -> None:
        self._volumes = volumes

    def __len__(self) -> int:
        return len(self._volumes)

    def __getitem__(self, row: int) -> FloatArray:
        return self._volumes[row].grey[None]


def red_channels(folders: Sequence[Path]) -> tuple[int, ...]:
    """Red channel of every picture in colour, the same for all images; see `Volume.colour`."""
    path = folders[0] / "colour.npy"
    return tuple(np.load(path).tolist()) if path.exists() else ()


def _stack_if_given(folders: Sequence[Path], name: str) -> Stack | None:
    """Stack what every block has; None if a block lacks it."""
    given = all((folder / f"{name}{SUFFIX}").exists() for folder in folders)
    return Stack.of(folders, name) if given else None
