"""The real images that cohorts are made of, small and in memory, and where a disease can be in them.

A source is one hospital or archive, both labels mixed: what differs between its images is no signature of ours.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import apart_images
import numpy as np
from apart_images import Array
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from biasaudit.cohort.images.foreground import central_field

SHARED = Path(os.environ.get("SHARED_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
SIDE = 64
MARGIN = 3
FULLEST = 0.85
_ORIGIN = {"cxr": "origin", "ham": "source"}
_SLICE = 44
_SLICES = 240


@dataclass(frozen=True)
class Picture:
    """Levels 0-255 (channels, height, width), and the lesion's pixels where they are marked."""

    name: str
    label: str
    levels: Array
    mask: NDArray[np.bool_] | None = None


def at_hand() -> bool:
    return all((SHARED / name).exists() for name in ("cxr", "ham", "openms"))


@cache
def pictures(source: str, side: int = SIDE) -> tuple[Picture, ...]:
    """All pictures of `collection/origin`, in the order of the table; of `ham` those that the lesion does not fill."""
    collection, origin = source.split("/")
    if collection == "openms":
        return _slices(SHARED / "openms")
    own = [picture for place, picture in _read(SHARED / collection, collection, side) if place == origin]
    return tuple(p for p in own if p.mask is None or field_of(p, "lesion").mean() <= FULLEST)


def _read(folder: Path, collection: str, side: int) -> list[tuple[str, Picture]]:
    with (folder / "table.tsv").open(newline="") as handle:
        rows = list(csv.DictReader(handle, delimiter="\t"))
    found = []
    for row in rows:
        mask = _small(folder / row["mask"], "L", side)[0] > 127 if row.get("mask") else None
        levels = _small(folder / row["image"], "RGB" if collection == "ham" else "L", side)
        found.append((row[_ORIGIN[collection]], Picture(row["subject"], row["label"], levels, mask)))
    return found


def _small(path: Path, mode: str, side: int) -> Array:
    """Averaged onto pictures of that many pixels on the longer side."""
    picture = Image.open(path).convert(mode)
    factor = side / max(picture.size)
    size = (round(picture.width * factor), round(picture.height * factor))
    levels = np.asarray(picture.resize(size, Image.Resampling.BOX), dtype=np.float32)
    return np.moveaxis(levels, -1, 0) if levels.ndim == 3 else levels[None]


def _slices(openms: Path) -> tuple[Picture, ...]:
    """One axial slice of many mixtures of real brains, lesions healed: see `apart_images`."""
    library = apart_images.load_library(openms)
    return tuple(
        Picture(f"mix{index:04d}", "healthy", _slice(library, np.random.default_rng([20261201, index])))
        for index in range(_SLICES)
    )


def _slice(library: apart_images.Library, chance: np.random.Generator) -> Array:
    place = _SLICE + int(chance.integers(-6, 7))
    weights = chance.dirichlet(np.full(len(library.brains), 0.4)).astype(np.float32)
    plane = np.tensordot(weights, library.brains[..., place], 1)
    grid = np.stack(np.meshgrid(np.linspace(6, 84, SIDE), np.linspace(8, 100, SIDE), indexing="ij"))
    moved = np.tensordot(np.eye(2) + chance.normal(0, 0.03, (2, 2)), grid - 50, 1) + 50
    for _ in range(6):
        wave = chance.normal(0, 0.08, 2)
        phase = np.tensordot(wave, grid, 1) + chance.uniform(0, 2 * np.pi)
        moved = moved + chance.normal(0, 0.8, 2)[:, None, None] * np.cos(phase)
    brain = ndimage.map_coordinates(plane, moved, order=1, mode="constant")
    grain = ndimage.gaussian_filter(chance.normal(size=brain.shape), 0.7)
    return np.asarray(np.clip(130 * brain * np.exp(0.05 * grain / grain.std()), 0, 255)[None].astype(np.float32))


def field_of(picture: Picture, kind: str) -> NDArray[np.bool_]:
    """Where the disease is declared to be: `centre`, `lungs`, `brain` or `lesion`."""
    shape = picture.levels.shape[1:]
    if kind == "lesion":
        assert picture.mask is not None
        return np.asarray(ndimage.binary_dilation(picture.mask, iterations=2 + MARGIN))
    if kind == "centre":
        return central_field(shape)
    return np.asarray(np.any([_ellipse(shape, *each) for each in ELLIPSES[kind]], axis=0))


ELLIPSES: Mapping[str, tuple[tuple[float, float, float, float], ...]] = {
    "lungs": ((0.47, 0.30, 0.34, 0.19), (0.47, 0.70, 0.34, 0.19)),
    "brain": ((0.5, 0.5, 0.26, 0.30),),
}
"""Centre and radii as shares of height and width."""


def _ellipse(shape: tuple[int, ...], *place: float) -> NDArray[np.bool_]:
    height, width = shape
    y, x = np.ogrid[:height, :width]
    cy, cx, ry, rx = place
    inside = ((y - cy * height) / (ry * height)) ** 2 + ((x - cx * width) / (rx * width)) ** 2 <= 1
    return np.asarray(inside)


def room(picture: Picture, kind: str) -> NDArray[np.bool_]:
    """The part of the declared field where disease is planted: it keeps a margin, and to the organ."""
    field = np.pad(field_of(picture, kind), 1)
    inner = ndimage.binary_erosion(field, iterations=MARGIN)[1:-1, 1:-1]
    if kind == "centre":
        lungs = np.any([_ellipse(inner.shape, *each) for each in ELLIPSES["lungs"]], axis=0)
        inner = inner & lungs
    return np.asarray(inner)
