"""What U1 holds fixed beside the class: severity and covariates."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from biasaudit import registry
from biasaudit.checks.adjustment import adjustment, listed
from biasaudit.protocol import Protocol


def naming(*covariates: str) -> Protocol:
    return Protocol.model_validate(
        {
            "cohort": {"reader": "phantom", "covariates": list(covariates)},
            "statistics": {"n_permutations": 199, "n_bootstraps": 199},
        }
    )


def judge(evidence, protocol):
    return registry.get("check", "U1")().judge(evidence, protocol)


def ages(evidence, difference=0.0, seed=3):
    generator = np.random.default_rng(seed)
    return 50 + 12 * (generator.normal(size=evidence.positive.size) + difference * (evidence.origin == "b"))


def with_age(evidence, values):
    return replace(evidence, covariates={"age": values})


def with_sex(evidence, values):
    return replace(evidence, categories={"sex": np.asarray(values)})


def everybody(evidence):
    return np.ones(evidence.positive.size, dtype=bool)


def test_age_that_differs_between_origins_is_taken_for_origin_unless_named(planted):
    evidence = planted(n=300, masks=True)
    age = ages(evidence, difference=1.0)
    older = 0.08 * (age - 50)
    evidence = replace(
        with_age(evidence, age), logit=evidence.logit + older, logit_erased=evidence.logit_erased + older
    )
    unnamed, named = (judge(evidence, naming(*names))[0] for names in ((), ("age",)))
    assert unnamed.status == "concern"
    assert "age" not in unnamed.reason
    assert named.p_value > 0.05
    assert abs(named.statistic - 0.5) < 0.08
    assert named.details["held_fixed"] == "severity and age"
    assert "severity and age held fixed" in named.reason
    assert named.flag.reliance.estimate < unnamed.flag.reliance.estimate


def test_a_signature_is_found_beside_age_and_its_size_is_not_taken_away(planted):
    """Age goes with origin; a slope fitted without the origin would take half of the effect along."""
    evidence = planted(n=400, signature=1.0)
    found = judge(with_age(evidence, ages(evidence, difference=1.5)), naming("age"))[0]
    plain = judge(evidence, naming())[0]
    assert found.p_value < 0.05
    assert found.statistic == pytest.approx(plain.statistic, abs=0.07)
    assert found.high - found.low > plain.high - plain.low


def test_sex_becomes_a_stratum(planted):
    evidence = planted(n=200)
    generator = np.random.default_rng(4)
    male = generator.random(200) < np.where(evidence.origin == "b", 0.8, 0.2)
    evidence = replace(evidence, logit=evidence.logit + 1.5 * male)
    words = with_sex(evidence, np.where(male, "M", "F"))
    numbers = replace(evidence, covariates={"sex": male * 1.0})
    findings = [judge(each, naming("sex"))[0] for each in (words, numbers)]
    assert judge(evidence, naming())[0].p_value < 0.05
    assert all(found.p_value > 0.05 and found.details["held_fixed"] == "sex" for found in findings)
    assert findings[0].p_value == findings[1].p_value
    assert np.unique(adjustment(words, naming("sex"), everybody(words), words.positive).strata).size == 4


def test_naming_a_covariate_never_lets_a_question_flag(planted):
    evidence = planted(n=200, signature=1.5)
    evidence = with_sex(with_age(evidence, ages(evidence)), np.where(np.arange(200) % 3, "M", "F"))
    assert [f.flag.may_flag for f in judge(evidence, naming("age", "sex"))] == [
        f.flag.may_flag for f in judge(evidence, naming())
    ]


def test_rare_and_missing_categories_are_counted(planted):
    evidence = planted(n=120)
    sex = np.where(np.arange(120) // 2 % 3 == 0, "M", "F").astype("<U1")
    sex[[1, 5]], sex[8] = "", "X"
    fixed = adjustment(with_sex(evidence, sex), naming("sex"), everybody(evidence), evidence.positive)
    assert fixed.held == ("sex",)
    assert fixed.notes == ("3 subjects with a rare or missing sex join the most frequent value",)


def test_missing_ages_are_marked_and_counted(planted):
    evidence = planted(n=120)
    age = ages(evidence)
    age[[0, 7, 9]] = np.nan
    found = judge(with_age(evidence, age), naming("age"))[0]
    assert "age is missing for 3 and taken as the mean there" in found.reason
    assert 0 < found.p_value <= 1


@pytest.mark.parametrize("how", ["sex", "age", "known at one origin"])
def test_a_covariate_that_determines_the_origin_is_not_assessable(how, planted):
    evidence = planted(n=120, masks=True)
    second = evidence.origin == "b"
    evidence = {
        "sex": with_sex(evidence, np.where(second, "M", "F")),
        "age": with_age(evidence, 30 + 40 * second + np.linspace(0, 1, 120)),
        "known at one origin": with_age(evidence, np.where(second, np.nan, ages(evidence))),
    }[how]
    for finding in judge(evidence, naming("sex" if how == "sex" else "age")):
        assert finding.status == "not_applicable"
        assert "determine the origin" in finding.reason
        assert not finding.flag.may_flag


NUISANCES = {
    "all missing": {"covariates": {"age": np.full(48, np.nan)}},
    "constant": {"covariates": {"age": np.full(48, 40.0)}},
    "infinite": {"covariates": {"age": np.where(np.arange(48) == 2, np.inf, np.arange(48.0))}},
    "one known": {"covariates": {"age": np.where(np.arange(48) == 2, 40.0, np.nan)}},
    "known in one class": {"covariates": {"age": np.where(np.arange(48) % 2, np.arange(48.0), np.nan)}},
    "ties": {"covariates": {"age": np.arange(48) % 5 * 1.0}},
    "names": {"categories": {"age": np.array([f"s{i}" for i in range(48)])}},
    "empty words": {"categories": {"age": np.full(48, "")}},
    "one word": {"categories": {"age": np.full(48, "M")}},
    "not in the table": {},
}


@pytest.mark.parametrize("how", NUISANCES)
@pytest.mark.parametrize("design", ["crossed", "nested", "aliased", "single"])
def test_covariates_that_cannot_be_held_fixed_are_answered(how, design, planted):
    findings = judge(replace(planted(n=48, design=design, masks=True), **NUISANCES[how]), naming("age"))
    for finding in findings:
        assert finding.reason
        assert finding.p_value is None or 0 < finding.p_value <= 1
    if how not in ("infinite", "ties", "one known", "known in one class") and findings[0].p_value is not None:
        assert "age" in findings[0].details["covariate_notes"]


@pytest.mark.parametrize("n", [4, 8, 12, 20])
def test_tiny_cohorts_with_covariates_are_answered(n, planted):
    evidence = planted(n=n, masks=True)
    for finding in judge(with_sex(with_age(evidence, ages(evidence)), ["M", "F"] * (n // 2)), naming("age", "sex")):
        assert finding.reason
        assert finding.status != "clear"
        assert finding.p_value is None or 0 < finding.p_value <= 1


def test_the_mirror_question_is_answered_in_words(planted):
    (pooled, *inside) = judge(planted(n=200), naming())
    assert pooled.details["mirror_p"] == pytest.approx(1 / 200)
    assert pooled.details["mirror_auc"] > 0.9
    assert "inside origins the scores follow the label" in pooled.reason
    assert all("mirror" not in finding.details for finding in inside)
    blind = judge(planted(n=200, pathology=0.0), naming())[0]
    assert "inside origins the scores are not shown to follow the label" in blind.reason
    nested = judge(planted(n=200, design="nested"), naming())
    assert all("mirror" not in finding.details for finding in nested)


def test_words_are_listed():
    assert [listed(words) for words in ((), ("a",), ("a", "b"), ("a", "b", "c"))] == ["", "a", "a and b", "a, b and c"]
