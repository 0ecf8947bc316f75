"""What every kind of evidence owes the planner and the checks."""

from __future__ import annotations

from dataclasses import replace

import pytest
from engine.planned import about, judgement

from biasaudit import registry
from biasaudit.checks.check import required
from biasaudit.engine.evidence.kind import ALWAYS_THERE, Asked, Planned, kinds_of
from biasaudit.engine.jobs.code_version import Component
from biasaudit.engine.plan import plan_audit
from biasaudit.protocol import Protocol

KINDS = registry.names("evidence")
CODES = registry.names("check")
EVERY_CHECK = f"checks: [{', '.join(CODES)}]\n"


@pytest.mark.parametrize("name", KINDS)
def test_a_kind_is_called_like_its_file_and_names_sections_that_there_are(name):
    kind = registry.get("evidence", name)
    assert kind.name == name == kind.__module__.rpartition(".")[2]
    assert set(kind.settings) <= set(Protocol.model_fields)
    assert set(kind.after) <= set(KINDS)


@pytest.mark.parametrize("code", CODES)
def test_every_word_in_the_needs_of_a_check_is_a_kind(code):
    check = registry.get("check", code)
    assert set(check.needs) - {ALWAYS_THERE} <= set(KINDS)
    for kind in (registry.get("evidence", name) for name in kinds_of(check)):
        named = list(check.needs)
        assert all(named.index(first) < named.index(kind.name) for first in kind.after if first in named)


@pytest.mark.parametrize("name", KINDS)
def test_planning_a_kind_twice_adds_no_job(name, situation, facts):
    own = situation(EVERY_CHECK, masked=True)
    first, second = plan_audit(own, facts(own)), plan_audit(own, facts(own))
    assert [job.key for job in first.jobs] == [job.key for job in second.jobs]


@pytest.mark.parametrize("code", CODES)
def test_a_judgement_is_shown_the_kinds_that_its_check_names_and_nothing_else(code, situation, facts):
    own = situation(EVERY_CHECK, masked=True)
    plan = plan_audit(own, facts(own))
    job, check = judgement(plan, code), registry.get("check", code)
    assert set(job.arguments.request.kinds) == set(kinds_of(check))
    of_kinds = {role for which in plan.evidence.values() for kind in kinds_of(check) for role in which.needs[kind]}
    assert set(job.needs) == of_kinds
    assert set(job.arguments.components) == {
        Component("check", code), *(Component("evidence", kind) for kind in kinds_of(check))
    }  # fmt: skip


class TestWhatIsJudgedAgain:
    def changed(self, situation, facts, extra):
        before, after = situation(EVERY_CHECK, masked=True), situation(EVERY_CHECK + extra, masked=True)
        first, second = plan_audit(before, facts(before)), plan_audit(after, facts(after))
        return {judged.code for judged, key in first.judged.items() if second.judged[judged] != key}

    def test_attribution_steps_change_the_checks_that_look_at_maps(self, situation, facts):
        of_maps = {code for code in CODES if "maps" in registry.get("check", code).needs}
        assert self.changed(situation, facts, "attribution: {steps: 20}\n") == of_maps

    def test_the_height_of_look_alikes_changes_the_check_of_leakage(self, situation, facts):
        assert self.changed(situation, facts, "leakage: {height: 9.0}\n") == {"D3"}

    def test_the_number_of_permutations_changes_all(self, situation, facts):
        assert self.changed(situation, facts, "statistics: {n_permutations: 500}\n") == set(CODES)


@pytest.mark.parametrize("code", [code for code in CODES if "maps" not in registry.get("check", code).needs])
def test_a_kind_is_planned_only_where_a_check_cannot_do_without_it(code, situation, facts):
    own = situation(f"checks: [{code}]\n", masked=True)
    plan = plan_audit(own, facts(own))
    assert not any(job.step in ("attribute", "faithfulness") for job in plan.jobs)
    needed = required(registry.get("check", code)) - {ALWAYS_THERE}
    (planned,) = plan.evidence.values()
    free = {name for name in KINDS if registry.get("evidence", name).free}
    assert needed <= set(planned.needs) <= needed | free


def test_a_feature_table_is_not_asked_for_pixels(situation, facts):
    own = situation(EVERY_CHECK)
    tabular = replace(own, cohort=replace(own.cohort, features=("volume",)))
    plan = plan_audit(tabular, facts(own))
    withheld = {code: judgement(plan, code).arguments.withheld for code in CODES}
    assert {code for code, reason in withheld.items() if reason} == {
        "A2",
        "A3",
        "G3",
        "U4",
        "U5",
        "U6",
        "U8",
        "U13",
        "U14",
    }
    assert all("no pixels" in reason for reason in withheld.values() if reason)
    assert about(judgement(plan, "U10"), "unseen_origin")


def test_planned_evidence_without_jobs_is_no_evidence():
    assert Planned().needs == {}
    assert Asked.__dataclass_params__.frozen
