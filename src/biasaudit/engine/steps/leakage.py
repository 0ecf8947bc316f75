"""Step `leakage`: which images are alike as only images of one subject are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
from scipy import ndimage

from biasaudit.engine.arguments.data import LeakageArguments
from biasaudit.engine.arguments.inputs import READ
from biasaudit.engine.jobs.job import Folders
from biasaudit.engine.jobs.json_files import write_json
from biasaudit.engine.steps.stored_volumes import StoredVolumes
from biasaudit.records import BoolArray, FloatArray, Volume
from biasaudit.registry import register
from biasaudit.stats.twins import outlying_pairs, similarities

__all__ = ["leakage", "small_image", "small_images"]

_SIDE = 24
"""Voxels along the longest axis: enough for what tells brains apart, few enough for 1 000 subjects in memory."""

_HIGH_PASS = 1.0
"""Standard deviation, in those voxels, of what is subtracted: contrast and bias field are smoother than folds."""

_CANDIDATE = 4.0
"""Height from which a pair is kept; the threshold of the protocol lies above."""

_MOST = 200


@register("step", "leakage")
def leakage(arguments: LeakageArguments, needs: Folders, folder: Path) -> None:
    """Compare all images in pairs, after downsampling, normalising in the foreground and a high-pass filter.

    Pictures in colour are compared by their luminance: another white balance makes no other subject.

    Parameters
    ----------
    arguments : LeakageArguments
    needs : Folders
        `READ`: all blocks.
    folder : Path
        Gets ``twins.json``: candidate pairs, the most alike first.
    """
    volumes = StoredVolumes(needs[READ], images_only=True)
    similarity = similarities(_features(volumes) if arguments.tabular else small_images(volumes), arguments.origins)
    same = _same_files(arguments.hashes)
    # The same files are named even where too few images say what is usual.
    pairs = list(dict.fromkeys((*sorted(same), *map(tuple, outlying_pairs(similarity, _CANDIDATE, 0.0).tolist()))))
    shown = np.array(pairs[: max(_MOST, len(same))], dtype=np.intp).reshape(-1, 2)
    measured = zip(pairs, similarity.correlations(shown), similarity.heights(shown), strict=False)
    records = [
        {
            "first": first,
            "second": second,
            "correlation": round(float(correlation), 6),
            "height": round(float(height), 3),
            "same_file": (first, second) in same,
        }
        for (first, second), correlation, height in measured
    ]
    write_json(folder / "twins.json", records)


def small_images(volumes: Iterable[Volume]) -> Iterator[FloatArray]:
    """Shrink images, one at a time; (voxels,) each."""
    return (small_image(volume.grey, volume.foreground).ravel() for volume in volumes)


def small_image(image: FloatArray, foreground: BoolArray) -> FloatArray:
    """Shrink one image to at most 24 voxels along an axis and keep its details.

    Parameters
    ----------
    image : float (*shape)
    foreground : bool (*shape)

    Returns
    -------
    float (*smaller)
        Mean over blocks of the image (median 0, standard deviation 1 in the foreground, 0 outside) less its smooth
        part.
    """
    inside = image[foreground].astype(np.float64)
    spread = float(inside.std()) if inside.size else 0.0
    middle = float(np.median(inside)) if inside.size else 0.0
    values = np.where(foreground, (image - middle) / (spread or 1.0), 0.0)
    factor = max(1, -(-max(values.shape) // _SIDE))
    padded = np.pad(values, [(0, -size % factor) for size in values.shape])
    blocks = padded.reshape([part for size in padded.shape for part in (size // factor, factor)])
    means = blocks.mean(axis=tuple(range(1, 2 * values.ndim, 2)))
    return np.asarray(means - ndimage.gaussian_filter(means, _HIGH_PASS))


def _features(volumes: StoredVolumes) -> FloatArray:
    """Features with mean 0 and variance 1 over subjects, so that none rules by its unit; (n, features)."""
    values = np.stack([volume.image.ravel() for volume in volumes]).astype(np.float64)
    spread = values.std(axis=0)
    return np.asarray((values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0))


def _same_files(hashes: Sequence[Sequence[str]]) -> set[tuple[int, int]]:
    rows: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for row, own in enumerate(hashes):
        if own:
            rows[tuple(own)].append(row)
    return {pair for members in rows.values() for pair in combinations(members, 2)}
