"""Shares whose intervals also cover networks of other seeds, where every fold has several."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from checks.asking import judge

from biasaudit.checks.between_networks import OneSeed
from biasaudit.records import Probes

FOLDS, SEEDS = 5, 2


def of_two_seeds(evidence, spread, seed=3):
    """Two networks a fold, whose answer to the origin differs by chance; their mean is the evidence as it was."""
    chance = np.random.default_rng(seed).normal(size=FOLDS) * spread
    apart = chance[evidence.fold] * np.isin(evidence.origin, ("b", "d"))
    given = {"logit_by_seed": np.stack([evidence.logit + apart, evidence.logit - apart], axis=1)}
    if evidence.logit_erased is not None:
        given["logit_erased_by_seed"] = np.stack([evidence.logit_erased + apart, evidence.logit_erased - apart], axis=1)
    if evidence.probes is not None:
        by_fold = np.repeat(evidence.probes.logit[:, None], FOLDS, axis=1)
        by_network = np.stack([by_fold + chance, by_fold - chance], axis=2)
        given["probes"] = replace(evidence.probes, by_network=by_network)
    return replace(evidence, **given)


def with_probes(evidence, k=20):
    logit = evidence.logit.mean() + np.random.default_rng(5).normal(size=k)
    words = {"subject": "p", "label": "healthy", "origin": "b", "twin_of": ""}
    return replace(
        evidence,
        probes=Probes(
            positive=np.zeros(k, dtype=bool), logit=logit, **{name: np.full(k, own) for name, own in words.items()}
        ),
    )


@pytest.fixture
def asked(planted, protocol):
    """The finding of a check that measures the reliance, by how far the seeds differ; None: one network a fold."""
    cohorts = {
        "U1": planted(n=240, pathology=2.0, signature=1.0),
        "P1": with_probes(planted(n=160, design="aliased", pathology=4.0)),
        "U4": planted(n=240, design="aliased", signature=1.0, pathology=2.0, masks=True),
    }

    def ask(code, spread):
        evidence = cohorts[code] if spread is None else of_two_seeds(cohorts[code], spread)
        return judge(code, evidence, protocol)[0]

    return ask


def width(finding):
    share = finding.flag.reliance or finding
    return share.high - share.low


@pytest.mark.parametrize("code", ["U1", "P1", "U4"])
def test_an_interval_widens_as_far_as_seeds_differ(asked, code):
    one, same, apart, far = (asked(code, spread) for spread in (None, 0.0, 0.4, 1.2))
    assert width(one) == pytest.approx(width(same))
    assert width(same) < width(apart) < width(far)
    assert "seed_sd" not in one.details
    assert same.details["seed_sd"] == pytest.approx(0.0, abs=1e-9)
    assert 0 < apart.details["seed_sd"] < far.details["seed_sd"]


@pytest.mark.parametrize("code", ["P1", "U4"])
def test_their_tests_allow_for_seeds_too(asked, code):
    assert asked(code, 1.2).p_value > asked(code, 0.0).p_value


def test_the_answers_of_one_fold_alone_are_exchanged(planted):
    evidence = of_two_seeds(with_probes(planted(n=40, design="aliased", masks=True)), 1.0)
    one = OneSeed(evidence.fold == 2, 2, 1)
    changed = one.of(evidence).logit != evidence.logit
    np.testing.assert_array_equal(changed, (evidence.fold == 2) & (evidence.origin == "b"))
    changed = one.of(evidence).logit_erased != evidence.logit_erased
    np.testing.assert_array_equal(changed, (evidence.fold == 2) & (evidence.origin == "b"))
    moved = one.of_probes(evidence.probes).logit - evidence.probes.logit
    difference = evidence.probes.by_network[:, 2, 1] - evidence.probes.by_network[:, 2].mean(axis=1)
    np.testing.assert_allclose(moved, difference / FOLDS)


def test_where_no_dependence_is_left_over_the_noise_the_bound_still_covers_other_seeds(planted, protocol):
    clipped = (planted(n=240, pathology=2.0, seed=seed) for seed in range(20))
    nothing = [e for e in clipped if judge("U1", e, protocol)[0].flag.reliance.estimate == 0]
    assert len(nothing) >= 3
    for evidence in nothing:
        plain, moved = (judge("U1", each, protocol)[0] for each in (evidence, of_two_seeds(evidence, 0.4)))
        assert moved.details["seed_sd"] > 0
        assert moved.flag.reliance.high > plain.flag.reliance.high
