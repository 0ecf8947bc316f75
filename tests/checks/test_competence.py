"""G1: is the target above chance?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from checks.asking import judge

from biasaudit.stats.effects import auc


def test_g1_opens_for_a_competent_target_only(planted, protocol):
    (good,) = judge("G1", planted(), protocol)
    (chance,) = judge("G1", planted(pathology=0.0), protocol)
    assert good.status == "clear"
    assert good.low > 0.5
    assert chance.status == "inconclusive"
    assert chance.low <= 0.5


def test_g1_compares_subjects_that_one_network_scored(planted, protocol):
    """Good networks whose logits have unlike offsets are as competent as they were without."""
    evidence = planted(n=100)
    offsets = 40 * np.random.default_rng(2).normal(size=5)[evidence.fold]
    (plain,), (moved,) = (
        judge("G1", each, protocol) for each in (evidence, replace(evidence, logit=evidence.logit + offsets))
    )
    assert (moved.status, moved.statistic) == ("clear", pytest.approx(plain.statistic))


def test_g1_never_gives_a_perfect_target_a_point_for_an_interval(planted, protocol):
    (found,) = judge("G1", planted(pathology=50.0), protocol)
    assert found.statistic == found.high == 1.0
    assert 0.8 < found.low < 0.98


def test_g1_does_not_lose_everything_to_folds_of_one_class(planted, protocol):
    evidence = planted(n=60)
    alone = replace(evidence, fold=np.arange(60))
    one_class = replace(evidence, fold=np.where(evidence.fold == 0, 10 + evidence.positive, evidence.fold))
    for each in (alone, one_class):
        (found,) = judge("G1", each, protocol)
        assert found.status == "clear"


def test_g1_compares_everybody_where_one_network_made_elsewhere_scored_all(planted, protocol):
    evidence = planted(n=40, pathology=1.0)
    (found,) = judge("G1", replace(evidence, one_network=True), protocol)
    assert found.statistic == pytest.approx(auc(evidence.logit, evidence.positive))
    (trained,) = judge("G1", evidence, protocol)
    assert trained.statistic != pytest.approx(found.statistic)
