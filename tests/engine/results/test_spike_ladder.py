"""Who is given a stronger plant."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from biasaudit.engine.results.spike_ladder import to_climb
from biasaudit.records import Finding, Recipe

UNTOUCHED = {"taken_up": False, "rungs_left": 3, "planted_owed": 0.05, "owed_below": [0.02]}


@pytest.fixture
def climbing():
    """Ask who climbs, given the details of G3 by origin factor."""

    def ask(codes=("D1", "G3"), **by_factor):
        def findings(arm, factor):
            return [Finding("D1", "clear", ""), Finding("G3", "inconclusive", "", details=by_factor[factor])]

        protocol = SimpleNamespace(arms=[SimpleNamespace(name="intensity", recipe=Recipe("intensity"))])
        situation = SimpleNamespace(protocol=protocol, codes=lambda recipe: codes)
        return to_climb(SimpleNamespace(situation=situation, factors=tuple(by_factor), findings=findings))

    return ask


def test_what_was_not_taken_up_gives_way_to_the_next_rung(climbing):
    assert climbing(site=UNTOUCHED) == {(Recipe("intensity"), None): (0.02, 0.05)}


@pytest.mark.parametrize("change", [{"taken_up": True}, {"rungs_left": 0}])
def test_taken_up_or_at_the_top_nothing_more_is_asked(climbing, change):
    assert climbing(site={**UNTOUCHED, **change}) == {}


def test_a_question_that_could_not_be_asked_does_not_climb(climbing):
    assert climbing(site={}) == {}


def test_one_factor_that_is_not_content_is_enough(climbing):
    assert climbing(site={**UNTOUCHED, "taken_up": True}, scanner=UNTOUCHED) == {
        (Recipe("intensity"), None): (0.02, 0.05)
    }


def test_an_audit_without_the_test_reads_no_findings(climbing):
    assert climbing(codes=("D1",), site=UNTOUCHED) == {}


def test_no_gap_counts_as_nothing_owed(climbing):
    assert climbing(site={**UNTOUCHED, "planted_owed": None}) == {(Recipe("intensity"), None): (0.02, 0.0)}
