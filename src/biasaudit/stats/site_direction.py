"""Take the direction of the origin out of hidden features, and ask how well the logit still tells the classes apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from biasaudit.stats.effects import auc_many
from biasaudit.stats.permutation import p_value, permutation_blocks
from biasaudit.stats.strata import Booleans, Floats, Indices, centre_within, integer_codes, joint_codes, members_of

__all__ = ["DirectionLoss", "auc_without_origin"]

PARTS = 4
"""Parts of a fold: the direction that is taken out of one of them is learnt from the others."""

FEWEST = 3
"""Subjects of an origin, among those that the direction is learnt from, below which it has no mean."""

_FEWEST_OF_CLASS = 2
"""Subjects of one class from each of two origins that a fold must hold."""

_SMALLEST = 1e-6
"""Squared length, as a share of the largest, below which a direction of the subspace is none."""


@dataclass(frozen=True)
class DirectionLoss:
    """Outcome of `auc_without_origin`.

    Attributes
    ----------
    auc
        Mean over folds of the AUC of the logits as they are, 0 to 1.
    without
        The same after the direction of the origin was taken out.
    by_chance
        The same after a direction was taken out that chance gave: mean over permuted origins.
    p_value
        One-sided: that as much of the AUC goes with origins permuted inside classes and folds.
    n
        Subjects of the folds that took part.
    """

    auc: float
    without: float
    by_chance: float
    p_value: float
    n: int

    @property
    def loss(self) -> float:
        """How much more of the AUC goes with the origin's direction than with one of chance."""
        return self.by_chance - self.without


def auc_without_origin(
    features: ArrayLike,
    gradients: ArrayLike,
    logits: ArrayLike,
    positive: ArrayLike,
    classes: ArrayLike,
    origin: ArrayLike,
    folds: ArrayLike,
    n_permutations: int,
    generator: np.random.Generator,
) -> DirectionLoss:
    """AUC of the logits before and after the features' origin direction is projected out.

    Features x are moved to x - P (x - mean), P the orthogonal projection onto the origins' mean deviations from their
    class. The logit follows to first order: it loses g . P (x - mean), g the fold's mean gradient. This is exact where
    the layer's mean over space feeds a linear output, and the network's own decision everywhere else, to first order;
    no new classifier is fitted. P is learnt inside the fold, from subjects that it is not applied to.

    Parameters
    ----------
    features
        (n, d) spatial means of a layer's channels.
    gradients
        (n, d) the logit's gradient to the channels, summed over space.
    logits
        (n,) held-out logits.
    positive
        (n,) booleans.
    classes
        (n,) classes inside which origins are compared and permuted: finer than `positive` where a side holds several.
    origin, folds
        (n,) names or codes; a fold is one network.
    n_permutations
        Number of permutations m.
    generator
        Source of randomness.

    Returns
    -------
    DirectionLoss
        All nan, n = 0, if no fold holds both sides of `positive` and two origins of one class.

    References
    ----------
    Ravfogel et al. (2020), doi:10.18653/v1/2020.acl-main.647, for taking a direction out of hidden features by
    projection; Kim et al. (2018), ICML, for the slope of the logit along one.
    """
    values, slopes = np.asarray(features, dtype=np.float64), np.asarray(gradients, dtype=np.float64)
    scores, truth = np.asarray(logits, dtype=np.float64), np.asarray(positive, dtype=bool)
    members, blocks, origins = (integer_codes(own) for own in (classes, folds, origin))
    strata = joint_codes(blocks, members)
    parts = _parts(joint_codes(strata, origins), generator)
    asked = [
        _Fold(rows, values[rows], slopes[rows], scores[rows], truth[rows], members[rows], parts[rows])
        for rows in members_of(blocks)
        if _can_be_asked(truth[rows], members[rows], origins[rows])
    ]
    if not asked:
        return DirectionLoss(float("nan"), float("nan"), float("nan"), float("nan"), 0)
    before = float(np.mean([auc_many(own.logits[None], own.positive)[0] for own in asked]))
    without = float(_areas(asked, origins[None])[0])
    drawn = permutation_blocks(strata, n_permutations, generator, width=PARTS * (int(origins.max()) + 1))
    null = np.concatenate([_areas(asked, origins[indices]) for indices in drawn])
    count = sum(own.rows.size for own in asked)
    return DirectionLoss(before, without, float(null.mean()), p_value(-without, -null), count)


@dataclass(frozen=True)
class _Fold:
    """The subjects of one fold; arrays as in `auc_without_origin`, and the part of every subject."""

    rows: Indices
    features: Floats
    gradients: Floats
    logits: Floats
    positive: Booleans
    classes: Indices
    parts: Indices


def _areas(asked: Sequence[_Fold], origins: Indices) -> Floats:
    """AUC without the origin's direction, mean over folds: (m,) for (m, n) origins."""
    areas = [
        auc_many(
            own.logits - removed_from_logits(own.features, own.gradients, own.classes, origins[:, own.rows], own.parts),
            own.positive,
        )
        for own in asked
    ]
    return np.asarray(np.mean(areas, axis=0))


def removed_from_logits(values: Floats, slopes: Floats, classes: Indices, labels: Indices, parts: Indices) -> Floats:
    """Part of the logits of one fold that lies along the origins' directions, (m, n) for (m, n) origins.

    Parameters
    ----------
    values, slopes
        (n, d) features and gradients.
    classes, parts
        (n,) codes.
    labels
        (m, n) codes of the origins, one row per arrangement.
    """
    centred, slope = values - values.mean(axis=0), slopes.mean(axis=0)
    removed = np.zeros(labels.shape)
    for part in np.unique(parts):
        known, held = parts != part, parts == part
        # Everything is said of inner products between subjects, so that wide layers cost no more than narrow ones.
        apart = centre_within(values[known], integer_codes(classes[known]))
        means = _mean_weights(labels[:, known], int(labels.max()) + 1)
        among = means @ (apart @ apart.T) @ means.transpose(0, 2, 1)
        along = means @ (apart @ slope)
        inverse = np.linalg.pinv(among, rcond=_SMALLEST, hermitian=True)
        weights = np.einsum("mk,mkl->ml", along, inverse)
        removed[:, held] = np.einsum("ml,mlh->mh", weights, means @ (apart @ centred[held].T))
    return removed


def _mean_weights(labels: Indices, n_origins: int) -> Floats:
    """Weights (m, k, n) that give the mean of every origin; 0 of an origin with too few."""
    own = (labels[:, None, :] == np.arange(n_origins)[None, :, None]).astype(np.float64)
    counts = own.sum(axis=2, keepdims=True)
    return np.asarray(np.divide(own, counts, out=np.zeros_like(own), where=counts >= FEWEST))


def _can_be_asked(truth: Booleans, classes: Indices, origins: Indices) -> bool:
    """Whether a fold holds both sides, and two origins of one class that can have means."""
    if truth.all() or not truth.any():
        return False
    counts = [np.bincount(origins[classes == code]) for code in np.unique(classes)]
    return any((own >= _FEWEST_OF_CLASS).sum() > 1 for own in counts)


def _parts(cells: Indices, generator: np.random.Generator) -> Indices:
    """Deal the subjects of every cell out over the parts, (n,)."""
    parts = np.empty(cells.size, dtype=np.intp)
    for rows in members_of(cells):
        parts[generator.permutation(rows)] = (np.arange(rows.size) + generator.integers(PARTS)) % PARTS
    return parts
