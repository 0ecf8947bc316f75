"""D4: balance between origins and classes, matching and scoring again, and what is not known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from checks.asking import in_class, judge, judge_once, of_label

from biasaudit.records import Probes


@pytest.fixture
def mixed_case(planted):
    """The healthy of b are older, and the score follows age: case mix, and no signature."""
    evidence = planted(n=400)
    generator = np.random.default_rng(3)
    foreign = (evidence.origin == "b") & ~evidence.positive
    age = generator.normal(size=400) + 1.0 * foreign
    sex = np.where(generator.random(400) < 0.5, "f", "m")
    return replace(evidence, logit=evidence.logit + 1.0 * age, covariates={"age": age}, categories={"sex": sex})


def test_an_older_origin_is_named_and_matching_takes_its_dependence_away(mixed_case, protocol):
    finding = in_class(judge("D4", mixed_case, protocol), "healthy")
    assert finding.status == "concern"
    assert finding.flag is None
    assert "age by" in finding.reason
    assert "sex by" not in finding.reason
    assert abs(finding.details["origin_auc"] - 0.5) > 0.15
    assert abs(finding.details["origin_auc_matched"] - 0.5) < 0.1
    assert 40 < finding.details["matched"] < 200
    assert finding.details["e_value"] > finding.details["e_value_low"] > 1
    assert "could explain it only if it were at least" in finding.reason
    assert "the audit cannot tell it from the scanner" in finding.reason
    rows = {row["covariate"]: row for row in finding.details["balance"]}
    assert abs(rows["age"]["difference"]) == pytest.approx(1.0, abs=0.35)
    assert finding.details["reliance_matched"] < 0.2


def test_classes_are_compared_and_the_auc_given_on_matched_subjects(planted, protocol):
    evidence = planted(n=400, pathology=0.0)
    age = np.random.default_rng(4).normal(size=400) + 1.0 * evidence.positive
    aged = replace(evidence, logit=evidence.logit + 2.0 * age, covariates={"age": age})
    finding = of_label(judge("D4", aged, protocol))
    assert finding.status == "concern"
    assert judge_once("G1", aged, protocol).statistic > 0.7
    assert finding.details["auc_matched"] == pytest.approx(0.5, abs=0.1)


def test_small_differences_by_chance_are_no_concern(planted, protocol):
    generator = np.random.default_rng(5)
    found = [
        finding.status
        for seed in range(20)
        for evidence in [planted(n=60, seed=seed)]
        for finding in judge("D4", replace(evidence, covariates={"age": generator.normal(size=60)}), protocol)
    ]
    assert found.count("concern") <= 8  # 60 at a nominal level of .05


def test_of_many_origins_alike_the_two_that_differ_most_are_no_concern(planted, protocol):
    generator = np.random.default_rng(6)
    evidence = planted(n=240)
    origin = np.array([f"o{place % 12:02d}" for place in np.argsort(np.argsort(evidence.positive))])
    for _ in range(3):
        ages, scanners = generator.normal(size=240), generator.choice(list("abcdef"), 240)
        mixed = replace(evidence, origin=origin, covariates={"age": ages}, categories={"scanner": scanners})
        assert in_class(judge("D4", mixed, protocol), "healthy").status != "concern"


def test_a_difference_of_large_origins_is_not_hidden_by_the_larger_one_of_a_small_origin(planted, protocol):
    evidence = planted(n=400)
    origin = evidence.origin.astype("<U4")
    small = np.flatnonzero(~evidence.positive)[:5]
    origin[small] = "c"
    age = np.random.default_rng(7).normal(size=400) + 0.8 * (origin == "b")
    age[small] = -0.3 + np.linspace(-1.2, 1.2, 5)
    finding = in_class(judge("D4", replace(evidence, origin=origin, covariates={"age": age}), protocol), "healthy")
    assert finding.status == "concern"
    assert sorted(finding.details["balance"][0]["between"]) == ["a", "b"]


def test_without_covariates_nothing_is_known_and_the_e_value_stays(planted, protocol):
    finding = in_class(judge("D4", planted(signature=1.0), protocol), "healthy")
    assert finding.status == "inconclusive"
    assert "no covariate is declared" in finding.reason
    assert finding.details["e_value"] > 2


def test_a_difference_that_is_not_shown_asks_for_no_explanation(planted, protocol):
    finding = in_class(judge("D4", planted(signature=0.0), protocol), "healthy")
    assert finding.details["e_value_low"] == 1
    assert "sensitivity" not in finding.details
    assert "case mix" not in finding.reason


def test_what_both_lack_is_no_reassurance(planted, protocol):
    finding = in_class(judge("D4", planted(signature=40.0), protocol), "healthy")
    assert "at least 20 times as frequent" in finding.reason
    assert "more than 20" not in finding.reason


def test_the_remedy_says_what_is_held_fixed_already(mixed_case, protocol):
    naming = protocol.cohort.model_copy(update={"covariates": ("age",)})
    named = protocol.model_copy(update={"cohort": naming})
    before = in_class(judge("D4", mixed_case, protocol), "healthy").remedy
    after = in_class(judge("D4", mixed_case, named), "healthy").remedy
    assert before == "Name age in cohort.covariates, so that U1 holds what differs fixed, or match the subjects."
    assert "Of age U1 already holds fixed what it can" in after
    assert "Name" not in after


def test_one_origin_has_nothing_to_compare_but_probes_have(planted, protocol):
    evidence = planted(n=160, design="aliased")
    assert in_class(judge("D4", evidence, protocol), "healthy").status == "not_applicable"
    k = 20
    probes = Probes(
        subject=np.array([f"p{i}" for i in range(k)]),
        label=np.array(["healthy"] * k),
        positive=np.zeros(k, dtype=bool),
        origin=np.array(["b"] * k),
        logit=evidence.logit[~evidence.positive].mean() + 2 + np.random.default_rng(1).normal(size=k),
        twin_of=np.array([""] * k),
    )
    finding = in_class(judge("D4", replace(evidence, probes=probes), protocol), "healthy")
    assert finding.status == "not_applicable"
    assert "differ by" not in finding.reason
    assert "between the audited and the probes" in finding.details["sensitivity"]
    assert finding.details["e_value_low"] > 2


def test_offsets_of_the_fold_networks_hide_no_difference_to_the_probes(planted, protocol):
    evidence = planted(n=160, design="aliased")
    healthy, k = evidence.logit[~evidence.positive].mean(), 20
    found = []
    for offsets in (np.zeros(5), np.array([0.0, 5.0, -5.0, 8.0, -8.0])):
        by_fold = healthy + 2 + np.random.default_rng(2).normal(size=(k, 5)) + offsets
        probes = Probes(
            subject=np.array([f"p{i}" for i in range(k)]),
            label=np.array(["healthy"] * k),
            positive=np.zeros(k, dtype=bool),
            origin=np.array(["b"] * k),
            logit=by_fold.mean(axis=1),
            twin_of=np.array([""] * k),
            by_fold=by_fold,
        )
        moved = replace(evidence, logit=evidence.logit + offsets[evidence.fold], probes=probes)
        found.append(in_class(judge("D4", moved, protocol), "healthy").details["score_difference"])
    assert found[0] == pytest.approx(2.0, abs=0.4)
    assert found[1] == pytest.approx(found[0])


def test_groups_that_have_nothing_in_common_are_not_matched(planted, protocol):
    evidence = planted(n=200)
    apart = replace(evidence, categories={"scanner room": np.where(evidence.origin == "b", "x", "y")})
    finding = in_class(judge("D4", apart, protocol), "healthy")
    assert finding.status == "concern"
    assert "all of it" in finding.reason
    assert finding.details["balance"][0]["difference"] is None
    assert "no two subjects" in finding.reason
