"""Pictures in colour: which are, which image columns are read so, and what the report says of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import numpy as np
from PIL import Image

from biasaudit.cohort.images.file_facts import FileFacts
from biasaudit.records import Cohort, FloatArray

__all__ = [
    "ColourSetting",
    "colour_notes",
    "colours_of",
    "converted_notes",
    "is_stored_in_colour",
    "is_transparent",
    "rgb_of",
    "rgb_unless_grey",
    "with_colour",
]

ColourSetting = Literal["auto", "grey"]

_GREY_MODES = ("1", "L", "La", "LA", "F")


def rgb_of(image: Image.Image) -> FloatArray | None:
    """Red, green and blue of an opened picture, float32 (3, height, width) in [0, 1]; None where it is grey.

    Palettes, CMYK, YCbCr, Lab and HSV are turned into RGB; transparency is left out. Grey is also what is stored in
    colour with three channels that are equal everywhere.
    """
    if not is_stored_in_colour(image):
        return None
    pixels = np.asarray(image.convert("RGB"))
    return rgb_unless_grey(np.moveaxis(pixels, -1, 0), np.float32(255))


def is_stored_in_colour(image: Image.Image) -> bool:
    """Whether an opened picture has room for colours, used or not."""
    return not (image.mode in _GREY_MODES or image.mode.startswith("I"))


def rgb_unless_grey(channels: np.ndarray, full: np.float32) -> FloatArray | None:
    """Channels (3, height, width) over the value of full intensity, float32; None where they are equal everywhere."""
    if (channels[0] == channels[1]).all() and (channels[1] == channels[2]).all():
        return None
    return np.asarray(channels, dtype=np.float32) / full


def is_transparent(image: Image.Image) -> bool:
    """Whether any pixel of an opened picture is less than opaque."""
    if not image.has_transparency_data:
        return False
    alpha = image if image.mode in ("LA", "RGBA", "PA") else image.convert("RGBA")
    lowest, _ = alpha.getchannel("A").getextrema()
    return bool(float(lowest) < 255)  # type: ignore[arg-type]


def colours_of(cohort: Cohort, facts: Mapping[str, FileFacts], setting: ColourSetting) -> tuple[bool, ...]:
    """Say of every image column whether its files are read as three channels; empty where none is.

    Parameters
    ----------
    cohort : Cohort
    facts : mapping of path to FileFacts
    setting : {"auto", "grey"}
        ``auto``: a column is read in colour as soon as one of its pictures is in colour.
    """
    if setting == "grey":
        return ()
    columns = range(len(cohort.samples[0].images))
    found = tuple(any(fact.coloured for fact in _column(cohort, facts, column)) for column in columns)
    return found if any(found) else ()


def with_colour(cohort: Cohort, colours: Sequence[bool]) -> Cohort:
    """Return a cohort whose samples, and probes, say which of their images are read in colour."""
    samples, probes = (
        tuple(replace(sample, colour=tuple(colours)) for sample in own) for own in (cohort.samples, cohort.probes)
    )
    return replace(cohort, samples=samples, probes=probes)


def colour_notes(cohort: Cohort, facts: Mapping[str, FileFacts], setting: ColourSetting) -> list[str]:
    """Say which pictures are in colour, where grey ones lie among them, and what is lost by reading all in grey."""
    notes = []
    for column in range(len(cohort.samples[0].images)):
        own = _column(cohort, facts, column)
        coloured = sum(fact.coloured for fact in own)
        which = "" if len(cohort.samples[0].images) == 1 else f" of image {column + 1}"
        if coloured:
            notes += [_hidden(coloured, len(own), which)] if setting == "grey" else _read(coloured, len(own), which)
        elif equal := sum(fact.stored_in_colour for fact in own):
            notes.append(f"{equal} pictures{which} have three equal channels of colour and are read in grey")
    transparent = sum(fact.transparent for fact in facts.values())
    if transparent:
        notes.append(f"{transparent} pictures are transparent in places; the transparency is left out")
    return notes


def converted_notes(cohort: Cohort, facts: Mapping[str, FileFacts]) -> list[str]:
    """Say which pictures are not read as they are stored, since the audit chose otherwise.

    Parameters
    ----------
    cohort : Cohort
        Its samples say which images are read in colour.
    facts : mapping of path to FileFacts
    """
    pairs = [
        (facts[path], colour)
        for sample in cohort.samples
        for path, colour in zip(sample.images, sample.colour or (False,) * len(sample.images), strict=True)
        if path in facts
    ]
    grey = sum(colour and not fact.coloured for fact, colour in pairs)
    coloured = sum(fact.coloured and not colour for fact, colour in pairs)
    notes = [f"{grey} pictures are in grey, those of the audit in colour: read as three equal channels"] if grey else []
    return notes + ([f"{coloured} pictures are in colour and read in grey, as the audit did"] if coloured else [])


def _column(cohort: Cohort, facts: Mapping[str, FileFacts], column: int) -> list[FileFacts]:
    return [facts[sample.images[column]] for sample in cohort.samples if sample.images[column] in facts]


def _read(coloured: int, count: int, which: str) -> list[str]:
    if coloured == count:
        return [f"the {count} pictures{which} are in colour and read as red, green and blue"]
    return [
        f"{coloured} of {count} pictures{which} are in colour, the others in grey: all are read as red, green and "
        "blue, the grey ones as three equal channels; where that goes with origin or label, it is a signature in itself"
    ]


def _hidden(coloured: int, count: int, which: str) -> str:
    how_many = f"the {count}" if coloured == count else f"{coloured} of {count}"
    return (
        f"{how_many} pictures{which} are in colour and read in grey, as `cohort.colour: grey` asks: this audit cannot "
        "see signatures of colour in the networks; A3 still measures the colour of the files"
    )
