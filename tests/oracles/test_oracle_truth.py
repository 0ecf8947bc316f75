"""R* and Omega* as DESIGN.md section 5 writes them, one loop per sum."""

from __future__ import annotations

import math

import numpy as np
import pytest

from biasaudit.stats.truth import bootstrap_truth, true_reliance


def slow(margins, healthy_share, patient_share):
    anatomies, _, sites = margins.shape
    m = [[sum(float(margins[a, p, s]) for a in range(anatomies)) / anatomies for s in range(sites)] for p in (0, 1)]
    squares = []
    for p in (0, 1):
        for s in range(sites):
            for other in range(s + 1, sites):
                squares.append((m[p][s] - m[p][other]) ** 2)
    site = math.sqrt(sum(squares) / len(squares)) if squares else 0.0
    pathology = sum(abs(m[1][s] - m[0][s]) for s in range(sites)) / sites
    patients_without = sum(patient_share[s] * m[0][s] for s in range(sites))
    patients_with = sum(patient_share[s] * m[1][s] for s in range(sites))
    healthy = sum(healthy_share[s] * m[0][s] for s in range(sites))
    gap = patients_with - healthy
    omega = min(1.0, max(0.0, (patients_without - healthy) / gap)) if gap > 0 else math.nan
    aucs = []
    for s in range(sites):
        wins = 0.0
        for a in range(anatomies):
            for b in range(anatomies):
                with_it, without = margins[a, 1, s], margins[b, 0, s]
                wins += 1.0 if with_it > without else 0.5 if with_it == without else 0.0
        aucs.append(wins / anatomies**2)
    return site / (site + pathology), omega, gap, sum(aucs) / sites


@pytest.mark.parametrize("sites", [1, 2, 5])
@pytest.mark.parametrize("seed", range(8))
def test_agrees_with_the_loops(sites, seed):
    chance = np.random.default_rng(seed)
    margins = chance.normal(size=(7, 2, sites)) + chance.normal(size=(1, 1, sites))
    margins[:, 1] += chance.uniform(-0.5, 2)
    healthy, patients = chance.dirichlet(np.ones(sites)), chance.dirichlet(np.ones(sites))
    truth = true_reliance(margins, healthy, patients)
    expected = slow(margins, healthy, patients)
    found = (truth.sensitivity, truth.origin_share, truth.gap, truth.auc_one_site)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)


def additive(site_effect: float, pathology_effect: float) -> np.ndarray:
    """One site each for healthy and patients; every anatomy has its own level."""
    levels = np.linspace(-0.01, 0.01, 6)[:, None, None]
    return levels + pathology_effect * np.array([0, 1])[:, None] + site_effect * np.array([0, 1])


ALIASED = np.array([1.0, 0.0]), np.array([0.0, 1.0])
BALANCED = np.array([0.5, 0.5]), np.array([0.5, 0.5])


@pytest.mark.parametrize(
    ("site", "pathology", "share"),
    [(2.0, 0.0, 1.0), (0.0, 2.0, 0.0), (1.0, 1.0, 0.5), (3.0, 1.0, 0.75), (1.0, 9.0, 0.1)],
)
def test_aliased_mixtures(site, pathology, share):
    truth = true_reliance(additive(site, pathology), *ALIASED)
    assert truth.sensitivity == pytest.approx(share)
    assert truth.origin_share == pytest.approx(share)
    assert truth.gap == pytest.approx(site + pathology)


def test_balanced_crossed_design_cannot_profit_from_the_site():
    truth = true_reliance(additive(2.0, 2.0), *BALANCED)
    assert truth.origin_share == pytest.approx(0.0)
    assert truth.sensitivity == pytest.approx(0.5)


def test_competence_is_measured_at_one_site():
    assert true_reliance(additive(9.0, 1.0), *ALIASED).auc_one_site == 1.0
    assert true_reliance(additive(9.0, 0.0), *ALIASED).auc_one_site == pytest.approx(0.5)


def test_no_gap_no_share():
    assert np.isnan(true_reliance(additive(-2.0, 0.0), *ALIASED).origin_share)
    nothing = true_reliance(additive(0.0, 0.0), *ALIASED)
    assert np.isnan(nothing.sensitivity)
    assert np.isnan(nothing.origin_share)


def test_share_is_clipped():
    assert true_reliance(additive(3.0, -1.0), *ALIASED).origin_share == 1.0
    assert true_reliance(additive(-1.0, 3.0), *ALIASED).origin_share == 0.0


def test_standard_errors_are_those_of_repeated_samples_of_anatomies():
    generator = np.random.default_rng(5)

    def sample() -> np.ndarray:
        lesions = generator.lognormal(0.0, 0.6, 40)
        margins = np.zeros((40, 2, 2))
        margins[:, :, 1] += 1.0 + 0.5 * generator.normal(size=(40, 1))
        margins[:, 1] += lesions[:, None]
        return margins

    repeated = [true_reliance(sample(), *ALIASED) for _ in range(200)]
    errors = np.mean([bootstrap_truth(sample(), *ALIASED, 100, generator) for _ in range(20)], axis=0)
    assert errors[0] == pytest.approx(np.std([truth.sensitivity for truth in repeated]), rel=0.25)
    assert errors[1] == pytest.approx(np.std([truth.origin_share for truth in repeated]), rel=0.25)
