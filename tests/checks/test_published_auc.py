"""The AUC to publish: from the cells of the audit, from probes, or a reason why there is none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from checks.asking import judge_once

from biasaudit.checks.published_auc import published_auc
from biasaudit.records import Probes


def confounded(planted, pathology, signature):
    """Two thirds of the patients of origin b, of the healthy of a."""
    evidence = planted(n=240, pathology=pathology)
    usual = np.random.default_rng(4).random(240) < 0.85
    origin = np.where(evidence.positive == usual, "b", "a")
    return replace(evidence, origin=origin, logit=evidence.logit + signature * (origin == "b"))


def test_what_the_origin_gave_is_taken_away(planted, protocol):
    finding = judge_once("G1", confounded(planted, 0.0, 4.0), protocol)
    assert finding.statistic > 0.75
    assert finding.details["independent_low"] < 0.5 < finding.details["independent_high"]
    assert finding.details["inside_origins_auc"] == pytest.approx(0.5, abs=0.12)
    assert "as frequent among ms as among healthy" in finding.details["independent_text"]


def test_what_the_disease_gives_is_left(planted, protocol):
    finding = judge_once("G1", confounded(planted, 2.4, 0.0), protocol)
    assert finding.details["independent_auc"] == pytest.approx(finding.statistic, abs=0.04)
    assert finding.details["independent_how"] == "weights"


def test_where_no_origin_holds_both_classes_it_says_what_would_give_one(planted, protocol):
    finding = judge_once("G1", planted(design="aliased"), protocol)
    assert np.isnan(finding.details["independent_auc"])
    assert "some 20 new images of healthy" in finding.details["independent_text"]
    without = planted(design="aliased", retraining_skipped={"P1": "a table of features"})
    assert "images" not in judge_once("G1", without, protocol).details["independent_text"]


def test_one_origin_tells_nothing(planted, protocol):
    evidence = planted()
    found = published_auc(replace(evidence, origin=np.full(120, "a")), protocol)
    assert found.how == "one origin"
    assert found.area.estimate == pytest.approx(judge_once("G1", evidence, protocol).statistic)


def test_one_shared_origin_is_named(planted, protocol):
    evidence = planted()
    origin = np.where(evidence.positive & (evidence.origin == "b"), "c", evidence.origin)
    found = published_auc(replace(evidence, origin=origin), protocol)
    assert "of a, the only origin with both classes" in found.text


def probes(evidence, share, origin="b", k=24, twin=""):
    """Healthy of the patients' source, who score `share` of the way to the patients, by every fold's network."""
    generator = np.random.default_rng(5)
    healthy, ill = (evidence.logit[evidence.positive == side].mean() for side in (False, True))
    scores = healthy + share * (ill - healthy) + generator.normal(size=k)
    offsets = 30 * np.arange(5.0)
    return Probes(
        subject=np.array([f"p{i}" for i in range(k)]),
        label=np.array([evidence.classes[0]] * k),
        positive=np.zeros(k, dtype=bool),
        origin=np.array([origin] * k),
        logit=scores + offsets.mean(),
        twin_of=np.array([twin] * k),
        by_fold=scores[:, None] + offsets,
    )


@pytest.mark.parametrize(("share", "low", "high"), [(0.0, 0.9, 1.0), (1.0, 0.4, 0.6)])
def test_probes_give_it_where_no_origin_holds_both_classes(planted, protocol, share, low, high):
    """The network of every fold scores them, so that offsets between networks do not matter."""
    evidence = planted(n=160, design="aliased", pathology=3.0)
    moved = replace(evidence, logit=evidence.logit + 30 * evidence.fold, probes=probes(evidence, share))
    found = published_auc(moved, protocol)
    assert found.how == "probes"
    assert low <= found.area.estimate <= high
    assert found.area.low < found.area.estimate
    assert "80 held-out subjects and 24 probes" in found.text


@pytest.mark.parametrize("changes", [{"origin": "a"}, {"origin": "elsewhere"}, {"k": 2}, {"twin": "s0001"}])
def test_probes_that_cannot_say_are_not_asked(planted, protocol, changes):
    evidence = planted(n=160, design="aliased")
    found = published_auc(replace(evidence, probes=probes(evidence, 0.0, **changes)), protocol)
    assert found.how == ""


def test_folds_of_one_class_are_said_to_be_the_reason(planted, protocol):
    found = published_auc(replace(planted(n=60), fold=np.arange(60)), protocol)
    assert np.isnan(found.area.estimate)
    assert "Fewer folds would give one" in found.text
