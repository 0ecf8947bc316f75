"""Arms side by side: differences that are never certain, however alike the arms are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from biasaudit.comparison.pair import ComparedArm, compare_pair
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence

NO_GAINS = np.empty(0)


@pytest.fixture
def arm() -> ArmEvidence:
    n = 40
    positive = np.arange(n) % 2 == 0
    return ArmEvidence(
        arm="intensity",
        factor="site",
        regime="nested",
        classes=("healthy", "ms"),
        subject=np.array([f"s{row:02d}" for row in range(n)]),
        positive=positive,
        origin=np.where(positive, "a", "b"),
        fold=np.arange(n) // 2 % 4,
        severity=np.full(n, np.nan),
        covariates={},
        masks_given=True,
        mask_is_complete=True,
        seed=1,
        logit=np.where(positive, 3.0, -3.0) + np.random.default_rng(2).normal(size=n) / 4,
    )


@pytest.fixture
def plan() -> Protocol:
    return Protocol.model_validate(
        {"cohort": {"reader": "phantom"}, "statistics": {"n_bootstraps": 400}, "name": "pair"}
    )


def compared(first: ArmEvidence, second: ArmEvidence, plan: Protocol, gains=(NO_GAINS, NO_GAINS)):
    arms = (ComparedArm(own, own_gains) for own, own_gains in zip((first, second), gains, strict=True))
    return {each.quantity: each for each in compare_pair(*arms, plan)}


def test_two_perfect_arms_are_not_shown_to_be_equal(arm, plan):
    found = compared(arm, replace(arm, arm="tissue", logit=-arm.logit[::-1]), plan)["auc"]
    assert found.difference == 0
    assert found.low < -0.05 < 0.05 < found.high
    assert found.p_value == 1.0


def test_arms_whose_gap_only_grows_by_erasure_are_not_shown_to_rely_alike(arm, plan):
    """More than the whole gap is left in both: cut off at 1, all resamples were equal."""
    noise = np.random.default_rng(3).normal(size=(2, 40)) / 2
    first, second = (
        replace(arm, arm=name, logit_erased=1.3 * arm.logit + own)
        for name, own in zip(("intensity", "tissue"), noise, strict=True)
    )
    found = compared(first, second, plan)["reliance"]
    assert found.difference == 0
    assert found.low < 0 < found.high
    assert found.high - found.low > 0.02
    assert found.p_value > 0.05


def test_one_map_a_fold_still_varies(arm, plan):
    """Resampled inside folds there was nothing to draw."""
    gains = np.full(40, np.nan)
    gains[[0, 2, 4, 6]] = [3.0, 5.0, 4.0, 8.0]
    found = compared(arm, replace(arm, arm="tissue"), plan, (gains, np.where(np.isnan(gains), np.nan, 2.0)))
    gain = found["lesion_gain"]
    assert gain.difference == 3.0
    assert gain.low < 1 < 5 < gain.high


def test_the_level_is_that_of_the_protocol(arm, plan):
    other = replace(arm, arm="tissue", logit=arm.logit + np.random.default_rng(5).normal(size=40) * 3)
    strict = plan.model_copy(update={"statistics": plan.statistics.model_copy(update={"alpha": 0.01})})
    usual, wide = (compared(arm, other, each)["auc"] for each in (plan, strict))
    assert wide.low < usual.low < usual.high < wide.high
