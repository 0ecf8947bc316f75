"""Thumbnails of the cohort for the report: what every image looks like, and which of them to look at."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd
from PIL import Image

from biasaudit.engine.results.held_out_scores import held_out_scores
from biasaudit.engine.results.run import ArmResult, Run, survey_of
from biasaudit.engine.steps.stored_volumes import StoredVolumes
from biasaudit.records import FloatArray, full_tone, grey_ends
from biasaudit.run_folder.contract import MOST_THUMBNAILS, THUMBNAIL_PICTURES, THUMBNAILS
from biasaudit.run_folder.tsv import write_tsv

__all__ = ["SIDE", "marks_of", "sampled", "thumbnail", "write_thumbnails"]

SIDE = 56
"""Pixels of the longer side: most grids of volumes need no scaling, and 500 take half a megabyte of the page."""
_WORST = 3


def write_thumbnails(run: Run, arm: ArmResult) -> None:
    """Write ``maps/thumbnails.npz`` and ``maps/thumbnails.tsv``; nothing where there are no images.

    Parameters
    ----------
    run : Run
    arm : ArmResult
        The primary arm, whose scores say which subjects are extreme.
    """
    if run.situation.tabular or not run.plan.reads:
        return
    samples = run.situation.cohort.samples
    scores = held_out_scores(run, arm.recipe)
    alignment = [np.nan if value is None else float(value) for value in survey_of(run)["correlation"]]
    marks = marks_of([sample.label for sample in samples], scores, alignment)
    rows = sampled([(sample.label, sample.origins[run.factors[0]]) for sample in samples], marks, MOST_THUMBNAILS)
    records = [
        {
            "place": place,
            "subject": samples[row].subject,
            "label": samples[row].label,
            "origin": samples[row].origins[run.factors[0]],
            "score": round(scores[row], 4) if row in scores else None,
            "correlation": alignment[row],
            "marks": "; ".join(marks.get(row, ())),
        }
        for place, row in enumerate(rows)
    ]
    volumes = StoredVolumes([run.store.folder(key) for key in run.plan.reads], images_only=True)
    drawn = np.stack([thumbnail(volumes[row].drawn, run.situation.grid.dimensions) for row in rows])
    path = run.results / THUMBNAIL_PICTURES
    path.parent.mkdir(exist_ok=True)
    np.savez_compressed(path, thumbnails=drawn)
    write_tsv(pd.DataFrame(records), run.results / THUMBNAILS.path)


def marks_of(
    labels: Sequence[str], scores: Mapping[int, float], alignment: Sequence[float]
) -> dict[int, tuple[str, ...]]:
    """Say which rows to look at, and why.

    Parameters
    ----------
    labels : sequence of str
        Class of every row.
    scores : mapping of int to float
        Held-out score by row.
    alignment : sequence of float
        Correlation of every row with the cohort's mean image; NaN where unknown.

    Returns
    -------
    dict of int to tuple of str
        ``alignment`` for the rows that are least like the mean image, ``highest`` and ``lowest`` for the extreme
        scores of every class.
    """
    found: dict[int, tuple[str, ...]] = {}
    known = [row for row, value in enumerate(alignment) if np.isfinite(value)]
    for row in sorted(known, key=lambda row: alignment[row])[:_WORST]:
        found[row] = ("alignment",)
    for label in dict.fromkeys(labels):
        own = [row for row in scores if labels[row] == label]
        for word, end in (("highest", max), ("lowest", min)):
            if len(own) > 1:
                row = end(own, key=lambda row: scores[row])
                found[row] = (*found.get(row, ()), word)
    return found


def sampled(groups: Sequence[tuple[str, str]], kept: Iterable[int], most: int) -> list[int]:
    """Choose rows of a cohort: all, or so many of every group that all together are not too many.

    Parameters
    ----------
    groups : sequence of (str, str)
        Group of every row.
    kept : iterable of int
        Rows that are chosen first.
    most : int
        Of every group at least one is chosen, even if those are more.

    Returns
    -------
    list of int
        In the order of the cohort. The same each time.
    """
    first = set(kept)
    members = {
        group: sorted((row for row, own in enumerate(groups) if own == group), key=lambda row: row not in first)
        for group in dict.fromkeys(groups)
    }
    sizes = [len(rows) for rows in members.values()]
    each = max(sizes, default=0)
    while each > 1 and sum(min(size, each) for size in sizes) > most:
        each -= 1
    return sorted(row for rows in members.values() for row in rows[:each])


def thumbnail(image: FloatArray, dimensions: int) -> np.ndarray:
    """Cut an image in the middle and make it small.

    Parameters
    ----------
    image : float (*shape), or (height, width, 3) of a picture in colour
    dimensions : int
        2 or 3.

    Returns
    -------
    uint8 (height, width) or (height, width, 3)
        Upright; grey between two percentiles of its own, colour as it is. The longer side has at most `SIDE` pixels.
    """
    cut = np.asarray(image[:, :, image.shape[2] // 2].T[::-1] if dimensions == 3 else image, dtype=np.float64)
    low, high = (0.0, full_tone(cut)) if cut.ndim == 3 else grey_ends(cut)
    scaled = np.clip((np.nan_to_num(cut) - low) / max(high - low, 1e-6), 0, 1)
    small = Image.fromarray(np.round(255 * scaled).astype(np.uint8))
    small.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    return np.asarray(small)
