"""What U13 and U14 share: lower bounds, and targets too weak for a share of their class gap to be known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from checks.frames import WITH_FIELD, framed

from biasaudit.checks.outside_field import COMPETENT, bound_finding, lowest, weak_target
from biasaudit.stats.effects import auc
from biasaudit.stats.intervals import Resampled


def test_the_bound_is_the_one_sided_quantile_and_p_is_never_0():
    draws = np.linspace(0.2, 1.2, 999)
    found = lowest(Resampled(0.7, draws), WITH_FIELD)
    assert found.low == pytest.approx(np.quantile(draws, 0.05))
    assert found.p_value == pytest.approx(1 / 1000)


def test_an_undefined_share_neither_counts_nor_flags():
    share = lowest(Resampled(np.nan, np.full(99, np.nan)), WITH_FIELD)
    finding = bound_finding("U13", framed(0.5), WITH_FIELD, share, "moves")
    assert finding.status == "inconclusive"
    assert finding.statistic is None
    assert not finding.flag.may_flag


def test_a_target_is_weak_below_the_limit_and_not_above():
    evidence = framed(0.5, n=400)
    rank = np.where(evidence.positive, 1.0, 0.0)
    noise = np.random.default_rng(0).normal(size=rank.size)
    for factor in (0.4, 0.8, 1.2, 2.0):
        own = replace(evidence, logit=factor * rank + noise)
        assert bool(weak_target(own, WITH_FIELD, "U13")) == (auc(own.logit, own.positive) < COMPETENT)
