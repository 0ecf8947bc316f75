"""U13: a planted share outside of the field is flagged as a lower bound, nothing is cleared, and weak targets wait."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from checks.frames import WITH_FIELD, framed, told


@pytest.mark.parametrize("share", [0.3, 0.6, 1.0])
def test_a_planted_share_is_flagged_as_a_bound(share):
    (finding,) = told(framed(share), "U13")
    assert finding.status == "concern"
    assert finding.statistic == pytest.approx(share, abs=0.08)
    assert finding.low < share
    assert finding.high is None
    assert finding.details["kind"] == "bound"
    assert finding.flag.may_flag
    assert "source, projection or positioning" in finding.reason


def test_nothing_outside_is_not_flagged_and_not_cleared():
    (finding,) = told(framed(0.0), "U13")
    assert finding.status == "inconclusive"
    assert "cannot exclude one" in finding.reason
    assert finding.flag.may_flag
    assert finding.p_value > 0.05


@pytest.mark.parametrize(("gap", "word"), [(0.0, "may be chance"), (0.5, "vary too much")])
def test_a_weak_target_does_not_flag(gap, word):
    (finding,) = told(framed(0.9, gap=gap, n=400), "U13")
    assert finding.status == "inconclusive"
    assert word in finding.reason
    assert not finding.flag.may_flag


def test_without_a_field_it_says_how_to_declare_one(protocol):
    (finding,) = told(framed(0.5), "U13", protocol)
    assert finding.status == "not_applicable"
    assert "cohort.field" in finding.reason
    assert not finding.flag.may_flag


@pytest.mark.parametrize(
    ("changes", "status", "word"),
    [
        ({"donors": -1}, "inconclusive", "one subject of a class"),
        ({"blanked": np.nan}, "inconclusive", "less than 5 %"),
        ({"transplanted": np.inf}, "error", "not finite"),
    ],
)
def test_what_cannot_be_read_is_said(changes, status, word):
    evidence = framed(0.5, n=40)
    made = {name: getattr(evidence.frames, name).copy() for name in changes}
    for name, value in changes.items():
        made[name][0 if name != "blanked" else slice(None)] = value
    (finding,) = told(replace(evidence, frames=replace(evidence.frames, **made)), "U13")
    assert finding.status == status
    assert word in finding.reason


def test_an_input_that_cannot_be_edited_is_not_applicable():
    (finding,) = told(replace(framed(0.5, n=40), frames=None), "U13")
    assert finding.status == "not_applicable"
    assert "maps of your own" in finding.reason


def test_one_class_alone_has_no_gap():
    evidence = framed(0.5, n=40)
    (finding,) = told(replace(evidence, positive=np.ones(40, dtype=bool)), "U13")
    assert finding.status == "inconclusive"


def test_false_alarms_at_the_margin_are_as_rare_as_stated():
    flagged = [told(framed(WITH_FIELD.verdict.low, n=120, seed=seed), "U13")[0].p_value <= 0.05 for seed in range(60)]
    assert np.mean(flagged) <= 0.12
