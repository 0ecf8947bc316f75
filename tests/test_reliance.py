"""From which check the reliance is taken from, and how."""

from __future__ import annotations

from dataclasses import replace

import pytest

from biasaudit.records import Finding, Flag, Reliance, Share
from biasaudit.reliance import RELIANCE_SOURCES, corroboration, estimate_reliance, is_measured_by_probes

U1 = Finding("U1", "concern", "scores", 9.0, flag=Flag(True, reliance=Share(0.3, 0.2, 0.4)))
U4 = Finding("U4", "concern", "gap", 0.7, 0.6, 0.8, flag=Flag(may_flag=True))
U5 = Finding("U5", "clear", "edit", 0.1, 0.0, 0.2, flag=Flag(may_flag=True))


P1 = Finding("P1", "clear", "probes", 0.1, 0.0, 0.2, flag=Flag(True, reliance=Share(0.1, 0.0, 0.2)))
P1_ILL = Finding("P1", "concern", "probes", 0.9, 0.7, flag=Flag(True, reliance=Share(low=0.7)))
U14 = Finding("U14", "concern", "field", 0.9, 0.8, flag=Flag(may_flag=True))
U13 = Finding("U13", "concern", "frame", 0.6, 0.4, flag=Flag(may_flag=True))


@pytest.mark.parametrize(
    ("regime", "findings", "expected"),
    [
        ("crossed", [U4, U5, U1, P1], Reliance(0.3, 0.2, 0.4, "U1", kind="interval")),
        ("crossed", [U4, U5], Reliance()),
        ("nested", [U5, U1, U4], Reliance(0.7, 0.6, 0.8, "U4", kind="interval")),
        ("nested", [U5, U1, U4, P1_ILL, P1], Reliance(0.1, 0.0, 0.2, "P1", kind="interval")),
        ("aliased", [U1], Reliance()),
    ],
)
def test_it_comes_from_the_first_source_that_the_design_allows(regime, findings, expected):
    assert estimate_reliance(findings, regime) == expected


def test_a_lower_bound_has_neither_estimate_nor_upper_end_and_counts_only_where_it_is_flagged():
    assert estimate_reliance([U5, U13], "aliased") == Reliance()
    assert estimate_reliance([U5, U13], "aliased", [U13]) == Reliance(None, 0.2, None, "U13", kind="bound")


def test_the_largest_of_several_bounds_is_taken():
    assert estimate_reliance([], "aliased", [U13, P1_ILL]) == Reliance(None, 0.7, None, "P1", kind="bound")
    assert estimate_reliance([], "aliased", [U5]) == Reliance()


def test_of_two_edits_of_a_field_half_of_the_smaller_bound_counts():
    assert estimate_reliance([], "aliased", [U13, U14]) == Reliance(None, 0.2, None, "U13", kind="bound")
    assert estimate_reliance([], "aliased", [U14]).low == 0.4
    assert estimate_reliance([], "aliased", [U13]).low == 0.2


def test_probes_measure_from_both_sides_unless_only_a_bound_is_known():
    assert is_measured_by_probes([U4, P1])
    assert not is_measured_by_probes([U4, P1_ILL])


def test_a_check_that_may_not_flag_or_says_nothing_gives_no_estimate():
    silent = Finding("U4", "concern", "gap", 0.7, 0.6, 0.8, flag=Flag(may_flag=False))
    bare = Finding("U4", "concern", "gap", 0.7, 0.6, 0.8)
    without = Finding("U4", "inconclusive", "gap", flag=Flag(may_flag=True))
    assert estimate_reliance([silent, bare, without], "nested").source is None
    unmeasured = Finding("U1", "clear", "scores", flag=Flag(True, reliance=Share(None, None, None)))
    assert estimate_reliance([unmeasured, U1], "crossed").estimate == 0.3


def test_it_is_clipped_to_a_share_and_drops_what_is_not_finite():
    wide = Finding("U4", "concern", "gap", float("nan"), -0.5, 1.5, flag=Flag(may_flag=True))
    expected = Reliance(None, 0.0, 1.0, "U4", ("A2",), "interval")
    assert estimate_reliance([wide], "nested", (), ("A2",)) == expected


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ((1.25, 1.125, 1.5), (1.0, 0.875, 1.0)),
        ((-0.25, -0.375, -0.125), (0.0, 0.0, 0.125)),
        ((0.5, 0.25, 1.5), (0.5, 0.25, 1.0)),
    ],
)
def test_no_share_is_known_for_certain(found, expected):
    """An interval beyond an end of the scale keeps its length on the side of the scale."""
    beyond = Finding("U4", "concern", "gap", *found, flag=Flag(may_flag=True))
    assert estimate_reliance([beyond], "nested") == Reliance(*expected, "U4", kind="interval")


def test_it_has_the_level_of_the_interval_that_it_is_from():
    wide, sure = replace(U4, level=0.9), replace(U13, level=0.95)
    assert estimate_reliance([U5, wide], "nested").level == 0.9
    assert estimate_reliance([sure], "aliased", [sure]).level == 0.95
    assert estimate_reliance([], "aliased").level is None


def test_what_the_reliance_is_from_does_not_corroborate_itself():
    assert estimate_reliance([U13], "aliased", [U13], ("A2", "U13")).corroborated_by == ("A2",)
    assert estimate_reliance([U1], "crossed", [U1], ("A2", "U1")).corroborated_by == ("A2",)


def test_corroboration_names_the_concerns_in_one_order_and_each_once():
    concerns = [Finding(code, "concern", "") for code in ("U12", "U4", "A2", "A2", "G1")]
    assert corroboration([*concerns, Finding("U3", "clear", "")]) == ("A2", "U12")


def test_only_what_measures_from_both_sides_gives_an_interval():
    assert [source.code for source in RELIANCE_SOURCES if not source.bound] == ["U1", "P1", "U4"]
    assert {source.code for source in RELIANCE_SOURCES if source.bound} == {"P1", "U13", "U14", "U5"}


def test_probes_that_lie_anywhere_leave_the_number_to_other_checks():
    wide = Finding("P1", "inconclusive", "probes", 0.5, -0.4, 1.4, flag=Flag(True, reliance=Share(0.5, -0.4, 1.4)))
    assert estimate_reliance([wide, U4], "aliased").source == "U4"
    assert estimate_reliance([wide, U14], "aliased", [U14]).kind == "bound"
    assert estimate_reliance([wide], "aliased").source == "P1"
    assert not is_measured_by_probes([wide])


def test_of_several_classes_of_probes_the_worst_counts():
    other = Finding("P1", "concern", "probes", 0.5, 0.4, 0.6, flag=Flag(True, reliance=Share(0.5, 0.4, 0.6)))
    for findings in ([P1, other], [other, P1]):
        assert estimate_reliance(findings, "aliased").estimate == 0.5
