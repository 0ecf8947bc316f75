"""Choose the second network that each map is compared with, and the origins whose classifiers get maps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

__all__ = ["LARGEST_ORIGINS", "explained_origins", "probed_rows", "replicate_networks"]

LARGEST_ORIGINS = 5
"""Origins that get maps of their own, each against all others, where a classifier tells more than two apart."""

PROBED = 6
"""Maps per class and fold that are put to the test of faithfulness."""


def explained_origins(targets: Sequence[int]) -> tuple[int, ...]:
    """Choose the origins whose margin is explained.

    Parameters
    ----------
    targets : sequence of int
        Origin of every subject that the classifier knows.

    Returns
    -------
    tuple of int
        The second of two, since its map is that of the first with its sign turned; else the largest, in order.
    """
    counts = Counter(targets)
    if len(counts) <= 2:
        return (1,)
    largest = sorted(counts, key=lambda origin: (-counts[origin], origin))[:LARGEST_ORIGINS]
    return tuple(sorted(largest))


def probed_rows(labels: Sequence[str]) -> list[int]:
    """Choose the places of the first `PROBED` rows of every class, in order."""
    seen: Counter[str] = Counter()
    chosen = []
    for place, label in enumerate(labels):
        seen[label] += 1
        if seen[label] <= PROBED:
            chosen.append(place)
    return chosen


def replicate_networks(models: tuple[tuple[str, ...], ...]) -> tuple[tuple[str, ...], ...]:
    """Give every fold another network that was asked the same question.

    Parameters
    ----------
    models : tuple of tuples of keys
        Networks of every fold, one per seed.

    Returns
    -------
    tuple of tuples of one key
        The second seed of the same fold; with one seed the network of the next fold, which saw the subjects in
        training. That makes two maps less alike than two seeds would, not more, so it overstates what noise hides.
    """
    if len(models[0]) > 1:
        return tuple(keys[1:2] for keys in models)
    return tuple(keys[:1] for keys in (*models[1:], models[0]))
