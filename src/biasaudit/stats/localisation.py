"""Compute how much of a map's relevance lies in a mask, for every subject's map under every subject's mask."""

from __future__ import annotations

import numpy as np

from biasaudit.records import BoolArray, FloatArray

__all__ = ["lesion_gains", "rank_accuracies"]


def lesion_gains(relevance: FloatArray, mask: BoolArray, foreground: BoolArray) -> FloatArray:
    """Lesion gain of every subject's map under every subject's mask.

    Parameters
    ----------
    relevance : float (m, voxels)
        Absolute or signed-part relevance, 0 or more.
    mask, foreground : bool (m, voxels)

    Returns
    -------
    float (m, m)
        Row i, column j: share of the relevance of i in mask j, over the share of the foreground of i in mask j; NaN
        where mask j misses the foreground of i, or map i is zero there.
    """
    inside = np.where(foreground, relevance, 0.0)
    masks = mask.astype(np.float64).T
    total = inside.sum(axis=1, keepdims=True)
    volume = foreground.sum(axis=1, keepdims=True)
    share = np.divide(inside @ masks, total, out=np.full((len(mask), len(mask)), np.nan), where=total > 0)
    expected = np.divide(foreground.astype(np.float64) @ masks, volume, out=np.zeros_like(share), where=volume > 0)
    gains: FloatArray = np.divide(share, expected, out=np.full_like(share, np.nan), where=expected > 0)
    return gains


def rank_accuracies(relevance: FloatArray, mask: BoolArray) -> FloatArray:
    """Relevance rank accuracy of every subject's map under every subject's mask.

    Parameters
    ----------
    relevance : float (m, voxels)
        Absolute relevance, 0 or more; 0 outside the foreground.
    mask : bool (m, voxels)
        Inside the foreground.

    Returns
    -------
    float (m, m)
        Row i, column j: of the most relevant voxels of i, as many as mask j has, the share that lies in mask j; NaN
        where mask j is empty.

    References
    ----------
    Arras L, Osman A, Samek W. CLEVR-XAI. Information Fusion 81:14, 2022.
    """
    sizes = mask.sum(axis=1)
    found = np.full((len(relevance), len(mask)), np.nan)
    for row, values in enumerate(relevance):
        place = np.empty(values.size, dtype=np.intp)
        place[np.argsort(-values, kind="stable")] = np.arange(values.size)
        for column in np.flatnonzero(sizes):
            found[row, column] = (place[mask[column]] < sizes[column]).mean()
    return found
