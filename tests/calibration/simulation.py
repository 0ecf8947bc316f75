"""Generators of FIELD.md and binomial bounds, shared by the calibration tests."""

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.stats import binom


def score_cohort(n, bias, association, generator, saturated=False):
    """Logits (n,), label (n,), origin (n,): origin follows the label, `bias` follows the origin."""
    label = np.repeat([0, 1], n // 2)
    origin = np.where(generator.random(n) < 0.5 + association / 2, label, 1 - label)
    scores = 1.2 * (2 * label - 1) + bias * (2 * origin - 1) + generator.standard_normal(n)
    return (1 / (1 + np.exp(-3 * scores)) if saturated else scores), label, origin


def feature_cohort(kind, n, d, generator):
    """Features (n, d) and origin (n,); `kind` of difference: none, dense, sparse, scale, covariance."""
    k, factor, half = min(20, d // 4), np.sqrt(200 / n), n // 2
    loadings = 0.7 * generator.standard_normal((k, d)) / np.sqrt(k)
    hidden = generator.standard_normal((n, k))
    linear = hidden @ loadings
    if kind == "covariance":
        linear[half:] = hidden[half:] @ (loadings * generator.choice([-1, 1], d))
    features = np.logaddexp(0, linear + 0.7 * generator.standard_normal((n, d)))
    spread = features.std(axis=0)
    if kind == "dense":
        features[half:] += 0.2 * factor * 4 * spread * generator.choice([-1, 1], d) / np.sqrt(d)
    if kind == "sparse":
        columns = generator.choice(d, 3, replace=False)
        features[half:, columns] += 0.42 * factor * spread[columns]
    if kind == "scale":
        mean = features[half:].mean(axis=0)
        features[half:] = mean + (features[half:] - mean) * (1 + 0.35 * 0.22 * factor)
    return features, np.repeat([0, 1], half)


def rejection_rate(p_values, alpha=0.05):
    return float(np.mean(np.asarray(p_values) <= alpha))


def plausible_rates(probability, n, two_sided_error=1e-3):
    """Rates that `n` runs show but for `two_sided_error`, if each succeeds with `probability`."""
    low, high = binom.interval(1 - two_sided_error, n, probability)
    return low / n, high / n


def covariate_cohort(n, shape, difference, shift, generator):
    """Logits, label, origin and a covariate that differs between origins and drives the logit in a given shape."""
    label, origin = np.repeat([0, 1], n // 2), generator.integers(0, 2, n)
    covariate = generator.standard_normal(n) + difference * origin - difference / 2
    shapes = {
        "irrelevant": np.zeros(n),
        "linear": covariate,
        "quadratic": (covariate + 1) ** 2,
        "saturating": 2 * np.tanh(2 * covariate),
    }
    scores = 2.4 * label + shapes[shape] + shift * origin + generator.standard_normal(n)
    return scores, label, origin, 50 + 12 * covariate


def fold_deal(label, origin, n_folds, generator):
    """Folds (n,) dealt evenly over the cells of label and origin, as the audit deals them."""
    folds, start = np.empty(label.size, dtype=int), 0
    for cell in np.unique(2 * label + origin):
        members = generator.permutation(np.flatnonzero(2 * label + origin == cell))
        folds[members] = (np.arange(members.size) + start) % n_folds
        start += members.size
    return folds


def smooth_noise(n, shape, generator):
    """Smooth maps (n, *shape) of variance 1."""
    noise = gaussian_filter(generator.standard_normal((n, *shape)), (0, *[1.2] * len(shape)), mode="wrap")
    return noise / noise.std()


def origin_maps(n, shape, focus, generator):
    """Maps (n, v) of one class, origins and folds: a mean map and a gain per fold.

    The second origin shows `focus` standard deviations more in a quarter of each axis.
    """
    fold, origin = np.arange(n) % 3, generator.integers(0, 2, n)
    maps = smooth_noise(n, shape, generator) + smooth_noise(3, shape, generator)[fold]
    place = tuple(slice(size // 2, size // 2 + max(1, size // 4)) for size in shape)
    maps[(origin == 1, *place)] += focus
    return (maps * np.array([1.0, 2.0, 0.5])[(fold, *[None] * len(shape))]).reshape(n, -1), origin, fold


def class_maps(n, shape, generator):
    """Maps (n, v), classes and origins: no class effect, origins of other means and gains, classes unequally spread."""
    origin = np.arange(n) % 3
    label = (generator.random(n) < np.array([0.85, 0.5, 0.15])[origin]).astype(int)
    shift, gain = 1.5 * smooth_noise(3, shape, generator), np.array([0.6, 1.8, 0.6])
    maps = (smooth_noise(n, shape, generator) + shift[origin]) * gain[(origin, *[None] * len(shape))]
    return maps.reshape(n, -1), label, origin
