"""U1: do the held-out scores depend on origin, given the label?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from checks.asking import against_the_rest, in_class, judge, judged_by_class

from biasaudit.stats.reliance import Responses, crossed_reliance


def test_u1_finds_a_planted_signature_and_clears_a_large_null(planted, protocol):
    strong = judge("U1", planted(n=200, signature=1.5, masks=True), protocol)
    null = judge("U1", planted(n=800, masks=True, seed=2), protocol)
    assert [f.class_name for f in strong] == [None, "healthy", "ms"]
    assert all(f.status == "concern" and f.flag.may_flag for f in strong)
    assert strong[0].statistic > 0.75
    assert strong[0].flag.reliance.low > 0.2
    assert null[0].status == "clear"
    assert null[0].flag.equivalent
    assert null[0].flag.reliance.high < 0.25


def test_u1_asks_whether_many_origins_follow_their_share_of_patients(planted, protocol):
    evidence = planted(n=240, masks=True)
    chance = np.random.default_rng(5)
    shares = np.linspace(0.2, 0.8, 6)
    sites = np.empty(240, dtype="<U1")
    for ill in (False, True):
        rows = np.flatnonzero(evidence.positive == ill)
        weights = shares if ill else 1 - shares
        sites[rows] = chance.choice(list("abcdef"), rows.size, p=weights / weights.sum())
    taught = evidence.logit + 2 * np.searchsorted(list("abcdef"), sites) / 5
    many = replace(evidence, origin=sites)
    found = judge("U1", replace(many, logit=taught), protocol)[0]
    assert found.flag.follows_prevalence
    assert found.details["prevalence_p"] <= 0.05
    assert judge("U1", many, protocol)[0].flag.follows_prevalence is False
    assert judge("U1", evidence, protocol)[0].flag.follows_prevalence is None  # two origins


def test_u1_without_power_is_inconclusive(planted, protocol):
    pooled = judge("U1", planted(n=24, masks=True, seed=4), protocol)[0]
    assert pooled.status == "inconclusive"
    assert not pooled.flag.equivalent
    assert pooled.remedy


def test_u1_guards_against_shifts_that_cancel(planted, protocol):
    evidence = planted(n=400, masks=True)
    foreign = evidence.origin == "b"
    opposite = evidence.logit + 0.8 * foreign * np.where(evidence.positive, 1, -1)
    pooled = judge("U1", replace(evidence, logit=opposite), protocol)[0]
    assert pooled.low > 0.4
    assert pooled.high < 0.6
    assert not pooled.flag.equivalent
    assert pooled.status != "clear"


def test_u1_lets_patients_flag_only_where_severity_is_known(planted, protocol):
    without = {f.class_name: f.flag.may_flag for f in judge("U1", planted(), protocol)}
    known = {f.class_name: f.flag.may_flag for f in judge("U1", planted(masks=True), protocol)}
    assert without == {None: False, "healthy": True, "ms": False}
    assert known == {None: True, "healthy": True, "ms": True}


def test_u1_takes_nobody_for_healthy_where_both_classes_have_lesions(planted, protocol):
    evidence = planted(n=200, masks=True, signature=1.0)
    everybody = np.ones_like(evidence.positive)
    severity = np.random.default_rng(3).lognormal(size=everybody.size)
    known = judged_by_class("U1", replace(evidence, patient=everybody, severity=severity), protocol)
    unknown = judged_by_class("U1", replace(evidence, patient=everybody), protocol)
    healthy = judged_by_class("U1", evidence, protocol)
    assert [found["healthy"].flag.may_flag for found in (healthy, known, unknown)] == [True, True, False]
    assert [found["healthy"].flag.healthy for found in (healthy, known, unknown)] == [True, False, False]
    assert "severity" in known["healthy"].details["held_fixed"]
    assert "severity" not in healthy["healthy"].details["held_fixed"]


def test_u1_holds_severity_fixed(planted, protocol):
    evidence = planted(n=400, masks=True)
    grown = np.exp(evidence.severity.clip(0.1, 3) + 1.5 * (evidence.origin == "b"))
    severity = np.where(evidence.positive, grown, np.nan)
    reads_severity = evidence.logit + np.where(evidence.positive, np.log1p(np.nan_to_num(severity)), 0.0)
    known = replace(evidence, logit=reads_severity, severity=severity)
    unknown = replace(known, severity=np.full(400, np.nan), masks_given=False)
    assert in_class(judge("U1", known, protocol), "ms").p_value > 0.05
    assert in_class(judge("U1", unknown, protocol), "ms").p_value < 0.05


def test_u1_is_blind_to_offsets_and_scales_of_folds(planted, protocol):
    evidence = planted(n=200, signature=0.6, masks=True)
    generator = np.random.default_rng(0)
    scale, offset = np.exp(generator.normal(size=5)), 9 * generator.normal(size=5)
    logits = {"logit": evidence.logit, "logit_erased": evidence.logit_erased}
    moved = {name: scale[evidence.fold] * f + offset[evidence.fold] for name, f in logits.items()}
    plain, other = (judge("U1", replace(evidence, **own), protocol)[0] for own in (logits, moved))
    assert other.p_value == pytest.approx(plain.p_value)
    assert other.statistic == pytest.approx(plain.statistic, abs=0.02)  # scales are drawn together, within reason
    assert other.flag.reliance.estimate == pytest.approx(plain.flag.reliance.estimate)


@pytest.mark.parametrize(("signature", "pathology"), [(0.0, 2.0), (0.5, 2.0), (2.0, 2.0), (3.0, 1.0)])
def test_u1_reliance_recovers_the_planted_sensitivity(signature, pathology, planted, protocol):
    evidence = planted(n=600, signature=signature, pathology=pathology, seed=9)
    reliance = judge("U1", evidence, protocol)[0].flag.reliance
    truth = signature / (signature + pathology)
    assert reliance.estimate == pytest.approx(truth, abs=0.08)
    assert reliance.low <= truth + 0.02
    assert reliance.high >= truth - 0.02


def test_a_mix_of_diseases_is_no_dependence_on_origin(planted, protocol):
    evidence = against_the_rest(planted)
    pooled, rest, own = judge("U1", evidence, protocol)
    assert (pooled.class_name, rest.class_name, own.class_name) == (None, "not ms", "ms")
    assert min(pooled.p_value, rest.p_value) > 0.05
    assert pooled.flag.reliance.high < 0.25
    mixed = judge("U1", replace(evidence, label=None), protocol)
    assert max(mixed[0].p_value, mixed[1].p_value) <= 0.05, "the test is too easy: the mix is not seen at all"


def test_a_signature_is_found_beside_the_mix(planted, protocol):
    pooled, rest, _ = judge("U1", against_the_rest(planted, signature=1.2), protocol)
    assert pooled.p_value <= 0.05
    assert rest.p_value <= 0.05
    assert pooled.flag.may_flag


def test_other_patients_in_the_rest_need_a_severity_too(planted, protocol):
    evidence = against_the_rest(planted, signature=1.2)
    known = np.where(evidence.label == "ms", evidence.severity, np.nan)
    pooled, rest, _ = judge("U1", replace(evidence, severity=known), protocol)
    assert not pooled.flag.may_flag
    assert not rest.flag.may_flag
    assert not rest.flag.healthy


def test_the_rest_is_healthy_only_where_nobody_in_it_is_ill(planted, protocol):
    evidence = against_the_rest(planted)
    turned = replace(
        evidence, positive=evidence.patient, classes=("healthy", "not healthy"), contrast="healthy", inside=("healthy",)
    )
    _, healthy, sick = judge("U1", turned, protocol)
    assert healthy.flag.healthy
    assert not sick.flag.healthy


def reliance(own, strata=None):
    responses = Responses(own.logit, own.positive, own.origin, np.zeros(len(own.origin)), strata=strata)
    return crossed_reliance(responses, 99, np.random.default_rng(0))


def test_reliance_compares_origins_inside_strata(planted):
    evidence = against_the_rest(planted, n=2000)
    inside = reliance(evidence, evidence.label)
    assert inside.estimate < 0.1 < 0.2 < reliance(evidence).estimate
    assert np.abs(np.median(inside.draws) - inside.estimate) < 0.05


def test_strata_that_are_the_sides_change_nothing(planted):
    own = planted()
    found, plain = (reliance(own, strata) for strata in (own.positive, None))
    assert found.estimate == pytest.approx(plain.estimate)
    assert found.draws == pytest.approx(plain.draws)


def test_u1_stores_what_permuted_origins_give(planted, protocol):
    strong, null = (
        judge("U1", planted(n=200, signature=signature, masks=True), protocol)[0] for signature in (1.5, 0.0)
    )
    assert strong.details["null"]["observed"] > max(strong.details["null"]["quantiles"])
    quantiles, observed = np.array(null.details["null"]["quantiles"]), null.details["null"]["observed"]
    # The share of permutations that reach the observed value is the p-value.
    assert np.mean(quantiles >= observed) == pytest.approx(null.p_value, abs=0.04)
