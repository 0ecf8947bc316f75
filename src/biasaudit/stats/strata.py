"""Integer codes and means of groups: the bookkeeping that every stratified statistic needs."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]
Booleans = NDArray[np.bool_]


@dataclass(frozen=True)
class HeldFixed:
    """Labels and covariates that a comparison of subjects holds fixed.

    Attributes
    ----------
    strata
        (n,) codes or names: subjects of different strata are never compared, and never exchanged.
    covariates
        (n,) or (n, c) numbers whose effect is removed; None: none.
    groups
        (n,) unions of strata that share the slopes of their covariates, such as classes; by default every stratum has
        its own.
    """

    strata: ArrayLike
    covariates: ArrayLike | None = None
    groups: ArrayLike | None = None


def integer_codes(values: ArrayLike) -> Indices:
    """Code the distinct values 0, 1, ... in sorted order.

    Parameters
    ----------
    values
        (n,) strings, integers or booleans; anything else is compared by its text.

    Returns
    -------
    (n,) codes from 0 to the number of distinct values minus 1.

    Raises
    ------
    ValueError
        If `values` is not one-dimensional.
    """
    array = np.asarray(values)
    if array.ndim != 1:
        raise ValueError(f"group labels must have shape (n,), got {array.shape}")
    if array.dtype.kind not in "biuU":
        array = array.astype(str)
    return np.unique(array, return_inverse=True)[1].astype(np.intp)


def joint_codes(*labels: ArrayLike) -> Indices:
    """Code the distinct combinations of several group labels.

    Parameters
    ----------
    *labels
        One or more (n,) label arrays of equal length.

    Returns
    -------
    (n,) codes of the combinations that occur.
    """
    combined = integer_codes(labels[0])
    for label in labels[1:]:
        codes = integer_codes(label)
        combined = integer_codes(combined * (codes.max(initial=0) + 1) + codes)
    return combined


def split_strata(strata: ArrayLike, levels: ArrayLike, smallest: int) -> tuple[Indices, int]:
    """Split strata by the levels of a category, as far as the parts are large enough.

    Parameters
    ----------
    strata
        (n,) codes or names.
    levels
        (n,) codes or names.
    smallest
        Subjects that a part needs; those of a smaller one join the largest part of their stratum.

    Returns
    -------
    codes
        (n,) codes of the parts.
    merged
        Number of subjects who joined another part.
    """
    codes, parts = integer_codes(strata), integer_codes(levels)
    require_same_length(strata=codes, levels=parts)
    kept = parts.copy()
    for members in members_of(codes):
        counts = np.bincount(parts[members])
        small = counts[parts[members]] < smallest
        kept[members[small]] = counts.argmax()
    return joint_codes(codes, kept), int((kept != parts).sum())


def members_of(codes: Indices) -> Iterator[Indices]:
    """Yield, group by group, the positions of a group's members.

    Parameters
    ----------
    codes
        (n,) integer codes.

    Yields
    ------
    (n_group,) positions in increasing order.
    """
    order = np.argsort(codes, kind="stable")
    starts = np.flatnonzero(np.diff(codes[order])) + 1
    yield from (group for group in np.split(order, starts) if group.size)


def indicator_matrix(codes: Indices, n_groups: int | None = None) -> Floats:
    """One column of zeros and ones per group.

    Parameters
    ----------
    codes
        (n,) integer codes.
    n_groups
        Number of columns; by default the largest code plus 1.

    Returns
    -------
    (n, n_groups) indicators.
    """
    columns = int(codes.max(initial=-1)) + 1 if n_groups is None else n_groups
    indicators: Floats = (codes[:, None] == np.arange(columns)).astype(np.float64)
    return indicators


def centre_within(values: Floats, codes: Indices) -> Floats:
    """Subtract from each row the mean of its group.

    Parameters
    ----------
    values
        (n,) or (n, c) finite values.
    codes
        (n,) integer codes.

    Returns
    -------
    A new array of the shape of `values`, of mean 0 in every group.
    """
    centred = np.array(values, dtype=np.float64)
    for group in members_of(codes):
        centred[group] -= centred[group].mean(axis=0)
    return centred


def vector_without_nan(values: ArrayLike, name: str) -> Floats:
    """Read a vector of numbers and refuse NaN.

    Parameters
    ----------
    values
        (n,) numbers; infinite values are allowed.
    name
        What the values are, for the message.

    Returns
    -------
    (n,) floats.

    Raises
    ------
    ValueError
        If `values` is not one-dimensional or holds NaN; the message names the first position.
    """
    vector = np.asarray(values, dtype=np.float64)
    if vector.ndim != 1:
        raise ValueError(f"{name} must have shape (n,), got {vector.shape}")
    bad = np.flatnonzero(np.isnan(vector))
    if bad.size:
        raise ValueError(
            f"{name} hold {bad.size} NaN of {vector.size} values, the first at position {bad[0]}; "
            "leave these subjects out and say so, or repair the source"
        )
    return vector


def require_same_length(**arrays: NDArray[np.generic] | Floats | Indices | Booleans) -> None:
    """Refuse arrays whose first axes differ.

    Parameters
    ----------
    **arrays
        Arrays by the name to print.

    Raises
    ------
    ValueError
        If the lengths differ; the message lists them all.
    """
    lengths = {name: array.shape[0] for name, array in arrays.items()}
    if len(set(lengths.values())) > 1:
        listed = ", ".join(f"{name}: {length}" for name, length in lengths.items())
        raise ValueError(f"arrays must describe the same subjects, got lengths {listed}")


def informative_subjects(origin: Indices, strata: Indices) -> Booleans:
    """Subjects of strata that hold at least two origins.

    Parameters
    ----------
    origin, strata
        (n,) integer codes.

    Returns
    -------
    (n,) booleans.
    """
    used = np.zeros(origin.size, dtype=bool)
    for members in members_of(strata):
        used[members] = np.unique(origin[members]).size > 1
    return used
