"""ComBat as the paper writes it, one feature and one origin at a time, beside what the package computes."""

from __future__ import annotations

import numpy as np
import pytest

from biasaudit.representations.combat import harmonise

pytest.importorskip("pycombat")


def posterior(values: np.ndarray, own: np.ndarray, prior: tuple[float, float, float, float]) -> tuple[float, float]:
    """Solve equations (2.2) and (3.1) of Johnson et al. 2007 by turns for one feature at one origin."""
    mean, spread, shape, scale = prior
    count, location, dispersion = values.size, own[0], own[1]
    for _ in range(200):
        location = (spread * count * own[0] + dispersion * mean) / (spread * count + dispersion)
        dispersion = (scale + 0.5 * ((values - location) ** 2).sum()) / (count / 2 + shape - 1)
    return location, dispersion


def combat(features: np.ndarray, training: np.ndarray, origin: np.ndarray, kept: np.ndarray) -> np.ndarray:
    names = np.unique(origin)
    indicator = (origin[:, None] == names).astype(float)
    design = np.hstack([indicator, kept])
    found = np.linalg.lstsq(design[training], features[training], rcond=None)[0]
    grand = indicator[training].mean(0) @ found[: names.size]
    sigma = np.sqrt(((features[training] - design[training] @ found) ** 2).mean(0))
    centre = grand + kept @ found[names.size :]
    standard = (features - centre) / sigma
    moved = np.empty_like(features)
    for name in names:
        learnt = standard[training][origin[training] == name]
        location, dispersion = learnt.mean(0), learnt.var(0, ddof=1)
        m, v = dispersion.mean(), dispersion.var(ddof=1)
        prior = (location.mean(), location.var(ddof=1), m**2 / v + 2, m * (m**2 / v + 1))
        for feature in range(features.shape[1]):
            own = np.array([location[feature], dispersion[feature]])
            gamma, delta = posterior(learnt[:, feature], own, prior)
            rows = origin == name
            moved[rows, feature] = (standard[rows, feature] - gamma) / np.sqrt(delta)
    return moved * sigma + centre


def test_the_package_computes_what_the_paper_says():
    chance = np.random.default_rng(8)
    site = chance.integers(0, 5, 150)
    covariates = np.column_stack([chance.normal(0, 1, site.size), chance.integers(0, 2, site.size)])
    features = chance.normal(0, 1, (site.size, 12)) * chance.uniform(0.5, 2, (5, 12))[site]
    features += chance.normal(0, 2, (5, 12))[site] - 0.5 * covariates[:, :1]
    training, origin = np.flatnonzero(np.arange(site.size) % 3), site.astype(str)
    expected = combat(features, training, origin, covariates)
    # The package stops when a step changes less than 1e-4 of its value.
    np.testing.assert_allclose(harmonise(features, training, origin, covariates), expected, atol=1e-4)
