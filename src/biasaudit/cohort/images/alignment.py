"""Are the images in register? Overlap of foregrounds, correlation with the cohort mean, outliers by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from biasaudit.records import BoolArray, FloatArray

__all__ = ["AlignmentReport", "Arrays", "alignment", "dice"]

DEVIATIONS = 5.0
"""An outlier lies this many median absolute deviations below the median ..."""
POOR = 0.8
"""... and below this value."""
FEWEST = 5
"""With fewer samples than this the deviation means nothing and no outlier is named."""
_SHOWN = 10


class Arrays(Protocol):
    """Arrays that are read one subject at a time: a list, an array, a memory-mapped stack."""

    def __len__(self) -> int: ...

    def __getitem__(self, row: int, /) -> np.ndarray: ...


@dataclass(frozen=True)
class AlignmentReport:
    """How well the images of a cohort overlap and correlate.

    Attributes
    ----------
    dice : float (n,)
        Overlap of the foreground with the cohort's majority foreground, 0 to 1.
    correlation : float (n,)
        Pearson correlation of the first channel with the mean of all other samples inside the majority foreground;
        NaN for a single sample and for a constant image.
    outliers : tuple of str
        Subjects that are probably not in register.
    notes : tuple of str
        For the report.
    """

    dice: FloatArray
    correlation: FloatArray
    outliers: tuple[str, ...]
    notes: tuple[str, ...]


def alignment(images: Arrays, foregrounds: Arrays, subjects: Sequence[str]) -> AlignmentReport:
    """Measure the alignment of a cohort; reads everything three times and holds a few images at once.

    Parameters
    ----------
    images : n arrays (channels, *shape)
    foregrounds : n arrays, bool (*shape)
    subjects : sequence of str
        One per sample.
    """
    inside = _majority(foregrounds)
    overlap = np.array([dice(np.asarray(mask, dtype=np.bool_), inside) for mask in _each(foregrounds)])
    correlation = _correlations(images, inside)
    odd = _low(overlap) | _low(correlation)
    outliers = tuple(dict.fromkeys(subject for subject, is_odd in zip(subjects, odd, strict=True) if is_odd))
    return AlignmentReport(overlap, correlation, outliers, _notes(overlap, correlation, outliers))


def dice(first: BoolArray, second: BoolArray) -> float:
    """Overlap of two masks (Dice 1945, doi:10.2307/1932409): 1 for equal ones, also for two empty ones."""
    total = int(first.sum()) + int(second.sum())
    return 2.0 * int((first & second).sum()) / total if total else 1.0


def _majority(foregrounds: Arrays) -> BoolArray:
    count = np.zeros(np.asarray(foregrounds[0]).shape, dtype=np.int64)
    for mask in _each(foregrounds):
        count += np.asarray(mask, dtype=np.bool_)
    majority = 2 * count > len(foregrounds)
    return majority if majority.any() else count > 0


def _correlations(images: Arrays, inside: BoolArray) -> FloatArray:
    count = len(images)
    total = np.zeros(int(inside.sum()))
    for image in _each(images):
        total += _standardised(image, inside)
    result = np.full(count, np.nan)
    for row, image in enumerate(_each(images) if count > 1 else ()):
        own = _standardised(image, inside)
        rest = total - own
        spread = float(np.sqrt((own**2).sum() * (rest**2).sum()))
        result[row] = float(own @ rest) / spread if spread > 0 else np.nan
    return result


def _standardised(image: np.ndarray, inside: BoolArray) -> FloatArray:
    """First channel inside the foreground, mean 0 and variance 1; all 0 if constant."""
    values = np.asarray(image[0], dtype=np.float64)[inside]
    centred = values - values.mean()
    spread = centred.std()
    return np.asarray(centred / spread if spread > 0 else np.zeros_like(centred))


def _low(values: FloatArray) -> BoolArray:
    finite = values[np.isfinite(values)]
    if finite.size < FEWEST:
        return np.zeros(values.shape, dtype=np.bool_)
    median = float(np.median(finite))
    bound = min(POOR, median - DEVIATIONS * float(np.median(np.abs(finite - median))))
    return np.asarray(np.isfinite(values) & (values < bound))


def _each(arrays: Arrays) -> Iterator[np.ndarray]:
    return (arrays[row] for row in range(len(arrays)))


def _notes(overlap: FloatArray, correlation: FloatArray, outliers: Sequence[str]) -> tuple[str, ...]:
    finite = correlation[np.isfinite(correlation)]
    middle = f", correlation with the cohort mean {np.median(finite):.2f}" if finite.size else ""
    notes = [f"alignment: median overlap of the foregrounds {np.median(overlap):.2f}{middle}"]
    if np.median(overlap) < POOR:
        notes.append("the images do not look registered to each other; masks and voxelwise results mean little")
    if outliers:
        more = f" and {len(outliers) - _SHOWN} more" if len(outliers) > _SHOWN else ""
        notes.append(f"probably not in register: {', '.join(outliers[:_SHOWN])}{more}; look at them")
    return tuple(notes)
