"""How much of the class gap goes with what lies outside of the disease field."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from biasaudit.stats.intervals import Resampled, weight_blocks
from biasaudit.stats.strata import Booleans, Floats, integer_codes, require_same_length, vector_without_nan

__all__ = ["mimicry_share", "transplant_share"]


def transplant_share(
    full: ArrayLike,
    transplanted: ArrayLike,
    donors: ArrayLike,
    positive: ArrayLike,
    groups: ArrayLike,
    n_bootstraps: int,
    generator: np.random.Generator,
) -> Resampled:
    """Share of the class gap that moves with the frame, beyond frames of the own class, mean of both directions.

    Of every subject: the margin with frames of the other class less that with frames of its own, averaged over
    donors, counted positive where it goes to the other class. A resample draws subjects as receivers and as donors
    alike, since a donor's peculiarities are shared by all that get its frame. A receiver none of whose donors was
    drawn is left out of that resample.

    Parameters
    ----------
    full
        (n,) margins of the images as they are.
    transplanted
        (n, 2, k) margins with the frames of donors of the other and of the own class.
    donors
        (n, 2, k) places of the donors among the n.
    positive
        (n,) booleans: patients.
    groups
        (n,) groups inside which subjects are resampled: class x fold.
    n_bootstraps
        Number of resamples B.
    generator
        Source of randomness.

    Returns
    -------
    Resampled
        nan where there is no class gap.

    Raises
    ------
    ValueError
        If margins hold NaN or the lengths differ.

    References
    ----------
    Both roles of a subject at once, as in U-statistics: Arcones and Gine (1992), doi:10.1214/aos/1176348650.
    """
    margins, truth = vector_without_nan(full, "full"), np.asarray(positive, dtype=bool)
    edited, places = np.asarray(transplanted, dtype=np.float64), np.asarray(donors, dtype=np.intp)
    if np.isnan(edited).any():
        raise ValueError("transplanted holds NaN")
    require_same_length(full=margins, transplanted=edited, donors=places, positive=truth, groups=integer_codes(groups))
    once = np.ones((1, margins.size))
    estimate = _transplant_shares(once, margins, edited, places, truth)[0]
    blocks = weight_blocks(groups, n_bootstraps, generator, edited[0].size)
    draws = [_transplant_shares(weights.astype(np.float64), margins, edited, places, truth) for weights in blocks]
    return Resampled(float(estimate), np.concatenate(draws))


def mimicry_share(
    target: ArrayLike,
    mimic: ArrayLike,
    positive: ArrayLike,
    groups: ArrayLike,
    n_bootstraps: int,
    generator: np.random.Generator,
) -> Resampled:
    """Share of the target's class gap that a network which sees the frame alone accounts for, by the healthy.

    Inside the healthy the target's margin is regressed on the other network's, both less their mean in the fold; that
    slope times the other network's class gap is what the target's gap would be if it answered to the frame alone.

    Parameters
    ----------
    target, mimic
        (n,) held-out margins of both networks.
    positive
        (n,) booleans: patients.
    groups
        (n,) groups inside which subjects are resampled and margins centred: class x fold.
    n_bootstraps
        Number of resamples B.
    generator
        Source of randomness.

    Returns
    -------
    Resampled
        nan where there is no class gap, or the other network says the same of all the healthy.

    Raises
    ------
    ValueError
        If margins hold NaN or the lengths differ.
    """
    first, second = vector_without_nan(target, "target"), vector_without_nan(mimic, "mimic")
    truth, codes = np.asarray(positive, dtype=bool), integer_codes(groups)
    require_same_length(target=first, mimic=second, positive=truth, groups=codes)
    estimate = _mimicry_shares(np.ones((1, first.size)), first, second, truth, codes)[0]
    blocks = weight_blocks(groups, n_bootstraps, generator)
    draws = [_mimicry_shares(weights.astype(np.float64), first, second, truth, codes) for weights in blocks]
    return Resampled(float(estimate), np.concatenate(draws))


def _transplant_shares(
    weights: Floats, full: Floats, edited: Floats, donors: NDArray[np.intp], truth: Booleans
) -> Floats:
    """Shares (b,) under weights (b, n)."""
    drawn = weights[:, donors]
    total = drawn.sum(axis=3)
    means = np.divide((drawn * edited).sum(axis=3), total, out=np.full(total.shape, np.nan), where=total > 0)
    moved = np.where(truth, -1.0, 1.0) * (means[:, :, 0] - means[:, :, 1])
    known = np.isfinite(moved)
    moved, counted = np.where(known, moved, 0.0), weights * known
    both = _mean(counted, moved, truth) + _mean(counted, moved, ~truth)
    return _ratio(both / 2, _mean(weights, full, truth) - _mean(weights, full, ~truth))


def _mimicry_shares(weights: Floats, target: Floats, mimic: Floats, truth: Booleans, codes: NDArray[np.intp]) -> Floats:
    """Shares (b,) under weights (b, n)."""
    first, second = (_centred(weights, values, codes) for values in (target, mimic))
    healthy = weights[:, ~truth]
    product = (healthy * first[:, ~truth] * second[:, ~truth]).sum(axis=1)
    slope = _ratio(product, (healthy * second[:, ~truth] ** 2).sum(axis=1))
    gaps = [_mean(weights, values, truth) - _mean(weights, values, ~truth) for values in (mimic, target)]
    return _ratio(slope * gaps[0], gaps[1])


def _centred(weights: Floats, values: Floats, codes: NDArray[np.intp]) -> Floats:
    """Values less their weighted mean in the group, (b, n)."""
    result = np.tile(values, (len(weights), 1))
    for code in np.unique(codes):
        own = codes == code
        result[:, own] -= _mean(weights, values, own)[:, None]
    return result


def _mean(weights: Floats, values: Floats, rows: Booleans) -> Floats:
    """Weighted mean of some rows of values (n,) or (b, n); (b,), nan where no weight is left."""
    own = weights[:, rows]
    return _ratio((own * values[..., rows]).sum(axis=1), own.sum(axis=1))


def _ratio(above: Floats, below: Floats) -> Floats:
    usable = np.isfinite(below) & (below != 0)
    result: Floats = np.divide(above, below, out=np.full(np.shape(below), np.nan), where=usable)
    return result
