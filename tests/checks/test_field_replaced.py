"""U14: the gap that is left counts where both fillings leave it; mimicry is told and never votes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from checks.frames import framed, told


@pytest.mark.parametrize("share", [0.3, 0.8])
def test_the_gap_that_is_left_is_flagged_as_a_bound(share):
    (finding,) = told(framed(share), "U14")
    assert finding.status == "concern"
    assert finding.statistic == pytest.approx(share, abs=0.1)
    assert finding.low < share
    assert finding.high is None
    assert finding.flag.may_flag


def test_the_smaller_of_the_fillings_counts():
    (finding,) = told(framed(0.5, left=(0.0, 1.5)), "U14")
    assert finding.status == "inconclusive"
    assert finding.statistic == pytest.approx(0.0, abs=0.15)
    (finding,) = told(framed(0.5, left=(1.5, 0.5)), "U14")
    assert finding.statistic == pytest.approx(0.5, abs=0.15)
    assert "own tones" in finding.reason


def test_nothing_outside_is_not_flagged_and_not_cleared():
    (finding,) = told(framed(0.0), "U14")
    assert finding.status == "inconclusive"
    assert "cannot exclude one" in finding.reason


def test_without_a_field_it_says_how_to_declare_one(protocol):
    (finding,) = told(framed(0.5), "U14", protocol)
    assert finding.status == "not_applicable"
    assert "cohort.field" in finding.reason


@pytest.mark.parametrize(("agrees", "status"), [(True, "concern"), (False, "inconclusive")])
def test_mimicry_is_told_beside_it_and_never_votes(agrees, status):
    evidence = framed(0.8)
    chance = np.random.default_rng(3)
    noise = chance.normal(size=evidence.logit.size)
    mimic = evidence.logit + 0.2 * noise if agrees else 3 * evidence.positive + noise
    _, finding = told(replace(evidence, reduced={"background": mimic}), "U14")
    assert finding.input == "mimicry"
    assert finding.status == status
    assert finding.flag is not None
    assert not finding.flag.may_flag
    assert "decides nothing" in finding.reason
    assert not finding.may_flag


def test_a_mimic_that_says_the_same_of_everybody_is_left_out():
    evidence = framed(0.8)
    assert len(told(replace(evidence, reduced={"background": np.zeros(evidence.logit.size)}), "U14")) == 1
