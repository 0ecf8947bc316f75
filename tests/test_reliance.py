"""Which check the reliance is taken from, and how."""

from __future__ import annotations

import pytest

from biasaudit.records import Finding, Flag, Reliance, Share
from biasaudit.reliance import RELIANCE_SOURCES, corroboration, estimate_reliance

U1 = Finding("U1", "concern", "scores", 9.0, flag=Flag(True, reliance=Share(0.3, 0.2, 0.4)))
U4 = Finding("U4", "concern", "gap", 0.7, 0.6, 0.8, flag=Flag(may_flag=True))
U5 = Finding("U5", "clear", "edit", 0.1, 0.0, 0.2, flag=Flag(may_flag=True))


@pytest.mark.parametrize(
    ("regime", "findings", "expected"),
    [
        ("crossed", [U4, U5, U1], Reliance(0.3, 0.2, 0.4, "U1")),
        ("crossed", [U4, U5], Reliance()),
        ("nested", [U5, U1, U4], Reliance(0.7, 0.6, 0.8, "U4")),
        ("aliased", [U1, U5], Reliance(0.1, 0.0, 0.2, "U5")),
        ("aliased", [U1], Reliance()),
    ],
)
def test_it_comes_from_the_first_source_that_the_design_allows(regime, findings, expected):
    assert estimate_reliance(findings, regime) == expected


def test_a_check_that_may_not_flag_or_says_nothing_gives_no_estimate():
    silent = Finding("U4", "concern", "gap", 0.7, 0.6, 0.8, flag=Flag(may_flag=False))
    bare = Finding("U4", "concern", "gap", 0.7, 0.6, 0.8)
    without = Finding("U4", "inconclusive", "gap", flag=Flag(may_flag=True))
    assert estimate_reliance([silent, bare, without, U5], "nested").source == "U5"
    unmeasured = Finding("U1", "clear", "scores", flag=Flag(True, reliance=Share(None, None, None)))
    assert estimate_reliance([unmeasured, U1], "crossed").estimate == 0.3


def test_it_is_clipped_to_a_share_and_drops_what_is_not_finite():
    wide = Finding("U4", "concern", "gap", float("nan"), -0.5, 1.5, flag=Flag(may_flag=True))
    assert estimate_reliance([wide], "nested", ("A2",)) == Reliance(None, 0.0, 1.0, "U4", ("A2",))


def test_corroboration_names_the_concerns_in_one_order_and_each_once():
    concerns = [Finding(code, "concern", "") for code in ("U12", "U4", "A2", "A2", "G1")]
    assert corroboration([*concerns, Finding("U3", "clear", "")]) == ("A2", "U12")


def test_every_source_is_asked_for_in_crossed_designs_or_in_the_others():
    assert [(source.code, source.crossed) for source in RELIANCE_SOURCES] == [
        ("U1", True),
        ("U4", False),
        ("U5", False),
    ]
