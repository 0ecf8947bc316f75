"""Measure how far the logit answers to a shift of a layer's features along a direction."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from biasaudit.stats.permutation import p_value, permutation_indices
from biasaudit.stats.strata import Floats, Indices, indicator_matrix, integer_codes, joint_codes, members_of

__all__ = ["ConceptEffect", "class_effect", "origin_effect_along_features"]


@dataclass(frozen=True)
class ConceptEffect:
    """Outcome of `origin_effect_along_features`.

    Attributes
    ----------
    effect
        Root mean square over pairs of origins of the first-order change of the logit when the features move from one
        origin's mean to the other's, less what sampling adds; 0 or more, in logits.
    p_value
        Against origins permuted inside blocks.
    share
        TCAV score of the largest pair: share of subjects whose logit grows along the direction; nan without a pair.
    n
        Subjects that took part.
    """

    effect: float
    p_value: float
    share: float
    n: int


def origin_effect_along_features(
    features: ArrayLike,
    gradients: ArrayLike,
    origin: ArrayLike,
    blocks: ArrayLike,
    n_permutations: int,
    generator: np.random.Generator,
) -> ConceptEffect:
    """Sensitivity of the logit along the direction from one origin to another, inside one class.

    The direction v is the difference of the origins' mean features. A subject's logit changes along it by g . v to
    first order, g the sum over space of the logit's gradient to the layer (the derivative to a shift of a channel
    everywhere). With mean gradients this is the difference between origins of the projections features . mean g, so
    that permutations cost nothing.

    Parameters
    ----------
    features
        (n, d) spatial means of a layer's channels, subjects of ONE class.
    gradients
        (n, d) the logit's gradient to the channels, summed over space.
    origin
        (n,) names or codes.
    blocks
        (n,) codes: the network that made both.
    n_permutations
        Number of permutations m.
    generator
        Source of randomness.

    Returns
    -------
    ConceptEffect

    References
    ----------
    Kim et al. (2018), Interpretability beyond feature attribution: TCAV, ICML; directions from differences of means
    instead of classifiers' normals: Martin and Weller (2019), and here because their length is what an origin moves.
    """
    values, slopes = np.asarray(features, dtype=np.float64), np.asarray(gradients, dtype=np.float64)
    origins, folds = integer_codes(origin), integer_codes(blocks)
    n_origins = int(origins.max(initial=0)) + 1
    projected = np.zeros(origins.size)
    for members in members_of(folds):
        projected[members] = (values[members] - values[members].mean(axis=0)) @ slopes[members].mean(axis=0)
    orders = permutation_indices(folds, n_permutations, generator)
    labels = np.vstack([origins[None], origins[orders]])
    squares, differences = _pair_squares(projected, labels, folds, n_origins)
    if not np.isfinite(squares[0]):
        return ConceptEffect(float("nan"), float("nan"), float("nan"), 0)
    effect = float(np.sqrt(max(0.0, squares[0] - squares[1:].mean())))
    first, second = np.unravel_index(int(np.nanargmax(np.abs(differences))), differences.shape)
    # From the first origin of the pair that differs most to the second.
    ends = np.where(origins == second, 1, np.where(origins == first, -1, 0))
    share = _growing_share(values, slopes, ends, folds)
    return ConceptEffect(effect, p_value(squares[0], squares[1:]), share, origins.size)


def class_effect(
    features: ArrayLike, gradients: ArrayLike, positive: ArrayLike, strata: ArrayLike, blocks: ArrayLike
) -> float:
    """First-order change of the logit from the negative to the positive class's mean features, inside strata.

    Parameters
    ----------
    features, gradients
        (n, d) as in `origin_effect_along_features`, of both classes.
    positive
        (n,) booleans.
    strata
        (n,) codes inside which classes are compared: the origins where each holds both classes, else one code.
    blocks
        (n,) codes of the networks.

    Returns
    -------
    float
        Logits; nan if no stratum holds both classes.
    """
    values, slopes = np.asarray(features, dtype=np.float64), np.asarray(gradients, dtype=np.float64)
    truth, folds = np.asarray(positive, dtype=bool), integer_codes(blocks)
    steps, weights = [], []
    for members in members_of(folds):
        mean_slope = slopes[members].mean(axis=0)
        for rows in members_of(joint_codes(folds[members], integer_codes(strata)[members])):
            own = members[rows]
            ill, well = own[truth[own]], own[~truth[own]]
            if ill.size and well.size:
                steps.append(float((values[ill].mean(axis=0) - values[well].mean(axis=0)) @ mean_slope))
                weights.append(1 / (1 / ill.size + 1 / well.size))
    return float(np.average(steps, weights=weights)) if steps else float("nan")


def _pair_squares(projected: Floats, labels: Indices, folds: Indices, n_origins: int) -> tuple[Floats, Floats]:
    """Mean squared difference (m,) over pairs of origins, each averaged over blocks, and the first row's pairs."""
    sums = np.zeros((labels.shape[0], n_origins, n_origins))
    weights = np.zeros((n_origins, n_origins))
    for members in members_of(folds):
        codes = labels[:, members]
        counts = indicator_matrix(codes[0], n_origins).sum(axis=0)
        totals = np.stack([np.where(codes == k, projected[members], 0.0).sum(axis=1) for k in range(n_origins)], axis=1)
        means = np.divide(totals, counts, out=np.zeros_like(totals), where=counts > 0)
        both = np.outer(counts > 0, counts > 0) * members.size
        sums += both * (means[:, None, :] - means[:, :, None])
        weights += both
    known = np.triu(weights > 0, 1)
    if not known.any():
        return np.full(labels.shape[0], np.nan), np.full((n_origins, n_origins), np.nan)
    differences = np.where(known, sums / np.where(weights > 0, weights, 1), np.nan)
    squares: Floats = np.nanmean(differences.reshape(len(labels), -1) ** 2, axis=1)
    return squares, differences[0]


def _growing_share(values: Floats, slopes: Floats, ends: Indices, folds: Indices) -> float:
    """Share of subjects whose logit grows from the mean of the rows with end -1 to that of those with end 1."""
    grows = []
    for members in members_of(folds):
        first, second = (members[ends[members] == end] for end in (-1, 1))
        if first.size and second.size:
            grows.append(slopes[members] @ (values[second].mean(axis=0) - values[first].mean(axis=0)) > 0)
    return float(np.concatenate(grows).mean())
