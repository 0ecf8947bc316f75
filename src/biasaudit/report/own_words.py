"""Speak of the audited kind of input: of pixels or features where there are no voxels, and of a frame as a frame."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any

from biasaudit.run_folder.reading import RunRecords

__all__ = ["in_own_words", "is_framed", "is_table", "knows_class", "masks_given"]

_NOT_TEXT = r"<script\b.*?</script>|<style\b.*?</style>|data:[^\"']*|\bvoxelwise\.tsv"
_TABLES = (
    ("where an image comes from", "where a subject comes from"),
    ("where the image comes from", "where the subject comes from"),
    ("Classifiers of medical images can read", "Classifiers of medical data can read"),
    ("the origin can be read from the images", "the origin can be read from the features"),
    ("Images of different subjects were searched", "Rows of different subjects were searched"),
    ("accuracy to fall on images from elsewhere", "accuracy to fall on subjects from elsewhere"),
    ("anything in the images that follows", "anything in the features that follows"),
    ("label with the source of the images", "label with the source of the data"),
    ("on which images", "on which subjects"),
    ("on images like those", "on features like those"),
)
_FRAME = "the background is the outer frame"
_FRAMES = (
    ("from what lies outside the anatomy alone", "from the outer frame of the pictures alone"),
    (
        "no disease shows there, so something else tells the classes apart",
        "unless disease reaches the frame, something else tells the classes apart",
    ),
    ("The background alone predicts", "The frame alone predicts"),
    ("If background alone predicts the disease", "If the frame alone predicts the disease"),
    ("input background", "input frame"),
    ("inputs (the background alone", "inputs (the outer frame of the pictures alone"),
    # All pictures of one size have the same frame, so that their foregrounds are the same by construction.
    ("median overlap of the foregrounds 1.00, ", ""),
)


def in_own_words(page: str, records: RunRecords) -> str:
    """Put the words of the audited kind of input in the place of those of brain volumes.

    Parameters
    ----------
    page : str
        HTML, or plain text.
    records : RunRecords

    Returns
    -------
    str
        The same where volumes were audited.
    """
    pairs = list(_pairs(records))
    parts = re.split(f"({'|'.join([_NOT_TEXT, *_names(records)])})", page, flags=re.DOTALL)
    parts[::2] = [_replaced(part, pairs) for part in parts[::2]]
    return "".join(parts)


def _names(records: RunRecords) -> Iterator[str]:
    """Yield patterns of the names that users gave and that hold a word of ours; they stay as they are."""
    audit = records.audit
    origins = audit["cohort"]["origins"]
    given = [audit["name"], *audit["cohort"]["classes"], *origins, *(name for own in origins.values() for name in own)]
    given += [*(arm["name"] for arm in audit["arms"]), *records.subjects["subject"].astype(str)]
    for name in sorted({name for name in given if "voxel" in name.lower()}, key=len, reverse=True):
        yield rf"(?<!\w)(?:{re.escape(html.escape(name))}|{re.escape(name)})(?!\w)"


def is_framed(records: RunRecords) -> bool:
    """Whether the background is the outer frame of the pictures, since nothing tells where their content ends."""
    return any(_FRAME in note for note in records.audit["notes"])


def masks_given(records: RunRecords) -> bool:
    """Whether any subject has marked pathology."""
    subjects = records.subjects
    return "mask_voxels" in subjects and bool((subjects["mask_voxels"].astype(str) != "0").any())


def knows_class(records: RunRecords) -> str:
    """Name what hidden units know beside the origin: no design tells class from origin where each has its own."""
    if masks_given(records):
        return "pathology"
    regime = records.audit["design"].get("regime")
    return "class (= origin)" if regime == "aliased" else "class"


def _pairs(records: RunRecords) -> Iterator[tuple[re.Pattern[str], str]]:
    """Go over what is replaced by what."""
    place, adjective = _places(records)
    if is_table(records):
        yield from ((re.compile(re.escape(old)), new) for old, new in _TABLES)
        yield re.compile("If voxel size, data type or age tell"), "If age or another covariate tells"
        yield re.compile("beside the pixels that differs between images"), "beside the features that differs"
    if place != "voxel":
        yield re.compile(r"\bvoxelwise\b"), adjective
        yield re.compile(r"\bVoxelwise\b"), adjective.capitalize()
        yield re.compile(r"\bvoxel(s?)\b"), rf"{place}\1"
        yield re.compile(r"\bVoxel(s?)\b"), rf"{place.capitalize()}\1"
    if not masks_given(records):
        yield re.compile(re.escape(" The yellow line outlines the marked pathology.")), ""
    if is_framed(records):
        yield from ((re.compile(re.escape(old)), new) for old, new in _FRAMES)


def _places(records: RunRecords) -> tuple[str, str]:
    """Word for a place of the input, and the adjective of a comparison place by place."""
    if is_table(records):
        return "feature", "featurewise"
    grid: Mapping[str, Any] = records.audit["cohort"].get("grid") or {}
    shape = grid.get("shape") or ()
    return ("pixel", "pixelwise") if len(shape) == 2 else ("voxel", "voxelwise")


def is_table(records: RunRecords) -> bool:
    """Whether features were audited in place of images."""
    settings: Mapping[str, Any] = records.audit["settings"]
    return bool((settings.get("cohort") or {}).get("features"))


def _replaced(text: str, pairs: list[tuple[re.Pattern[str], str]]) -> str:
    for pattern, new in pairs:
        text = pattern.sub(new, text)
    return text
