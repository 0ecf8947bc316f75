"""P1: probes of a missing cell convict, clear, or say how many of which would."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from checks.asking import judge, judge_once

from biasaudit.records import Probes
from biasaudit.stats.probes import FEWEST


def probes(logit, label="healthy", origin="b", prevalence=None, positive=False, twins=()):
    k = len(logit)
    return Probes(
        subject=np.array([f"p{i}" for i in range(k)]),
        label=np.array([label] * k),
        positive=np.array([positive] * k),
        origin=np.array([origin] * k),
        logit=np.asarray(logit, dtype=float),
        twin_of=np.array(["s0001" if i in twins else "" for i in range(k)]),
        max_prevalence=prevalence,
    )


@pytest.fixture
def aliased(planted):
    return planted(n=160, design="aliased", pathology=4.0)


def between(evidence, share, k=20, seed=0):
    """Scores that lie `share` of the way from the healthy to the patients."""
    healthy, ill = (evidence.logit[evidence.positive == side].mean() for side in (False, True))
    return healthy + share * (ill - healthy) + np.random.default_rng(seed).normal(size=k)


@pytest.mark.parametrize(("share", "status"), [(0.0, "clear"), (0.9, "concern"), (0.5, "concern")])
def test_healthy_of_the_patients_source_convict_and_clear(aliased, protocol, share, status):
    finding = judge_once("P1", replace(aliased, probes=probes(between(aliased, share))), protocol)
    assert finding.status == status
    assert finding.flag.may_flag
    assert finding.flag.healthy
    assert finding.flag.reliance.low < share < finding.flag.reliance.high
    assert finding.statistic == pytest.approx(share, abs=0.12)
    assert "20 images of healthy from b, never trained on" in finding.reason


def test_few_probes_neither_convict_nor_clear_and_say_how_many_would(aliased, protocol):
    few = judge_once("P1", replace(aliased, probes=probes(between(aliased, 0.15, k=4))), protocol)
    assert few.status == "inconclusive"
    assert "Bring " in few.remedy
    none = judge_once("P1", replace(aliased, probes=probes(between(aliased, 0.15, k=FEWEST - 1))), protocol)
    assert not none.flag.may_flag
    assert f"at least {FEWEST} are needed" in none.reason


def test_without_probes_it_says_how_many_of_which_images_would_settle_it(aliased, protocol):
    finding = judge_once("P1", aliased, protocol)
    assert finding.status == "not_applicable"
    assert "images of healthy subjects from b" in finding.remedy
    assert "biasaudit probe" in finding.remedy
    needed = [finding.details[f"needed_{word}"] for word in ("mixed", "origin", "none")]
    assert all(number >= FEWEST for number in needed)


def test_patients_of_the_healthy_source_give_a_lower_bound(aliased, protocol):
    ill = probes(between(aliased, 0.2), label="ms", origin="a", positive=True)
    finding = judge_once("P1", replace(aliased, probes=ill), protocol)
    assert finding.status == "concern"
    assert finding.high is None
    assert finding.flag.reliance.estimate is None
    assert finding.flag.reliance.low == pytest.approx(0.7, abs=0.15)
    clean = probes(between(aliased, 1.0), label="ms", origin="a", positive=True)
    assert judge_once("P1", replace(aliased, probes=clean), protocol).status == "inconclusive"


def test_probes_without_a_label_bound_it_by_the_stated_prevalence(aliased, protocol):
    unlabelled = probes(between(aliased, 0.9), label="", prevalence=0.3)
    finding = judge_once("P1", replace(aliased, probes=unlabelled), protocol)
    assert finding.status == "concern"
    assert finding.flag.reliance.low < 0.9
    assert finding.flag.reliance.estimate is None
    ignored = replace(unlabelled, max_prevalence=None)
    assert judge_once("P1", replace(aliased, probes=ignored), protocol).status == "not_applicable"


def test_probes_that_show_audited_subjects_are_left_out(aliased, protocol):
    made = probes(between(aliased, 0.0), twins=(0, 1))
    finding = judge_once("P1", replace(aliased, probes=made), protocol)
    assert finding.n == 18
    assert "2 more left out" in finding.reason


@pytest.mark.parametrize("origin", ["a", "elsewhere"])
def test_probes_of_a_cell_that_is_there_or_of_a_third_source_say_nothing(aliased, protocol, origin):
    finding = judge_once("P1", replace(aliased, probes=probes(between(aliased, 0.9), origin=origin)), protocol)
    assert finding.status == "not_applicable"
    assert "no probe shows a class that its origin lacks" in finding.reason


def test_where_origins_hold_both_classes_the_scores_answer(planted, protocol):
    evidence = planted()
    finding = judge_once("P1", replace(evidence, probes=probes(between(evidence, 0.9))), protocol)
    assert finding.status == "not_applicable"
    assert "U1" in finding.reason


def test_a_weak_target_gives_no_share(planted, protocol):
    weak = planted(n=60, design="aliased", pathology=0.0)
    finding = judge_once("P1", replace(weak, probes=probes(np.zeros(20) + np.arange(20) * 0.1)), protocol)
    assert finding.status == "inconclusive"
    assert "too uncertain" in finding.reason


def test_each_class_of_probes_is_judged_by_itself_the_healthy_first(aliased, protocol):
    one, other = probes(between(aliased, 0.0)), probes(between(aliased, 1.0), label="ms", origin="a", positive=True)
    names = ("subject", "label", "positive", "origin", "logit", "twin_of")
    both = Probes(**{name: np.concatenate([getattr(one, name), getattr(other, name)]) for name in names})
    findings = judge("P1", replace(aliased, probes=both), protocol)
    assert [finding.class_name for finding in findings] == ["healthy", "ms"]


def test_probes_of_a_small_part_of_the_other_class_give_a_bound_of_the_whole(planted, protocol):
    evidence = planted(n=160, design="aliased", pathology=4.0)
    ill = np.flatnonzero(evidence.positive)
    origin = evidence.origin.astype("U9")
    origin[ill[20:]] = "elsewhere"
    nested = replace(evidence, origin=origin, regime="nested")
    finding = judge_once("P1", replace(nested, probes=probes(between(nested, 0.9))), protocol)
    assert finding.high is None
    assert finding.flag.reliance.estimate is None
    assert finding.flag.reliance.low == pytest.approx(0.25 * finding.low)


def test_the_order_of_the_classes_is_the_same_in_every_process(aliased, protocol):
    kinds = [probes(between(aliased, share, seed=k), label=name) for k, (name, share) in enumerate(
        (("b", 0.0), ("a", 0.5), ("c", 0.9))
    )]  # fmt: skip
    names = ("subject", "label", "positive", "origin", "logit", "twin_of")
    made = Probes(**{name: np.concatenate([getattr(each, name) for each in kinds]) for name in names})
    label = np.where(aliased.positive, "ms", np.array(["a", "b", "c"])[np.arange(aliased.positive.size) % 3])
    contrast = replace(aliased, label=label, contrast="ms", inside=("ms",), classes=("not ms", "ms"), probes=made)
    assert [finding.class_name for finding in judge("P1", contrast, protocol)] == ["a", "b", "c"]


def test_where_no_image_can_be_a_probe_the_reason_is_said(aliased, protocol):
    finding = judge_once("P1", replace(aliased, retraining_skipped={"P1": "a table of features"}), protocol)
    assert (finding.status, finding.reason, finding.remedy) == ("not_applicable", "a table of features", "")
