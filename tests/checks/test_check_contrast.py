"""Checks on one class against a rest that holds several: the mix of diseases must not be taken for the origin."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from biasaudit import registry
from biasaudit.stats.design import regime
from biasaudit.stats.reliance import Responses, crossed_reliance


def against_the_rest(planted, seed=1, signature=0.0, n=240):
    """`ms` against healthy and tumour; most tumours at origin b, and the score of ms is far lower in them."""
    generator = np.random.default_rng(seed)
    label = np.array(["healthy", "tumour", "ms", "healthy"])[np.arange(n) % 4]
    usual = generator.random(n) < 0.8
    origin = np.where((label == "tumour") == usual, "b", "a")
    origin = np.where(label == "ms", np.where(np.arange(n) // 4 % 2, "a", "b"), origin)
    logit = 3.0 * (label == "ms") - 3.0 * (label == "tumour") + signature * (origin == "b") + generator.normal(size=n)
    positive = label == "ms"
    return planted(
        n=n,
        classes=("not ms", "ms"),
        contrast="ms",
        inside=("ms",),
        positive=positive,
        origin=origin,
        label=label,
        patient=label != "healthy",
        erasable=np.ones(n, dtype=bool),
        severity=np.where(label != "healthy", generator.lognormal(size=n), np.nan),
        logit=logit,
        regime="crossed",
        masks_given=True,
    )


def judged(code, evidence, protocol):
    return registry.get("check", code)().judge(evidence, protocol)


def test_a_mix_of_diseases_is_no_dependence_on_origin(planted, protocol):
    evidence = against_the_rest(planted)
    pooled, rest, own = judged("U1", evidence, protocol)
    assert (pooled.class_name, rest.class_name, own.class_name) == (None, "not ms", "ms")
    assert min(pooled.p_value, rest.p_value) > 0.05
    assert pooled.flag.reliance.high < 0.25
    mixed = judged("U1", replace(evidence, label=None), protocol)
    assert max(mixed[0].p_value, mixed[1].p_value) <= 0.05, "the test is too easy: the mix is not seen at all"


def test_a_signature_is_found_beside_the_mix(planted, protocol):
    pooled, rest, _ = judged("U1", against_the_rest(planted, signature=1.2), protocol)
    assert pooled.p_value <= 0.05
    assert rest.p_value <= 0.05
    assert pooled.flag.may_flag


def test_other_patients_in_the_rest_need_a_severity_too(planted, protocol):
    evidence = against_the_rest(planted, signature=1.2)
    known = np.where(evidence.label == "ms", evidence.severity, np.nan)
    pooled, rest, _ = judged("U1", replace(evidence, severity=known), protocol)
    assert not pooled.flag.may_flag
    assert not rest.flag.may_flag
    assert not rest.flag.healthy


def test_the_rest_is_healthy_only_where_nobody_in_it_is_ill(planted, protocol):
    evidence = against_the_rest(planted)
    turned = replace(
        evidence, positive=evidence.patient, classes=("healthy", "not healthy"), contrast="healthy", inside=("healthy",)
    )
    _, healthy, sick = judged("U1", turned, protocol)
    assert healthy.flag.healthy
    assert not sick.flag.healthy


@pytest.mark.parametrize("code", ["A1", "U3", "U7"])
def test_questions_that_do_not_depend_on_the_contrast_are_asked_inside_its_class(planted, furnished, protocol, code):
    found = judged(code, furnished(against_the_rest(planted)), protocol)
    assert {finding.class_name for finding in found} == {"ms"}


def test_erasure_leaves_out_patients_without_masks(planted, protocol):
    evidence = against_the_rest(planted)
    erased = evidence.logit - 3.0 * evidence.positive
    unmarked = replace(evidence, logit_erased=erased, erasable=evidence.label != "tumour")
    (finding,) = judged("U4", unmarked, protocol)
    assert finding.n == int((evidence.label != "tumour").sum())
    assert finding.status == "clear"
    (misled,) = judged("U4", replace(unmarked, erasable=None), protocol)
    assert misled.status == "concern", "the test is too easy: tumours that are still visible do no harm"


def test_exchange_inside_classes_counts_actual_classes(planted, protocol):
    label = np.array(["healthy"] * 6 + ["tumour"] * 6 + ["ms"] * 6)
    origin = np.where(label == "healthy", "a", np.where(label == "tumour", "b", "a"))
    evidence = replace(
        against_the_rest(planted, n=18), label=label, origin=origin, positive=label == "ms", regime="aliased"
    )
    (finding,) = judged("D1", evidence, protocol)
    assert finding.details["smallest_p"] is None


def test_a_design_in_which_no_class_spans_two_origins_is_aliased():
    label = np.array(["healthy", "tumour", "ms"])
    origin = np.array(["a", "b", "a"])
    assert regime(label == "ms", origin) == "crossed"
    assert regime(label == "ms", origin, label) == "aliased"
    assert regime(label[[0, 1, 2, 1]] == "ms", np.array(["a", "b", "a", "a"]), label[[0, 1, 2, 1]]) == "crossed"


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
