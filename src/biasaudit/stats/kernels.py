"""Tests for whether the features of one class are distributed alike at every origin.

Features and maps of different folds come from different networks, which are not comparable number by
number; everything is therefore centred, compared and permuted inside folds (blocks, strata).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from biasaudit.stats.multiplicity import minimum_p
from biasaudit.stats.permutation import (
    RELATIVE_TOLERANCE,
    permutation_blocks,
)
from biasaudit.stats.strata import (
    Booleans,
    Floats,
    Indices,
    integer_codes,
    members_of,
    require_same_length,
)

STATISTICS = ("linear", "rbf", "sparse", "mmd")
"""The four statistics of `feature_difference_test`, in the order of their computation."""

WEIGHTS = (2.0, 1.0, 1.0, 1.0)
"""Weights of the four in `minimum_p`: scanners shift many features a little, which the linear classifier sees best."""

SMALLEST_SHRINKAGE = 1e-3
"""Ledoit and Wolf's intensity is kept this far from 0 and 1, where the ridge is singular or empty."""

DECORRELATION_RIDGE = 3.0
"""Ridge of the decorrelated features in units of `shrinkage_ridge`: power against sparse shifts is flat about it."""

MMD_BANDWIDTH_SHARE = 0.25
"""Squared bandwidth of the MMD as a share of the median squared distance; the classifier uses 1."""


@dataclass(frozen=True)
class FeatureTest:
    """Outcome of `feature_difference_test`.

    Attributes
    ----------
    p_value
        Combined over the four statistics; nan if there was nothing to compare.
    p_each
        p-value of each statistic, not adjusted for their number.
    statistics
        Observed statistics: `linear` and `rbf`, correlation from -1 to 1 of the leave-one-out
        score with the origin; `sparse`, sum of the fourth powers of the standardised differences of
        decorrelated features, 0 or more; `mmd`, unbiased squared maximum mean discrepancy.
    n
        Subjects that took part.
    reason
        Why `p_value` is nan or trivially 1; empty otherwise.
    """

    p_value: float
    p_each: dict[str, float]
    statistics: dict[str, float]
    n: int
    reason: str = ""


@dataclass(frozen=True)
class FeatureBlock:
    """What one block needs at each permutation.

    Attributes
    ----------
    members
        (b,) positions of its subjects.
    columns
        (b, d) decorrelated features of mean 0 and variance 1.
    linear, rbf
        (b, b) operators from centred labels to leave-one-out scores.
    similarity
        (b, b) kernel of the MMD with zero diagonal.
    """

    members: Indices
    columns: Floats
    linear: Floats
    rbf: Floats
    similarity: Floats


def standardised_columns(features: Floats) -> Floats:
    """Scale columns to mean 0 and variance 1, and drop the constant ones.

    Parameters
    ----------
    features
        (b, d) finite numbers.

    Returns
    -------
    (b, d') with d' at most d.
    """
    centred = features - features.mean(axis=0)
    spread = np.sqrt((centred**2).mean(axis=0))
    varies = spread > RELATIVE_TOLERANCE * np.maximum(1e-300, np.abs(features).max(axis=0))
    columns: Floats = centred[:, varies] / spread[varies]
    return columns


def squared_distances(columns: Floats) -> Floats:
    """Squared Euclidean distances between rows.

    Parameters
    ----------
    columns
        (b, d) numbers.

    Returns
    -------
    (b, b) distances with zero diagonal.
    """
    gram = columns @ columns.T
    norms = np.diag(gram)
    distances = np.maximum(0.0, norms[:, None] + norms[None, :] - 2 * gram)
    np.fill_diagonal(distances, 0.0)
    return distances


def median_squared_distance(distances: Floats) -> float:
    """Median heuristic for the squared bandwidth.

    Parameters
    ----------
    distances
        (b, b) squared distances, b at least 2.

    Returns
    -------
    Median over pairs; over the pairs that differ, if more than half coincide; 1 if all do.

    References
    ----------
    Gretton et al. (2012), Journal of Machine Learning Research 13:723, section 8.
    """
    pairs = distances[np.triu_indices(distances.shape[0], 1)]
    median = float(np.median(pairs))
    if median > 0:
        return median
    positive = pairs[pairs > 0]
    return float(np.median(positive)) if positive.size else 1.0


def shrinkage_ridge(gram: Floats, n_columns: int) -> float:
    """Ridge penalty that corresponds to Ledoit and Wolf's shrinkage of the covariance.

    The penalty depends on the features alone, never on the labels, so that it need not be chosen
    again under permutation.

    Parameters
    ----------
    gram
        (b, b) products Z Z' of centred features.
    n_columns
        Number of columns d of Z.

    Returns
    -------
    Penalty lambda > 0 for (Z Z' + lambda I).

    References
    ----------
    Ledoit and Wolf (2004), Journal of Multivariate Analysis 88:365.
    """
    n = gram.shape[0]
    mean_variance = float(np.trace(gram)) / (n * n_columns)
    squares = float((gram**2).sum()) / n**2
    noise = (float((np.diag(gram) ** 2).sum()) / n - squares) / (n * n_columns)
    distance = squares / n_columns - mean_variance**2
    shrinkage = noise / distance if distance > RELATIVE_TOLERANCE * mean_variance**2 else 1.0
    shrinkage = min(max(shrinkage, SMALLEST_SHRINKAGE), 1 - SMALLEST_SHRINKAGE)
    return float(n * mean_variance * shrinkage / (1 - shrinkage))


def half_rank_ridge(eigenvalues: Floats) -> float:
    """Ridge penalty at which the smoother spends half of the kernel's rank as degrees of freedom.

    Parameters
    ----------
    eigenvalues
        (b,) of the kernel, 0 or more, not all 0.

    Returns
    -------
    Penalty lambda > 0 with sum of e / (e + lambda) equal to half the number of non-zero e.

    References
    ----------
    Hastie, Tibshirani and Friedman (2009), The Elements of Statistical Learning, section 5.4.1.
    """
    positive = eigenvalues[eigenvalues > RELATIVE_TOLERANCE * eigenvalues.max()]
    low, high = float(positive.min()), float(positive.max())
    for _ in range(60):
        middle = float(np.sqrt(low * high))
        if (positive / (positive + middle)).sum() > positive.size / 2:
            low = middle
        else:
            high = middle
    return float(np.sqrt(low * high))


def leave_one_out_operator(eigenvalues: Floats, vectors: Floats, ridge: float) -> Floats:
    """Linear map from labels to leave-one-out scores of kernel ridge regression, in closed form.

    Parameters
    ----------
    eigenvalues, vectors
        (b,) and (b, b) of the kernel.
    ridge
        Penalty > 0.

    Returns
    -------
    (b, b) operator A of zero diagonal: A y holds, for each subject, the prediction of the
    regression (without intercept) fitted to all others.

    References
    ----------
    Cawley and Talbot (2003), Pattern Recognition 36:2585; Hastie et al. (2009), section 7.10.
    """
    weights = np.maximum(eigenvalues, 0.0)
    weights = weights / (weights + ridge)
    hat = (vectors * weights) @ vectors.T
    leverage = np.diag(hat).copy()
    np.fill_diagonal(hat, 0.0)
    return hat / (1 - leverage)[:, None]


def decorrelated_columns(columns: Floats, eigenvalues: Floats, vectors: Floats, ridge: float) -> Floats:
    """Each feature with what the others predict of it removed, up to a ridge.

    A shift of a few correlated features stands out of the noise that they share with the others only after
    that noise has been predicted and removed.

    Parameters
    ----------
    columns
        (b, d) features Z of mean 0.
    eigenvalues, vectors
        (b,) and (b, b) of Z Z'.
    ridge
        Penalty lambda > 0.

    Returns
    -------
    (b, d') columns of (Z Z' + lambda I)^-1 Z = Z (Z' Z + lambda I)^-1, scaled to variance 1.

    References
    ----------
    Cai, Liu and Xia (2014), Journal of the Royal Statistical Society B 76:349 (features times the
    precision matrix, against sparse shifts).
    """
    inverse = (vectors / (np.maximum(eigenvalues, 0.0) + ridge)) @ vectors.T
    return standardised_columns(inverse @ columns)


def feature_block(features: Floats, members: Indices) -> FeatureBlock | None:
    """Prepare one block: everything that does not depend on the labels.

    Parameters
    ----------
    features
        (n, d) finite features of all subjects.
    members
        (b,) positions of the block's subjects, at least 4 of them.

    Returns
    -------
    FeatureBlock, or None if all its columns are constant.
    """
    columns = standardised_columns(features[members])
    if columns.shape[1] == 0:
        return None
    gram = columns @ columns.T
    spectrum, ridge = np.linalg.eigh(gram), shrinkage_ridge(gram, columns.shape[1])
    distances = squared_distances(columns)
    median = median_squared_distance(distances)
    similarity = np.exp(-distances / (MMD_BANDWIDTH_SHARE * median))
    np.fill_diagonal(similarity, 0.0)
    return FeatureBlock(
        members,
        decorrelated_columns(columns, *spectrum, DECORRELATION_RIDGE * ridge),
        leave_one_out_operator(*spectrum, ridge),
        _rbf_operator(np.exp(-distances / median)),
        similarity,
    )


def _rbf_operator(kernel: Floats) -> Floats:
    centred = kernel - kernel.mean(axis=0) - kernel.mean(axis=1)[:, None] + kernel.mean()
    eigenvalues, vectors = np.linalg.eigh(centred)
    return leave_one_out_operator(eigenvalues, vectors, half_rank_ridge(eigenvalues))


def fourth_powers(columns: Floats, indicators: Floats) -> Floats:
    """Sum over columns of the fourth power of the standardised difference of means.

    Between the sum of squares, which many small differences move, and the maximum, which one large
    difference moves.

    Parameters
    ----------
    columns
        (b, d) features of mean 0 and variance 1.
    indicators
        (m, b) zeros and ones, each row with the same number of ones.

    Returns
    -------
    (m,) sums of (sum in the group / its permutation standard deviation) ** 4.

    References
    ----------
    Xu, Lin, Wei and Pan (2016), Biometrika 103:609 (sums of powers as two-sample statistics).
    """
    n, size = columns.shape[0], indicators[0].sum()
    squares = (indicators @ columns) ** 2 * ((n - 1) / (size * (n - size)))
    sums: Floats = (squares**2).sum(axis=1)
    return sums


def squared_mmd(similarity: Floats, indicators: Floats) -> Floats:
    """Unbiased squared maximum mean discrepancy between a group and the rest.

    Parameters
    ----------
    similarity
        (b, b) kernel with zero diagonal.
    indicators
        (m, b) zeros and ones; at least two of each, and the same number in each row.

    Returns
    -------
    (m,) values, about 0 (also below) if the distributions are the same.

    References
    ----------
    Gretton et al. (2012), Journal of Machine Learning Research 13:723, equation 3.
    """
    size = indicators[0].sum()
    rest = similarity.shape[0] - size
    inside = np.einsum("mi,mi->m", indicators @ similarity, indicators)
    touching = indicators @ similarity.sum(axis=1)
    outside = similarity.sum() - 2 * touching + inside
    discrepancy: Floats = (
        inside / (size * (size - 1)) + outside / (rest * (rest - 1)) - 2 * (touching - inside) / (size * rest)
    )
    return discrepancy


def _one_versus_rest(labels: Indices, origin: int, blocks: list[FeatureBlock]) -> Floats:
    """Compute the four statistics (m, 4) of one origin against the others, labels (m, n)."""
    products, squares = np.zeros((labels.shape[0], 2)), np.zeros((labels.shape[0], 2))
    label_square, weight = 0.0, 0
    statistics = np.zeros((labels.shape[0], len(STATISTICS)))
    for block in blocks:
        indicators = (labels[:, block.members] == origin).astype(np.float64)
        share = float(indicators[0].mean())
        if share in (0.0, 1.0):
            continue
        size = block.members.size
        centred = indicators - share
        for column, operator in enumerate((block.linear, block.rbf)):
            scores = centred @ operator.T
            products[:, column] += np.einsum("mi,mi->m", scores, centred)
            squares[:, column] += np.einsum("mi,mi->m", scores, scores)
        label_square += size * share * (1 - share)
        statistics[:, 2] += fourth_powers(block.columns, indicators)
        statistics[:, 3] += size * squared_mmd(block.similarity, indicators)
        weight += size
    scale = np.sqrt(squares * label_square)
    statistics[:, :2] = np.divide(products, scale, out=np.zeros_like(products), where=scale > 0)
    statistics[:, 3] /= max(weight, 1)
    return statistics


def feature_statistics(labels: Indices, n_origins: int, blocks: list[FeatureBlock]) -> Floats:
    """Statistics of `feature_difference_test` for many arrangements of the origins.

    Parameters
    ----------
    labels
        (m, n) origin codes, each row a permutation inside blocks of the others.
    n_origins
        Number of origins k.
    blocks
        The prepared blocks.

    Returns
    -------
    (m, 4) in the order of `STATISTICS`: one-versus-rest values averaged over origins. Two origins
    mirror each other, and one of them is enough.
    """
    contrasts = range(1) if n_origins == 2 else range(n_origins)
    values = [_one_versus_rest(labels, origin, blocks) for origin in contrasts]
    statistics: Floats = np.mean(values, axis=0)
    return statistics


def _comparable(origin: Indices, blocks: Indices) -> Booleans:
    """Subjects whose origin has two members in their block, in blocks with two such origins."""
    used = np.zeros(origin.size, dtype=bool)
    for members in members_of(blocks):
        counts = np.bincount(origin[members])
        if (counts > 1).sum() > 1:
            used[members] = counts[origin[members]] > 1
    return used


def feature_difference_test(
    features: ArrayLike,
    origin: ArrayLike,
    blocks: ArrayLike,
    n_permutations: int,
    generator: np.random.Generator,
) -> FeatureTest:
    """Test whether features of one class are distributed differently between origins.

    Four statistics share one set of permutations inside blocks and are combined by `minimum_p` with
    `WEIGHTS`, because no single one wins: a linear kernel-ridge classifier (dense shifts of the mean), an RBF
    kernel-ridge classifier (curved boundaries, covariance), the fourth powers of differences of
    decorrelated features (sparse shifts) and the MMD (spread). Classifiers are scored by the correlation of
    their leave-one-out scores with the origin.

    Parameters
    ----------
    features
        (n, d) finite features of subjects of ONE class.
    origin
        (n,) origin names or codes.
    blocks
        (n,) fold codes: the network that made the features.
    n_permutations
        Number of permutations m.
    generator
        Source of randomness.

    Returns
    -------
    FeatureTest
        p = nan with a reason if no block holds two origins of two subjects each; p = 1 if all
        features are constant. An origin with a single subject in a block is left out there.

    Raises
    ------
    ValueError
        If features are not finite or the lengths differ.

    Notes
    -----
    Penalties and bandwidths follow from the features alone: Ledoit and Wolf's shrinkage for the
    linear ridge; half the kernel's rank as degrees of freedom for the RBF ridge, its squared
    bandwidth the median squared distance; a quarter of that for the MMD, so that the two kernels
    look at two scales. Cost per permutation and block of b subjects: 3 b^2 + b d products per
    contrast; memory 3 b^2 + b d numbers.

    Measured at n = 100, d = 64, one block, 199 permutations, on the generators of tests/calibration
    (3 500 runs each): size .053; power .78 dense, .81 sparse, .44 scale, .83 covariance.

    References
    ----------
    DESIGN.md section 5, A1/U2/U3; Westfall and Young (1993); Gretton et al. (2012); Kim et al.
    (2021), Annals of Statistics 49:411 (classification accuracy as a two-sample test).
    """
    values, origins, codes = _checked_features(features, origin, blocks)
    used = _comparable(origins, codes)
    if not used.any():
        unmade = dict.fromkeys(STATISTICS, float("nan"))
        reason = "no block holds two origins of two subjects each"
        return FeatureTest(float("nan"), unmade, dict(unmade), 0, reason)
    values, origins, codes = values[used], integer_codes(origins[used]), codes[used]
    prepared = [feature_block(values, members) for members in members_of(codes)]
    parts = [block for block in prepared if block is not None]
    if not parts:
        ones, zeros = dict.fromkeys(STATISTICS, 1.0), dict.fromkeys(STATISTICS, 0.0)
        return FeatureTest(1.0, ones, zeros, int(used.sum()), "all features are constant")
    n_origins = int(origins.max()) + 1
    width = 6 + values.shape[1] // values.shape[0]
    indices = permutation_blocks(codes, n_permutations, generator, width)
    observed = feature_statistics(origins[None, :], n_origins, parts)[0]
    null = np.concatenate([feature_statistics(origins[block], n_origins, parts) for block in indices])
    combined, each = minimum_p(observed, null, WEIGHTS)
    p_each = dict(zip(STATISTICS, each.tolist(), strict=True))
    return FeatureTest(combined, p_each, dict(zip(STATISTICS, observed.tolist(), strict=True)), int(used.sum()))


def _checked_features(features: ArrayLike, origin: ArrayLike, blocks: ArrayLike) -> tuple[Floats, Indices, Indices]:
    values = np.asarray(features, dtype=np.float64)
    if values.ndim != 2:
        raise ValueError(f"features must have shape (n, d), got {values.shape}")
    bad = np.argwhere(~np.isfinite(values))
    if bad.size:
        raise ValueError(f"features hold {len(bad)} values that are not finite, the first at {tuple(bad[0])}")
    origins, codes = integer_codes(origin), integer_codes(blocks)
    require_same_length(features=values, origin=origins, blocks=codes)
    return values, origins, codes
