"""Every check recovers what was planted, and finds nothing where nothing was."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from biasaudit import registry
from biasaudit.records import Finding
from biasaudit.stats.design import regime
from biasaudit.stats.localisation import rank_accuracies


def judge(code, evidence, protocol) -> list[Finding]:
    return registry.get("check", code)().judge(evidence, protocol)


def in_class(findings, class_name) -> Finding:
    return next(f for f in findings if f.class_name == class_name)


@pytest.mark.parametrize("design", ["crossed", "nested", "aliased", "single"])
def test_regime_is_named(design, planted):
    evidence = planted(design=design)
    assert regime(evidence.positive, evidence.origin) == design


def test_one_shared_origin_makes_a_design_crossed():
    assert regime(np.array([True, True, False]), np.array(["a", "b", "a"])) == "crossed"


def test_d1_calls_confounding_a_concern_and_balance_clear(planted, protocol):
    (aliased,) = judge("D1", planted(design="aliased"), protocol)
    (crossed,) = judge("D1", planted(), protocol)
    (marked,) = judge("D1", replace(planted(design="aliased"), masks_given=True), protocol)
    assert aliased.remedy == "add an origin that holds both classes, or lesion masks for erasure"
    assert marked.remedy == "add an origin that holds both classes"
    assert (aliased.status, aliased.statistic, aliased.threshold) == ("concern", 1.0, 0.3)
    assert (crossed.status, crossed.statistic) == ("clear", 0.0)
    assert crossed.details["can_answer"]
    assert aliased.details["cannot_answer"]


def test_g1_opens_for_a_competent_target_only(planted, protocol):
    (good,) = judge("G1", planted(), protocol)
    (chance,) = judge("G1", planted(pathology=0.0), protocol)
    assert good.status == "clear"
    assert good.low > 0.5
    assert chance.status == "inconclusive"
    assert chance.low <= 0.5


def test_a1_says_available_and_no_fault(planted, furnished, protocol):
    found = in_class(judge("A1", furnished(planted()), protocol), "healthy")
    quiet = in_class(judge("A1", furnished(planted(), strength=0.0), protocol), "healthy")
    assert found.status == "concern"
    assert found.low > 0.5
    assert "not" in found.reason  # availability is not use
    assert quiet.status in ("inconclusive", "clear")
    assert {f.status for f in judge("A1", furnished(planted(design="aliased")), protocol)} == {"not_applicable"}


def test_a2_separates_predictable_inputs_from_silent_ones(planted, protocol):
    evidence = planted(n=400, reduced={}, reduced_skipped={"background": "empty outside the brain"})
    noise = np.random.default_rng(3).normal(size=(2, 400))
    reduced = {"silhouette": noise[0] + 1.5 * evidence.positive, "erased": noise[1]}
    findings = {f.input: f for f in judge("A2", replace(evidence, reduced=reduced), protocol)}
    assert findings["silhouette"].status == "concern"
    assert findings["erased"].status == "clear"
    assert findings["background"].status == "not_applicable"


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


def test_u3_names_the_layer_that_differs_and_never_clears(planted, furnished, protocol):
    findings = {(f.class_name, f.layer): f for f in judge("U3", furnished(planted(n=200)), protocol)}
    assert findings["healthy", "block1"].status == "concern"
    assert findings["healthy", "block2"].status == "inconclusive"
    quiet = judge("U3", furnished(planted(n=200), strength=0.0), protocol)
    assert {f.status for f in quiet} == {"inconclusive"}


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 1.0])
def test_u4_recovers_the_planted_share_in_an_aliased_design(share, planted, protocol):
    gap = 3.0
    evidence = planted(n=400, design="aliased", signature=gap * share, pathology=gap * (1 - share), masks=True)
    (finding,) = judge("U4", evidence, protocol)
    assert finding.statistic == pytest.approx(share, abs=0.1)
    assert finding.low - 0.03 <= share <= finding.high + 0.03
    assert finding.status == ("clear" if share == 0 else "concern")
    assert finding.details["pathology_part"] == pytest.approx(gap * (1 - share), abs=0.01)


def test_u4_needs_masks_and_a_class_gap(planted, protocol):
    (unmasked,) = judge("U4", planted(design="aliased"), protocol)
    (hopeless,) = judge("U4", planted(design="aliased", pathology=0.0, masks=True), protocol)
    assert unmasked.status == "not_applicable"
    assert hopeless.status == "inconclusive"
    assert not unmasked.flag.may_flag
    assert not hopeless.flag.may_flag


def test_u4_cancels_the_artefact_of_the_edit(planted, protocol):
    evidence = planted(n=200, design="aliased", masks=True)
    shifted = replace(evidence, logit_erased=evidence.logit_erased - 5.0)
    (plain,), (moved,) = judge("U4", evidence, protocol), judge("U4", shifted, protocol)
    assert moved.statistic == pytest.approx(plain.statistic)


def test_u6_tells_own_lesions_from_anywhere_and_never_reassures(planted, furnished, protocol):
    (found,) = judge("U6", furnished(planted(masks=True)), protocol)
    (spread,) = judge("U6", furnished(planted(masks=True), strength=0.0), protocol)
    assert found.status == "clear"
    assert found.low > 1
    assert "alone does not reassure" in found.reason
    assert spread.status != "clear"
    assert spread.low < 1.15


def test_u7_finds_what_changes_as_the_origin_classifier_only_where_that_works(planted, furnished, protocol):
    evidence = furnished(planted(n=200, masks=True))
    found = in_class(judge("U7", evidence, protocol), "healthy")
    assert found.status == "concern"
    assert found.details["cosine"] > 0.5
    generator = np.random.default_rng(8)
    blind = {
        name: replace(control, scores=generator.normal(size=control.scores.shape))
        for name, control in evidence.origin_controls.items()
    }
    unread = in_class(judge("U7", replace(evidence, origin_controls=blind), protocol), "healthy")
    assert unread.status == "inconclusive"
    assert "not above chance" in unread.reason
    shape = evidence.maps.origin.shape
    noise = {name: generator.normal(size=shape) for name in ("origin", "origin_replicate")}
    unrelated = replace(evidence, maps=replace(evidence.maps, **noise))
    assert in_class(judge("U7", unrelated, protocol), "healthy").status == "inconclusive"


def test_u7_calls_a_small_change_faint(planted, furnished, protocol):
    evidence = furnished(planted(n=200, masks=True))
    lenient, strict = (
        protocol.model_copy(update={"attribution": protocol.attribution.model_copy(update={"following": floor})})
        for floor in (0.01, 5.0)
    )
    assert in_class(judge("U7", evidence, lenient), "healthy").status == "concern"
    faint = in_class(judge("U7", evidence, strict), "healthy")
    assert faint.status == "inconclusive"
    assert "too faint" in faint.reason


def test_u7_averages_the_images_of_a_subject(planted, furnished, protocol):
    evidence = furnished(planted(n=200, masks=True))
    names = ("rows", "target", "target_replicate", "mask", "foreground", "completeness_error")
    twice = {name: np.concatenate([getattr(evidence.maps, name)] * 2) for name in names}
    twice |= {n: np.concatenate([getattr(evidence.maps, n)] * 2, axis=1) for n in ("origin", "origin_replicate")}
    again = replace(evidence, maps=replace(evidence.maps, **twice, probes=None))
    first, second = (in_class(judge("U7", own, protocol), "healthy") for own in (evidence, again))
    assert second.n == first.n
    assert second.statistic == pytest.approx(first.statistic)


def test_a2_is_not_lulled_by_offsets_between_folds(planted, protocol):
    evidence = planted(n=400)
    generator = np.random.default_rng(3)
    scores = 1.5 * evidence.positive + generator.normal(size=400) + 40 * generator.normal(size=5)[evidence.fold]
    (finding,) = judge("A2", replace(evidence, reduced={"background": scores}), protocol)
    assert finding.status == "concern"
    assert finding.statistic > 0.75


def test_a1_counts_many_origins_and_names_few(planted, furnished, protocol):
    evidence = furnished(planted())
    control = evidence.origin_controls["healthy"]
    assert ", ".join(control.origins) in in_class(judge("A1", evidence, protocol), "healthy").reason
    names = tuple(f"centre-{number}" for number in range(9))
    origin = np.array([names[row % 9] for row in range(evidence.origin.size)])
    scores = np.random.default_rng(0).normal(size=(control.rows.size, 9))
    many = replace(evidence, origin=origin, origin_controls={"healthy": replace(control, origins=names, scores=scores)})
    reason = in_class(judge("A1", many, protocol), "healthy").reason
    assert "the 9 larger origins" in reason
    assert "centre-3" not in reason


def test_u6_gives_rank_accuracy_shares_and_the_gain_of_the_origin_classifier(planted, furnished, protocol):
    (found,) = judge("U6", furnished(planted(masks=True)), protocol)
    (spread,) = judge("U6", furnished(planted(masks=True), strength=0.0), protocol)
    assert found.details["rank_accuracy"] > 3 * found.details["rank_accuracy_exchanged_masks"]
    assert found.details["rank_accuracy_p"] <= 0.01 < spread.details["rank_accuracy_p"]
    shares = [found.details[f"share_{place}"] for place in ("pathology", "edge", "brain", "outside")]
    assert sum(shares) == pytest.approx(1)
    assert min(shares) > 0
    assert found.details["gain_origin_classifier"] < found.statistic


def test_rank_accuracy_counts_as_many_voxels_as_the_mask_has():
    relevance = np.array([[5.0, 4.0, 3.0, 2.0, 1.0], [1.0, 2.0, 3.0, 4.0, 5.0]])
    mask = np.array([[True, False, True, False, False], [False] * 5])
    found = rank_accuracies(relevance, mask)
    assert found[:, 0].tolist() == [0.5, 0.0]
    assert np.isnan(found[:, 1]).all()
