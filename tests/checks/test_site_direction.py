"""U15: how well does the logit tell the classes apart without the direction of the origin in a hidden layer?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from checks.asking import judge_once


@pytest.fixture
def confounded(planted):
    """A crossed cohort whose patients come mostly from b, with a layer that shows class and origin."""

    def build(slope: float, regime: str = "crossed"):
        evidence, chance = planted(n=240), np.random.default_rng(3)
        often = chance.random(240) < 0.8
        origin = np.where(often == evidence.positive, "b", "a")
        features = chance.normal(size=(240, 6))
        features[:, 0] += 3.0 * (origin == "b")
        features[:, 1] += 1.0 * evidence.positive
        gradients = np.tile([slope, 1.0, 0, 0, 0, 0], (240, 1))
        logit = features @ gradients[0]
        own = {"features": {"deep": features}, "gradients": {"deep": gradients}}
        return replace(evidence, origin=origin, logit=logit, regime=regime, **own)

    return build


def test_only_a_decision_on_the_origin_is_a_concern(confounded, protocol):
    clean, driven = (judge_once("U15", confounded(slope), protocol) for slope in (0.0, 1.0))
    assert driven.status == "concern"
    assert driven.details["corroborates"]
    assert driven.details["auc_without"] < driven.details["auc"] - 0.05
    assert driven.flag is None
    assert clean.status == "inconclusive"
    assert abs(clean.statistic) < 0.03


@pytest.mark.parametrize("regime", ["aliased", "single"])
def test_a_direction_that_is_also_that_of_the_class_is_not_removed(confounded, protocol, regime):
    finding = judge_once("U15", confounded(1.0, regime), protocol)
    assert finding.status == "not_applicable"
    assert "that of the class" in finding.reason


def test_a_network_without_slopes_is_not_asked(confounded, protocol):
    finding = judge_once("U15", replace(confounded(1.0), gradients={}), protocol)
    assert finding.status == "not_applicable"
