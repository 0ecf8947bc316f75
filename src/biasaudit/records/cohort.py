"""Records of the cohort: subjects, their images, and the grid that all images share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from biasaudit.records.arrays import BoolArray, FloatArray

__all__ = [
    "Cohort",
    "Grid",
    "Sample",
    "Volume",
    "luminance",
]

_TUPLES = ("images", "tissue", "scores", "features", "maps", "colour")
_LUMINANCE = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""Weights of red, green and blue in the grey of a picture (ITU-R BT.601), as image libraries take them."""


def luminance(rgb: FloatArray) -> FloatArray:
    """Grey of a picture: (3, *shape) to float32 (*shape), equal channels to themselves but for rounding."""
    return np.asarray(np.tensordot(_LUMINANCE, rgb, axes=1), dtype=np.float32)


@dataclass(frozen=True)
class Sample:
    """One image of one subject, and what the table says about it.

    Attributes
    ----------
    subject : str
        Identifier; several samples may share it and then never part between folds.
    images : tuple of str
        Absolute paths, one per channel; empty for a simulated sample.
    label : str
        Class name; empty where unknown (prediction on new images).
    positive : bool
        Whether the label is a pathology class.
    origins : mapping
        Origin factor -> origin, after pooling of small origins.
    mask, brain_mask : str or None
        Absolute path of the mask of the pathology and of that of the brain (foreground). A healthy subject's is no
        pathology, but a place that is erased from everybody alike.
    has_mask : bool
        Whether pathology is marked: a path, or a simulated lesion. In the negative class only where the protocol says
        that the disease is a lesion in every class (``mask_in: all``).
    tissue : tuple of str
        Absolute paths of user-supplied GM, WM, CSF probability maps (three 3-D files or one 4-D file), or empty; a
        fourth file is a map of lesions.
    maps : tuple of str
        Absolute paths of other maps that the user made of the image, such as log-Jacobians, or empty.
    field : str or None
        Absolute path of the mask of where the disease can be, where every image has its own.
    covariates : mapping
        Name -> number or text; None where missing.
    split : str
        What the user says of an already trained network's split; empty if nothing.
    simulation : mapping
        What a simulated reader needs to render the sample again; empty for files.
    where : str
        ``table.tsv:12``, for messages.
    scores : tuple of float
        Held-out logits that the user gives instead of a network: one, or one per class; empty if none.
    features : tuple of float
        Numbers of a feature table, in place of images; empty if there are images.
    colour : tuple of bool
        Which of the images are read as three channels, red, green and blue; empty if none is.
    """

    subject: str
    images: tuple[str, ...]
    label: str
    positive: bool
    origins: Mapping[str, str]
    mask: str | None = None
    brain_mask: str | None = None
    has_mask: bool = False
    tissue: tuple[str, ...] = ()
    covariates: Mapping[str, float | str | None] = field(default_factory=dict)
    split: str = ""
    simulation: Mapping[str, Any] = field(default_factory=dict)
    where: str = ""
    scores: tuple[float, ...] = ()
    features: tuple[float, ...] = ()
    maps: tuple[str, ...] = ()
    field: str | None = None
    colour: tuple[bool, ...] = ()

    @property
    def files(self) -> tuple[str, ...]:
        """Every file that is read for it: images, masks, field and maps."""
        single = (path for path in (self.mask, self.brain_mask, self.field) if path)
        return (*self.images, *single, *self.tissue, *self.maps)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, for job arguments."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Sample:
        """Inverse of `to_dict`."""
        tuples = {name: tuple(record.get(name, ())) for name in _TUPLES}
        return cls(**{**record, **tuples})


@dataclass(frozen=True)
class Cohort:
    """The subjects of an audit.

    Attributes
    ----------
    samples : tuple of Sample
        In table order.
    classes : tuple of str
        Class names, the negative (healthy) one first, then one or more of pathology.
    factors : tuple of str
        Origin factors, the primary one first.
    dimensions : int
        2 or 3.
    channels : int
        Image channels per sample.
    notes : tuple of str
        What the reader saw, pooled, dropped or assumed; printed in the report.
    features : tuple of str
        Names of the columns of a feature table; empty if there are images.
    pooled : mapping of factor to (mapping of origin to origin)
        Origins that are called otherwise in the table, and their name here: small ones, which are pooled, and other
        spellings of one.
    probes : tuple of Sample
        Images that are never trained on and only scored.
    """

    samples: tuple[Sample, ...]
    classes: tuple[str, ...]
    factors: tuple[str, ...]
    dimensions: int
    channels: int
    notes: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    pooled: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    probes: tuple[Sample, ...] = ()


@dataclass(frozen=True)
class Grid:
    """The common voxel grid of an audit.

    Attributes
    ----------
    shape : tuple of int
        Voxels (or pixels) per axis; length 2 or 3.
    affine : tuple of tuples of float, or None
        Voxel to millimetre, 4 x 4; None for pictures.
    """

    shape: tuple[int, ...]
    affine: tuple[tuple[float, ...], ...] | None = None

    @property
    def dimensions(self) -> int:
        """2 or 3."""
        return len(self.shape)

    @property
    def spacing(self) -> tuple[float, ...]:
        """Voxel size in millimetres per axis; 1.0 for pictures."""
        if self.affine is None:
            return (1.0,) * len(self.shape)
        matrix = np.asarray(self.affine)[:3, :3]
        return tuple(float(size) for size in np.sqrt((matrix**2).sum(0)))

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, for job arguments."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Grid:
        """Inverse of `to_dict`."""
        affine = record["affine"]
        return cls(tuple(record["shape"]), affine and tuple(tuple(float(v) for v in row) for row in affine))


@dataclass(frozen=True)
class Volume:
    """One sample's arrays on the common grid.

    Attributes
    ----------
    image : float32 (channels, *shape)
        Raw intensities after resampling.
    foreground : bool (*shape)
        Brain mask; for pictures without one, the central field of view.
    mask : bool (*shape)
        Pathology mask, or the place that a healthy subject's mask names; all False where none is given.
    tissue : float32 (3 or 4, *shape) or None
        User-supplied GM, WM, CSF and, if given, lesion probability maps in [0, 1].
    maps : float32 (maps, *shape) or None
        Other maps that the user supplied.
    field: bool (*shape) or None
        Where the disease can be, as the protocol declares it.
    colour : tuple of int
        Red channel of every picture in colour; its green and its blue follow.
    """

    image: FloatArray
    foreground: BoolArray
    mask: BoolArray
    tissue: FloatArray | None = None
    maps: FloatArray | None = None
    field: BoolArray | None = None
    colour: tuple[int, ...] = ()

    @property
    def grey(self) -> FloatArray:
        """First image without its colour (*shape): the luminance of a colour picture, else the first channel."""
        return luminance(self.image[:3]) if 0 in self.colour else np.asarray(self.image[0])

    @property
    def drawn(self) -> FloatArray:
        """First image as a figure draws it: a picture in colour (height, width, 3), else the first channel (*shape)."""
        return np.asarray(np.moveaxis(self.image[:3], 0, -1) if 0 in self.colour else self.image[0])

    @property
    def pictures(self) -> tuple[slice, ...]:
        """Channels that share one scale: three of a picture in colour, any other channel by itself."""
        inside = {red + place for red in self.colour for place in (1, 2)}
        starts = [channel for channel in range(len(self.image)) if channel not in inside]
        return tuple(slice(start, start + (3 if start in self.colour else 1)) for start in starts)
