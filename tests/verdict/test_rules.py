"""Truth table of the rules of DESIGN.md section 6."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from biasaudit.protocol import Protocol
from biasaudit.records import VERDICT_ORDER, Finding, Flag, Share, Verdict
from biasaudit.verdict.case import Design
from biasaudit.verdict.rules import decide, decide_contrasts, headline

PROTOCOL = Protocol.model_validate({"cohort": {"reader": "phantom"}})
CROSSED = Design("crossed", True, False)
NESTED = Design("nested", True, False)
COMPLETE = Design("aliased", True, True)
G1 = Finding("G1", "clear", "AUC .9", statistic=0.9)
CHANCE = replace(G1, status="inconclusive", reason="the held-out AUC is 0.52 [0.4, 0.6]: not shown to be above chance.")


def u1(p=0.5, equivalent=False, reliance=(None, None, None), may_flag=True, class_name=None) -> Finding:
    flag = Flag(may_flag, equivalent=equivalent, healthy=class_name == "healthy", reliance=Share(*reliance))
    status = "concern" if p <= 0.05 else "clear" if equivalent else "inconclusive"
    return Finding("U1", status, "scores", p_value=p, class_name=class_name, flag=flag)


def u4(p=0.5, low=0.0, high=0.2) -> Finding:
    status = "concern" if p <= 0.05 else "inconclusive"
    estimate = (low + high) / 2
    return Finding("U4", status, "gap", estimate, low, high, p, 0.1, flag=Flag(may_flag=True))


def a2(status="concern", name="background") -> Finding:
    return Finding("A2", status, "label", 0.9, input=name)


def g3(status="clear", reason="a planted signature is found") -> Finding:
    return Finding("G3", status, reason, 0.4, 0.3, 0.5, 0.001)


def p1(p=0.5, share=(0.05, -0.05, 0.15), healthy=True) -> Finding:
    flag = Flag(True, healthy=healthy, reliance=Share(*share))
    status = "concern" if p <= 0.05 else "clear"
    text = "20 images of healthy from b lie 5 % of the way"
    return Finding(
        "P1", status, text, share[0], share[1], share[2], p, 0.1, 20, class_name="healthy", flag=flag,
        remedy="Bring 20 images.", details={"origins": "b"},
    )  # fmt: skip


def word(findings, design) -> str:
    return decide(findings, design, "origin", PROTOCOL).word


HIGH, SOME, NONE = (0.7, 0.6, 0.8), (0.3, 0.2, 0.4), (0.05, 0.0, 0.15)

TABLE = [
    ("crossed and ruled by origin", [G1, u1(0.001, reliance=HIGH)], CROSSED, "ORIGIN"),
    ("crossed and partly", [G1, u1(0.001, reliance=SOME)], CROSSED, "MIXED"),
    ("crossed, reliance without a flag", [G1, u1(0.2, reliance=HIGH)], CROSSED, "UNDETERMINED"),
    ("crossed, a flag of little", [G1, u1(0.001, reliance=NONE)], CROSSED, "UNDETERMINED"),
    ("crossed and shown alike", [G1, u1(0.5, True, NONE)], CROSSED, "PATHOLOGY"),
    ("crossed, not significant is not enough", [G1, u1(0.5, False, NONE)], CROSSED, "UNDETERMINED"),
    ("crossed, alike but reliance not excluded", [G1, u1(0.5, True, (0.1, 0.0, 0.3))], CROSSED, "UNDETERMINED"),
    ("crossed, a test that may not flag", [G1, u1(0.001, reliance=HIGH, may_flag=False)], CROSSED, "UNDETERMINED"),
    ("complete masks", [G1, u4(0.001, 0.6, 0.9)], COMPLETE, "ORIGIN"),
    ("complete masks, partly", [G1, u4(0.001, 0.2, 0.6)], COMPLETE, "MIXED"),
    ("nested, nothing agrees", [G1, u4(0.001, 0.6, 0.9)], NESTED, "UNDETERMINED"),
    ("nested, background agrees", [G1, u4(0.001, 0.6, 0.9), a2()], NESTED, "ORIGIN"),
    ("nested, silhouette agrees", [G1, u4(0.001, 0.6, 0.9), a2(name="silhouette")], NESTED, "ORIGIN"),
    ("nested, erased is no second line", [G1, u4(0.001, 0.6, 0.9), a2(name="erased")], NESTED, "UNDETERMINED"),
    (
        "nested, U1 inside the healthy agrees",
        [G1, u4(0.001, 0.2, 0.9), u1(0.001, class_name="healthy")],
        NESTED,
        "MIXED",
    ),
    (
        "nested, U1 inside the patients is no second line",
        [G1, u4(0.001, 0.2, 0.9), u1(0.001, class_name="ms")],
        NESTED,
        "UNDETERMINED",
    ),
    ("nested, erasure closes the gap", [G1, u4(high=0.2), a2("clear")], NESTED, "PATHOLOGY"),
    ("nested, but the background was not asked", [G1, u4(high=0.2)], NESTED, "UNDETERMINED"),
    ("nested, but only the erased input was asked", [G1, u4(high=0.2), a2("clear", "erased")], NESTED, "UNDETERMINED"),
    (
        "nested, the gap closes but the healthy sites differ",
        [G1, u4(high=0.2), a2("clear"), u1(0.001, class_name="healthy")],
        NESTED,
        "UNDETERMINED",
    ),
    ("crossed, alike but flagged", [G1, u1(0.001, True, NONE)], CROSSED, "UNDETERMINED"),
    ("nested, not tightly enough", [G1, u4(high=0.3), a2("clear")], NESTED, "UNDETERMINED"),
    ("nested, but the background predicts", [G1, u4(high=0.2), a2()], NESTED, "UNDETERMINED"),
    ("no masks", [G1, u1(0.5, True, class_name="healthy")], Design("nested", False, False), "UNDETERMINED"),
    ("no masks, sites differ", [G1, u1(0.001, class_name="healthy")], Design("nested", False, False), "UNDETERMINED"),
    ("one origin", [G1, u4(high=0.1)], Design("single", True, True), "UNDETERMINED"),
    ("chance, ruled by origin", [CHANCE, u1(0.001, reliance=HIGH)], CROSSED, "ORIGIN"),
    ("chance, partly by origin", [CHANCE, u1(0.001, reliance=SOME)], CROSSED, "UNDETERMINED"),
    ("chance, from one origin", [CHANCE, p1(0.001, (0.7, 0.6, 0.8))], Design("single", True, True), "UNDETERMINED"),
    ("chance, probes ruled by origin", [CHANCE, p1(0.001, (0.7, 0.6, 0.8))], NESTED, "ORIGIN"),
    ("chance, not flagged", [CHANCE, u1(0.2, reliance=HIGH)], CROSSED, "UNDETERMINED"),
    ("chance, erasure says nothing", [CHANCE, u4(0.001, 0.6, 0.9)], COMPLETE, "UNDETERMINED"),
    ("chance, sites of one class differ", [CHANCE, u4(0.001, 0.6, 0.9), u1(0.001)], COMPLETE, "UNDETERMINED"),
    (
        "no scores of both classes",
        [replace(CHANCE, status="not_applicable"), u1(0.001, reliance=HIGH)],
        CROSSED,
        "UNDETERMINED",
    ),
    ("competence was not asked", [u1(0.5, True, NONE)], CROSSED, "UNDETERMINED"),
    ("erasure is no estimate of the ratio when crossed", [G1, u1(0.5), u4(0.001, 0.6, 0.9)], CROSSED, "UNDETERMINED"),
    ("nothing was asked", [], CROSSED, "UNDETERMINED"),
]


def test_what_pathology_lacks_is_what_was_not_asked():
    """The bound is tight enough; what lies outside the masks has not been looked at."""
    assert "(A2) must also fail, which was not asked" in decide([G1, u4(high=0.2)], NESTED, "origin", PROTOCOL).reason
    assert "upper bound below 25 %" in decide([G1, u4(high=0.3), a2("clear")], NESTED, "origin", PROTOCOL).reason


@pytest.mark.parametrize(("case", "findings", "design", "expected"), TABLE, ids=[row[0] for row in TABLE])
def test_truth_table(case, findings, design, expected):
    assert word(findings, design) == expected


def test_holm_runs_over_all_tests_that_may_flag():
    assert word([G1, u1(0.03, reliance=HIGH)], CROSSED) == "ORIGIN"
    others = [u1(0.9, class_name="healthy"), u1(0.9, class_name="ms")]
    assert word([G1, u1(0.03, reliance=HIGH), *others], CROSSED) == "UNDETERMINED"
    silent = [replace(f, flag=replace(f.flag, may_flag=False)) for f in others]
    assert word([G1, u1(0.03, reliance=HIGH), *silent], CROSSED) == "ORIGIN"


def test_a_check_that_the_verdict_does_not_know_may_flag():
    """Whatever the check is called: its finding says that it may flag, and its own reason is quoted."""
    other = Finding("X1", "concern", "the answer follows the clock", 0.8, 0.7, 0.9, 0.001, flag=Flag(may_flag=True))
    silent = replace(other, flag=None)
    assert word([G1, u1(0.5, True, NONE), silent], CROSSED) == "PATHOLOGY"
    assert word([G1, u1(0.5, True, NONE), other], CROSSED) == "UNDETERMINED"
    given = decide([G1, u1(0.5, True, HIGH), other], CROSSED, "origin", PROTOCOL)
    assert given.word == "ORIGIN"
    assert "the answer follows the clock (X1)" in given.reason


def pooled_u1(reliance, follows) -> Finding:
    found = u1(0.001, reliance=reliance)
    return replace(found, flag=replace(found.flag, follows_prevalence=follows))


@pytest.mark.parametrize(
    ("reliance", "follows", "beside", "expected"),
    [
        (SOME, False, [], "UNDETERMINED"),
        (SOME, True, [], "MIXED"),
        (SOME, None, [], "MIXED"),
        (HIGH, False, [], "ORIGIN"),
        (SOME, False, [Finding("X1", "concern", "x", p_value=0.001, flag=Flag(may_flag=True))], "MIXED"),
    ],
    ids=["chance", "taught", "too few origins", "most of the response", "another check flags"],
)
def test_origins_that_differ_by_no_more_than_chance_weights_convict_nobody(reliance, follows, beside, expected):
    verdict = decide([G1, pooled_u1(reliance, follows), *beside], CROSSED, "origin", PROTOCOL)
    assert verdict.word == expected
    assert ("any network fitted to so few subjects" in verdict.reason) == (expected == "UNDETERMINED")


def test_a_second_line_is_any_flag_inside_the_healthy():
    other = Finding("X1", "concern", "x", p_value=0.001, flag=Flag(may_flag=True, healthy=True))
    assert word([G1, u4(0.001, 0.6, 0.9), other], NESTED) == "ORIGIN"
    of_all = replace(other, flag=Flag(may_flag=True, healthy=False))
    assert word([G1, u4(0.001, 0.6, 0.9), of_all], NESTED) == "UNDETERMINED"


@pytest.mark.parametrize("low", [0.1, 0.5])
def test_bounds_must_be_exceeded_not_met(low):
    expected = "UNDETERMINED" if low == 0.1 else "MIXED"
    assert word([G1, u4(0.001, low, 0.9)], COMPLETE) == expected


def test_thresholds_come_from_the_protocol():
    strict = PROTOCOL.model_copy(update={"verdict": PROTOCOL.verdict.model_copy(update={"high": 0.65})})
    findings = [G1, u4(0.001, 0.6, 0.9)]
    assert decide(findings, COMPLETE, "origin", strict).word == "MIXED"


def test_pathology_is_provisional_while_the_spike_in_is_open():
    verdict = decide([G1, u1(0.5, True, NONE)], CROSSED, "origin", PROTOCOL)
    assert verdict.provisional
    assert "provisional" in verdict.reason.lower()
    assert verdict.settle


CLEAN = [
    ("crossed", [G1, u1(0.5, True, NONE)], CROSSED),
    ("nested", [G1, u4(high=0.2), a2("clear")], NESTED),
]


@pytest.mark.parametrize(("case", "findings", "design"), CLEAN, ids=[row[0] for row in CLEAN])
class TestSpikeIn:
    def test_a_pathology_that_passed_is_not_provisional(self, case, findings, design):
        verdict = decide([*findings, g3()], design, "origin", PROTOCOL)
        assert verdict.word == "PATHOLOGY"
        assert not verdict.provisional
        assert "provisional" not in verdict.reason.lower()
        assert "was found, and a sham was not" in verdict.reason

    def test_what_was_not_asked_leaves_it_provisional(self, case, findings, design):
        verdict = decide(findings, design, "origin", PROTOCOL)
        assert verdict.word == "PATHOLOGY"
        assert verdict.provisional
        assert "has not been tested (G3)" in verdict.reason

    @pytest.mark.parametrize("status", ["inconclusive", "not_applicable", "concern"])
    def test_without_power_nothing_is_shown(self, case, findings, design, status):
        verdict = decide([*findings, g3(status, "it would have been missed")], design, "origin", PROTOCOL)
        assert verdict.word == "UNDETERMINED"
        assert "(G3) did not pass: it would have been missed." in verdict.reason
        assert verdict.settle

    def test_an_error_gives_no_verdict(self, case, findings, design):
        assert word([*findings, g3("error", "no number")], design) == "UNDETERMINED"

    def test_it_is_no_estimate_of_reliance(self, case, findings, design):
        with_it, without = (decide(own, design, "origin", PROTOCOL) for own in ([*findings, g3()], findings))
        assert with_it.reliance == without.reliance


@pytest.mark.parametrize("status", ["clear", "inconclusive", "not_applicable", "concern"])
def test_the_spike_in_never_turns_a_flag_off_nor_on(status):
    for case, findings, design, expected in TABLE:
        found = word([*findings, g3(status)], design)
        assert found == (expected if expected != "PATHOLOGY" or status == "clear" else "UNDETERMINED"), case


def test_undetermined_says_what_lies_outside_the_masks_and_what_would_settle_it():
    verdict = decide([G1, u4(0.001, 0.6, 0.8)], NESTED, "origin", PROTOCOL)
    assert "60-80 % of the class gap lies outside the marked pathology" in verdict.reason
    assert "both classes" in verdict.settle


def test_corroboration_is_named_and_reliance_clipped():
    features = Finding("U3", "concern", "features differ")
    verdict = decide([G1, u4(0.001, 0.9, 1.4), a2(), features], NESTED, "origin", PROTOCOL)
    assert verdict.reliance.high == 1.0
    assert verdict.reliance.source == "U4"
    assert {"A2", "U3"} <= set(verdict.reliance.corroborated_by)


def test_a_number_that_is_not_finite_supports_no_verdict():
    findings = [G1, replace(u4(0.001), low=np.nan, high=np.nan)]
    assert word(findings, COMPLETE) == "UNDETERMINED"


def test_headline_is_the_worst():
    verdicts = [Verdict(w, "", "origin", decide([], CROSSED, "origin", PROTOCOL).reliance) for w in VERDICT_ORDER]
    assert headline(verdicts).word == "ORIGIN"
    assert headline(verdicts[:2]).word == "UNDETERMINED"
    assert headline(list(reversed(verdicts))).word == "ORIGIN"


def test_every_reason_is_plain_sentences():
    for _, findings, design, _ in TABLE:
        verdict = decide(findings, design, "origin", PROTOCOL)
        assert verdict.reason.endswith(".") or verdict.reason.endswith("AUC .9"), verdict.reason
        assert "nan" not in verdict.reason.lower()


def contrast(name, *findings):
    return [replace(finding, contrast=name) for finding in findings]


def test_holm_runs_over_all_contrasts():
    ms, tumour = contrast("ms", G1, u1(0.03, reliance=HIGH)), contrast("tumour", G1, u1(0.9, reliance=HIGH))
    designs = {"ms": CROSSED, "tumour": CROSSED}
    assert decide(ms, CROSSED, "origin", PROTOCOL).word == "ORIGIN"
    assert [v.word for v in decide_contrasts(ms + tumour, designs, "origin", PROTOCOL)] == ["UNDETERMINED"] * 2
    clear = contrast("ms", G1, u1(0.001, reliance=HIGH))
    assert [v.word for v in decide_contrasts(clear + tumour, designs, "origin", PROTOCOL)] == ["ORIGIN", "UNDETERMINED"]


def test_a_contrast_is_judged_by_its_own_findings_and_design():
    findings = contrast("ms", G1, u4(0.001, 0.6, 0.9)) + contrast("tumour", u4(0.001, 0.6, 0.9))
    first, second = decide_contrasts(findings, {"ms": COMPLETE, "tumour": COMPLETE}, "origin", PROTOCOL)
    assert (first.word, first.contrast) == ("ORIGIN", "ms")
    assert (second.word, second.contrast) == ("UNDETERMINED", "tumour")
    assert "beats chance was not asked" in second.reason
    assert headline([second, first]).contrast == "ms"


def test_two_classes_are_one_contrast_without_a_name():
    for _, findings, design, expected in TABLE:
        (verdict,) = decide_contrasts(findings, {None: design}, "origin", PROTOCOL)
        assert (verdict.word, verdict.contrast) == (expected, None)
        assert verdict == decide(findings, design, "origin", PROTOCOL)


UNMARKED = Design("aliased", False, False)


def u5(p=0.5, low=0.0, high=0.2, may_flag=True) -> Finding:
    status = "concern" if p <= 0.05 else "inconclusive"
    return Finding("U5", status, "transfer", (low + high) / 2, low, high, p, 0.1, flag=Flag(may_flag=may_flag))


@pytest.mark.parametrize(
    ("findings", "design", "expected"),
    [
        ([G1, u5(0.001, 0.6, 0.8)], UNMARKED, "ORIGIN"),
        ([G1, u5(0.001, 0.2, 0.4)], UNMARKED, "MIXED"),
        ([G1, u5(0.001, 0.05, 0.4)], UNMARKED, "UNDETERMINED"),
        ([G1, u5(0.001, 0.6, 0.8, may_flag=False)], UNMARKED, "UNDETERMINED"),
        ([G1, u5(0.9, 0.0, 0.01), a2("clear")], UNMARKED, "UNDETERMINED"),
        ([G1, u4(0.001, 0.6, 0.8), u5(0.001, 0.3, 0.4)], NESTED, "ORIGIN"),
        ([G1, u4(0.001, 0.6, 0.8), u5(0.5)], NESTED, "UNDETERMINED"),
    ],
)
def test_a_transferred_signature_convicts_and_never_clears(findings, design, expected):
    assert word(findings, design) == expected


def test_a_transfer_alone_says_what_else_could_do_it():
    alone = decide([G1, u5(0.001, 0.6, 0.8)], UNMARKED, "origin", PROTOCOL)
    backed = decide([G1, u5(0.001, 0.6, 0.8), a2()], UNMARKED, "origin", PROTOCOL)
    assert "looks alike in every patient" in alone.reason
    assert "looks alike in every patient" not in backed.reason
    assert alone.reliance.source == "U5"


def test_an_incompetent_target_that_follows_the_origin_is_named():
    blind = Finding("G1", "inconclusive", "the held-out AUC is 0.53 [0.41, 0.57]: not shown to be above chance.")
    alone = decide([blind, u1(0.5)], CROSSED, "origin", PROTOCOL)
    follows = decide([blind, u1(0.001, reliance=SOME)], CROSSED, "origin", PROTOCOL)
    ruled = decide([blind, u1(0.001, reliance=HIGH)], CROSSED, "origin", PROTOCOL)
    assert (alone.word, follows.word, ruled.word) == ("UNDETERMINED", "UNDETERMINED", "ORIGIN")
    assert (alone.flagged, follows.flagged, ruled.flagged) == ((), ("U1",), ("U1",))
    assert "tell the classes apart (the held-out AUC is 0.53 [0.41, 0.57])." in alone.reason
    assert "follow the origin" not in alone.reason
    assert "follow the origin all the same (U1)" in follows.reason
    assert "learned something" not in follows.settle
    assert "are not shown to follow the disease (the held-out AUC is 0.53 [0.41, 0.57]): 60-80 %" in ruled.reason


def bound(code, p=0.001, low=0.6) -> Finding:
    return Finding(code, "concern", "field", 0.8, low, None, p, 0.1, flag=Flag(may_flag=True))


WIDE = replace(p1(share=(0.5, -0.4, 1.4)), status="inconclusive")
"""Three probes that lie anywhere."""

ILL = (None, 0.7, None)
"""Share that patients of the healthy source show: a lower bound."""


@pytest.mark.parametrize(
    ("findings", "design", "expected"),
    [
        ([G1, p1(0.001, (0.9, 0.8, 1.0))], UNMARKED, "ORIGIN"),
        ([G1, p1(0.001, (0.3, 0.2, 0.4))], UNMARKED, "MIXED"),
        ([G1, p1()], UNMARKED, "PATHOLOGY"),
        ([G1, p1(share=(0.15, 0.0, 0.3))], UNMARKED, "UNDETERMINED"),
        ([G1, p1(), a2()], UNMARKED, "PATHOLOGY"),
        ([G1, p1(), g3("inconclusive")], UNMARKED, "PATHOLOGY"),
        ([G1, p1(), u1(0.001, class_name="healthy")], NESTED, "UNDETERMINED"),
        ([G1, p1(), u4(0.001, 0.6, 0.8)], NESTED, "PATHOLOGY"),
        ([G1, p1(), bound("U13"), bound("U14"), u5(0.001, 0.6, 0.8)], UNMARKED, "PATHOLOGY"),
        ([G1, replace(p1(0.001, ILL), high=None)], UNMARKED, "ORIGIN"),
        ([G1, p1(), replace(p1(0.001, ILL, healthy=False), high=None)], UNMARKED, "UNDETERMINED"),
        ([replace(G1, status="inconclusive"), p1()], UNMARKED, "UNDETERMINED"),
        ([G1, WIDE, u4(0.001, 0.6, 0.8)], COMPLETE, "ORIGIN"),
        ([G1, WIDE, bound("U13"), bound("U14")], UNMARKED, "MIXED"),
        ([G1, WIDE], UNMARKED, "UNDETERMINED"),
        ([G1, bound("U13"), bound("U14")], UNMARKED, "MIXED"),
        ([G1, bound("U13")], UNMARKED, "MIXED"),
        ([G1, bound("U14", low=0.3)], UNMARKED, "MIXED"),
        ([G1, bound("U14", low=0.2)], UNMARKED, "UNDETERMINED"),
        ([G1, bound("U14", p=0.5)], UNMARKED, "UNDETERMINED"),
        ([G1, u4(0.001, 0.6, 0.8), bound("U13", low=0.2)], NESTED, "ORIGIN"),
    ],
)
def test_probes_decide_where_they_are_and_fields_convict_only(findings, design, expected):
    assert word(findings, design) == expected


def test_a_pathology_by_probes_is_not_provisional_and_says_what_it_leaves_open():
    verdict = decide([G1, p1()], UNMARKED, "origin", PROTOCOL)
    assert not verdict.provisional
    assert "at most 15 %" in verdict.reason
    assert "probes: b" in verdict.settle


def test_a_lower_bound_is_said_to_be_one_and_what_it_speaks_of():
    verdict = decide([G1, bound("U13", low=0.8), bound("U14", low=0.9)], UNMARKED, "origin", PROTOCOL)
    assert (verdict.reliance.estimate, verdict.reliance.low, verdict.reliance.high) == (None, 0.4, None)
    assert verdict.reliance.kind == "bound"
    assert "At least 40 % of the class gap comes from outside the field that you declared" in verdict.reason
    assert "source, projection or positioning" in verdict.reason


def test_with_nothing_declared_and_nothing_to_erase_there_is_no_number_and_probes_are_asked_for():
    asked = Finding("P1", "not_applicable", "there are no probes", remedy="Bring 20 images of healthy subjects from b.")
    verdict = decide([G1, u5(0.001, 0.3, 0.4, may_flag=False), asked], UNMARKED, "origin", PROTOCOL)
    assert verdict.word == "UNDETERMINED"
    assert verdict.reliance.low is None
    assert verdict.reliance.kind is None
    assert "Bring 20 images of healthy subjects from b." in verdict.settle


def test_lesions_in_both_classes_are_never_cleared_by_erasure_alone():
    everywhere = PROTOCOL.cohort.model_copy(update={"mask_in": "all"})
    protocol = PROTOCOL.model_copy(update={"cohort": everywhere})
    findings = [G1, u4(high=0.2), a2("clear")]
    assert decide(findings, NESTED, "origin", PROTOCOL).word == "PATHOLOGY"
    verdict = decide(findings, NESTED, "origin", protocol)
    assert verdict.word == "UNDETERMINED"
    assert "erasing them cannot show that there is no bias" in verdict.reason
    assert decide([G1, p1()], NESTED, "origin", protocol).word == "PATHOLOGY"


def test_probes_that_do_not_tell_are_not_said_to_be_absent():
    few = Finding("P1", "inconclusive", "2 of the probes", remedy="Bring 20 images.", flag=Flag(may_flag=False))
    verdict = decide([G1, few], UNMARKED, "origin", PROTOCOL)
    assert "the probes do not tell" in verdict.reason
    assert "Bring 20 images." in verdict.settle


def needs(n_needed, share_needed=None, n=120, high=0.15, class_name=None) -> Finding:
    flag = Flag(True, equivalent=False, n_needed=n_needed, reliance=Share(0.05, 0.0, high, share_needed))
    return Finding("U1", "inconclusive", "scores", p_value=0.5, n=n, class_name=class_name, flag=flag)


@pytest.mark.parametrize(
    ("findings", "said"),
    [
        ([G1, needs(240)], "About 240 subjects in all"),
        ([G1, needs(120)], "Classes balanced or matched within each origin would."),
        ([G1, needs(120), g3("inconclusive")], "planted signature"),
        ([G1, needs(120, high=0.6)], "More subjects in each class and origin"),
        ([G1, needs(120, 300, high=0.6)], "About 300 subjects in all"),
        ([G1, needs(120, high=0.6), needs(90, n=40, class_name="healthy")], "More subjects in each class and origin"),
    ],
)
def test_no_advice_to_bring_as_many_subjects_as_there_are(findings, said):
    verdict = decide(findings, CROSSED, "origin", PROTOCOL)
    assert verdict.word == "UNDETERMINED"
    assert said in verdict.settle


def test_the_advice_names_only_inputs_that_can_be_had():
    table = {"reader": "table", "table": "t.tsv", "label": {"positive": "ms"}, "origins": ["site"]}
    ready = Protocol.model_validate({"cohort": {"reader": "phantom"}, "target": {"weights": ["w.pt"]}})
    scored = Protocol.model_validate({"cohort": {**table, "score": "p"}})
    for findings, design in (([G1, u1(0.001, reliance=HIGH)], CROSSED), ([G1, u5(0.001, 0.6, 0.8)], UNMARKED)):
        settle = decide(findings, design, "origin", PROTOCOL).settle
        assert "tissue" not in settle
        assert "`--with-remedies`" in settle
        for protocol in (ready, scored):
            assert "train anew and audit again." in decide(findings, design, "origin", protocol).settle


def test_no_images_are_spoken_of_where_features_or_scores_are_given():
    table = {"reader": "table", "table": "t.tsv", "label": {"positive": "ms"}, "origins": ["site"]}
    for given in ({"score": "p"}, {"features": ["a"]}):
        protocol = Protocol.model_validate({"cohort": table | given})
        for findings, design in (([G1, u5(0.001, 0.6, 0.8)], UNMARKED), ([G1], UNMARKED)):
            verdict = decide(findings, design, "origin", protocol)
            assert "image" not in f"{verdict.reason} {verdict.settle}".replace("images of the other class", "")
            assert "mask" not in verdict.settle


def test_the_tests_of_the_whole_audit_are_corrected_together():
    findings = [G1, u1(0.01, reliance=HIGH)]
    (alone,) = decide_contrasts(findings, {None: CROSSED}, "origin", PROTOCOL)
    (beside,) = decide_contrasts(findings, {None: CROSSED}, "origin", PROTOCOL, [0.5, 0.9, float("nan")])
    (lost,) = decide_contrasts(findings, {None: CROSSED}, "origin", PROTOCOL, [0.5] * 5)
    (helped,) = decide_contrasts(findings, {None: CROSSED}, "origin", PROTOCOL, [0.0001] * 5)
    assert (alone.word, alone.tests, beside.word, beside.tests) == ("ORIGIN", 1, "ORIGIN", 3)
    assert (lost.word, lost.flagged, lost.tests) == ("UNDETERMINED", (), 6)
    assert "U1 would count as a concern alone, but not among the 6 tests of the whole audit" in lost.reason
    assert helped.word == "ORIGIN"  # Holm steps down: what others reject no longer counts


def test_a_wider_correction_never_clears():
    findings = [G1, u1(0.01, True, NONE), g3()]
    assert decide_contrasts(findings, {None: CROSSED}, "origin", PROTOCOL)[0].word == "UNDETERMINED"
    assert decide_contrasts(findings, {None: CROSSED}, "origin", PROTOCOL, [0.5] * 9)[0].word == "UNDETERMINED"
    unmoved = [G1, u1(0.5, True, NONE), g3()]
    assert decide_contrasts(unmoved, {None: CROSSED}, "origin", PROTOCOL, [0.5] * 9)[0].word == "PATHOLOGY"
