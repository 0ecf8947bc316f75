"""Draw training subsets of a cohort that differ in origin and agree in size and classes.

A network trained on fewer subjects, or on another balance of classes, is another network. Designs that change where
the training images come from therefore keep both fixed.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from biasaudit.stats.strata import Booleans, Indices, joint_codes, members_of, require_same_length

__all__ = [
    "LEVELS",
    "SMALLEST_CELL",
    "SMALLEST_CLASS",
    "SMALLEST_TRAINING",
    "assigned_subjects",
    "associated_rows",
    "balanced_rows",
    "class_matched_rows",
    "common_training_size",
    "evenly_mixed_rows",
    "origin_sides",
    "origins_with_both_classes",
]

SMALLEST_CLASS = 8
"""Subjects of each class that an origin must hold to be tested on; an AUC of fewer has a standard error above .15."""

LEVELS = (0.0, 0.4, 0.8)
"""Associations (phi) of class and side of origin that networks are retrained at."""

SMALLEST_TRAINING = 40
"""Fewest subjects that a dose is trained on: at an association of .8 the rare cells then hold one subject each."""

SMALLEST_CELL = 2
"""Fewest subjects that every fold holds out of each class on each side."""


def origins_with_both_classes(
    positive: ArrayLike, origin: ArrayLike, subject: ArrayLike, smallest: int = SMALLEST_CLASS
) -> tuple[str, ...]:
    """Origins that hold enough subjects of each class, sorted.

    Parameters
    ----------
    positive
        (n,) booleans.
    origin, subject
        (n,) names; a subject counts once.
    smallest
        Subjects of each class needed.

    Returns
    -------
    tuple of names; empty outside crossed designs.
    """
    truth, origins, subjects = np.asarray(positive, dtype=bool), np.asarray(origin), np.asarray(subject)
    require_same_length(positive=truth, origin=origins, subject=subjects)
    return tuple(
        str(name)
        for name in np.unique(origins)
        if min(np.unique(subjects[(origins == name) & side]).size for side in (truth, ~truth)) >= smallest
    )


def class_matched_rows(pool: Indices, wanted: Indices, positive: ArrayLike, generator: np.random.Generator) -> Indices:
    """Draw from a pool as many rows of each class as another set of rows holds.

    Parameters
    ----------
    pool
        Rows to draw from, without replacement.
    wanted
        Rows whose classes are counted.
    positive
        (n,) booleans, or names of more classes.
    generator
        Source of randomness.

    Returns
    -------
    Sorted rows, as many as `wanted`.

    Raises
    ------
    ValueError
        If the pool holds too few rows of a class.
    """
    truth = np.asarray(positive)
    drawn = [
        generator.choice(pool[truth[pool] == side], int((truth[wanted] == side).sum()), replace=False)
        for side in np.unique(truth)
    ]
    return np.sort(np.concatenate(drawn))


def origin_sides(positive: ArrayLike, origin: ArrayLike) -> Booleans:
    """Divide the origins in two sides, the one with the larger share of patients against the rest.

    Origins are put in the order of their share of patients and cut where the smallest of the four cells of class and
    side is largest.

    Parameters
    ----------
    positive
        (n,) booleans.
    origin
        (n,) names.

    Returns
    -------
    (n,) booleans: on the side that goes with the positive class; all False with one origin.
    """
    truth, origins = np.asarray(positive, dtype=bool), np.asarray(origin)
    require_same_length(positive=truth, origin=origins)
    names = np.unique(origins)
    shares = [truth[origins == name].mean() for name in names]
    ordered = names[np.argsort(shares, kind="stable")]
    cuts = [np.isin(origins, ordered[cut:]) for cut in range(1, ordered.size)]
    if not cuts:
        return np.zeros(truth.size, dtype=bool)
    return cuts[int(np.argmax([_cells(truth, side).min() for side in cuts]))]


def common_training_size(positive: ArrayLike, side: ArrayLike, levels: Sequence[float] = LEVELS) -> int:
    """Return the largest even number of subjects that can be drawn at every level.

    Parameters
    ----------
    positive, side
        (n,) booleans of the subjects that may be drawn.
    levels
        Associations (phi) of class and side, 0 to below 1.

    Returns
    -------
    Size of every subset, half of it in each class and on each side.
    """
    cells = _cells(np.asarray(positive, dtype=bool), np.asarray(side, dtype=bool))
    size = int(cells.sum()) // 2 * 2
    while size > 0 and any((_level_counts(level, size) > cells).any() for level in levels):
        size -= 2
    return size


def associated_rows(
    pool: Indices,
    positive: ArrayLike,
    side: ArrayLike,
    levels: Sequence[float],
    size: int,
    generator: np.random.Generator,
) -> list[Indices]:
    """Draw one subset per level; the subsets share as many subjects as their levels allow.

    Parameters
    ----------
    pool
        Rows to draw from.
    positive, side
        (n,) booleans.
    levels
        Associations of class and side.
    size
        Subjects of every subset.
    generator
        Source of randomness.

    Returns
    -------
    Sorted rows, one array per level.

    Raises
    ------
    ValueError
        If a cell of class and side is too small.

    Examples
    --------
    >>> positive, side = np.arange(40) % 2 == 1, np.arange(40) >= 20
    >>> rows = associated_rows(np.arange(40), positive, side, [0.0, 0.5], 20, np.random.default_rng(0))
    >>> [int((positive[subset] == side[subset]).sum()) for subset in rows]
    [10, 15]
    """
    truth, sides = np.asarray(positive, dtype=bool), np.asarray(side, dtype=bool)
    order = {
        (s, c): generator.permutation(pool[(sides[pool] == bool(s)) & (truth[pool] == bool(c))])
        for s in (0, 1)
        for c in (0, 1)
    }
    subsets = []
    for level in levels:
        counts = _level_counts(level, size)
        if any(rows.size < counts[cell] for cell, rows in order.items()):
            raise ValueError(f"a subset of {size} at an association of {level:g} needs {counts.tolist()} subjects")
        subsets.append(np.sort(np.concatenate([rows[: counts[cell]] for cell, rows in order.items()])))
    return subsets


def balanced_rows(pool: Indices, positive: ArrayLike, side: ArrayLike, generator: np.random.Generator) -> Indices:
    """Draw as many rows of each class on each side as the smallest of the four cells holds.

    Parameters
    ----------
    pool
        Rows to draw from.
    positive, side
        (n,) booleans.
    generator
        Source of randomness.

    Returns
    -------
    Sorted rows; empty if a cell is.
    """
    truth, sides = np.asarray(positive, dtype=bool)[pool], np.asarray(side, dtype=bool)[pool]
    count = int(_cells(truth, sides).min())
    drawn = [generator.permutation(pool[(sides == s) & (truth == c)])[:count] for s in (0, 1) for c in (0, 1)]
    return np.sort(np.concatenate(drawn))


def evenly_mixed_rows(pool: Indices, classes: ArrayLike, origin: ArrayLike, generator: np.random.Generator) -> Indices:
    """Draw rows so that in every origin all classes are equally frequent: the origin then says nothing of the class.

    Rows of the rarer classes are repeated, so that none is thrown away; origins that lack a class are left out, since
    they can only say something of it.

    Parameters
    ----------
    pool
        Rows to draw from.
    classes, origin
        (n,) names or codes.
    generator
        Source of randomness: which rows are repeated once more than others.

    Returns
    -------
    Sorted rows, some of them several times; empty if no origin holds every class.
    """
    labels, origins = np.asarray(classes)[pool], np.asarray(origin)[pool]
    drawn = []
    for name in np.unique(origins):
        cells = [pool[(origins == name) & (labels == label)] for label in np.unique(labels)]
        if all(cell.size for cell in cells):
            drawn += [np.resize(generator.permutation(cell), max(own.size for own in cells)) for cell in cells]
    return np.sort(np.concatenate(drawn)) if drawn else pool[:0]


def assigned_subjects(
    strata: ArrayLike, subject: ArrayLike, chance: ArrayLike, generator: np.random.Generator
) -> Booleans:
    """Assign a treatment at random to a set share of the subjects of every stratum.

    Parameters
    ----------
    strata
        (n,) codes or names; a subject belongs to the stratum of its first row.
    subject
        (n,) names; all rows of a subject are treated alike.
    chance
        (n,) share of the row's stratum that is treated, 0 to 1. What is left after rounding down is decided by chance.
    generator
        Source of randomness.

    Returns
    -------
    (n,) booleans.
    """
    names, first, own = np.unique(np.asarray(subject), return_index=True, return_inverse=True)
    groups, shares = joint_codes(strata)[first], np.asarray(chance, dtype=np.float64)[first]
    treated = np.zeros(names.size, dtype=bool)
    for members in members_of(groups):
        expected = members.size * shares[members[0]]
        count = int(expected) + int(generator.random() < expected - int(expected))
        treated[generator.permutation(members)[:count]] = True
    assigned: Booleans = treated[own]
    return assigned


def _cells(positive: Booleans, side: Booleans) -> NDArray[np.intp]:
    """Count side by class, (2, 2)."""
    return np.bincount(2 * side.astype(np.intp) + positive, minlength=4).reshape(2, 2)


def _level_counts(level: float, size: int) -> NDArray[np.intp]:
    """Count side by class, (2, 2), with equal margins and an association of `level`."""
    together = round(size * (1 + level) / 4)
    apart = size // 2 - together
    return np.array([[together, apart], [apart, together]], dtype=np.intp)
