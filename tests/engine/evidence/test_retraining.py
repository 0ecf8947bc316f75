from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from engine.planned import about, by_key, judgement, keys

from biasaudit.engine.evidence.judgements import Judged
from biasaudit.engine.jobs.job import Role
from biasaudit.engine.plan import plan_audit
from biasaudit.engine.situation.outline import BLOCK
from biasaudit.engine.situation.situation import CONFIRMATION
from biasaudit.records import Recipe


def phi(own, rows):
    samples = [own.cohort.samples[row] for row in rows]
    return np.corrcoef([s.positive for s in samples], [s.origins["site"] == "b" for s in samples])[0, 1]


def nested(own):
    samples = tuple(replace(s, origins={"site": "b" if s.positive else "a"}) for s in own.cohort.samples)
    return replace(own, cohort=replace(own.cohort, samples=samples))


class TestUnseenOrigin:
    def _pairs(self, plan):
        """Origin, fold place, rows held out, and the training of both networks."""
        jobs, judged = by_key(plan), judgement(plan, "U10")
        for origin in about(judged, "unseen_origin").of_origin:
            keys = zip(judged.needs[Role("unseen", origin)], judged.needs[Role("reference", origin)], strict=True)
            for place, pair in enumerate(keys):
                scores = [jobs[key] for key in pair]
                held = list(scores[0].arguments.rows)
                assert all(list(job.arguments.rows) == held for job in scores)
                yield origin, place, held, [jobs[job.needs[Role("models")][0]].arguments for job in scores]

    def test_the_network_never_saw_the_origin_and_its_twin_saw_as_many_of_each_class(self, planned):
        own, plan = planned("checks: [U10]\n")
        samples, seen = own.cohort.samples, set()
        for origin, place, held, (unseen, reference) in self._pairs(plan):
            assert {samples[row].origins["site"] for row in held} == {origin}
            assert {own.folds[row] for row in held} == {place}
            assert origin not in {samples[row].origins["site"] for row in unseen.rows}
            assert origin in {samples[row].origins["site"] for row in reference.rows}
            for training in (unseen, reference):
                assert place not in {own.folds[row] for row in training.rows}
            assert Counter(unseen.targets) == Counter(reference.targets)
            assert unseen.seed == reference.seed
            seen.add((origin, place))
        assert seen == {(origin, fold) for origin in "ab" for fold in range(3)}

    def test_size_of_the_training_is_told(self, planned):
        _, plan = planned("checks: [U10]\n")
        told = about(judgement(plan, "U10"), "unseen_origin").of_origin
        for origin, place, _, (unseen, _) in self._pairs(plan):
            assert told[origin][place] == len(unseen.rows)

    def test_seeds_are_averaged(self, planned):
        _, plan = planned("checks: [U10]\ntarget: {training: {seeds: 2}}\n")
        job = by_key(plan)[judgement(plan, "U10").needs[Role("unseen", "a")][0]]
        assert len(set(job.needs[Role("models")])) == 2

    def test_small_origins_and_designs_without_both_classes_are_skipped(self, planned, situation, facts):
        _, plan = planned("checks: [U10]\n", sites=tuple("abcdefghij"))
        own = nested(situation("checks: [U10]\n"))
        for skipped in (plan, plan_audit(own, facts(own))):
            judged = judgement(skipped, "U10")
            assert "no origin can be left out" in about(judged, "unseen_origin").reason
            assert not judged.needs

    def test_it_is_planned_only_where_it_was_asked(self, planned):
        _, plan = planned()
        assert not any("retrain" in job.title for job in plan.jobs)


class TestDoseResponse:
    @pytest.fixture
    def doses(self, planned):
        own, plan = planned("checks: [U11]\n", n=150)
        return own, plan, judgement(plan, "U11")

    def _trainings(self, plan, judged):
        jobs = by_key(plan)
        for level in about(judged, "dose_response").levels:
            for fold, key in enumerate(judged.needs[Role("level", str(level))]):
                yield level, fold, jobs[key].arguments.rows, jobs[jobs[key].needs[Role("models")][0]].arguments

    def test_trainings_differ_in_association_alone(self, doses):
        own, plan, judged = doses
        size, seeds = about(judged, "dose_response").training_size, {}
        assert size >= 40
        for level, fold, _, training in self._trainings(plan, judged):
            rows = training.rows
            assert len(set(rows)) == size
            assert sum(training.targets) == size // 2
            assert abs(phi(own, rows)) == pytest.approx(level, abs=0.06)
            assert fold not in {own.folds[row] for row in rows}
            seeds.setdefault(fold, set()).add(training.seed)
        assert [len(found) for found in seeds.values()] == [1, 1, 1]
        assert len(set.union(*seeds.values())) == 3

    def test_every_level_is_tested_on_the_same_balanced_rows(self, doses):
        own, plan, judged = doses
        told, tested = about(judged, "dose_response"), {}
        for _, fold, held, _ in self._trainings(plan, judged):
            assert tested.setdefault(fold, held) == held
            assert {own.folds[row] for row in held} == {fold}
            cells = Counter((own.cohort.samples[row].positive, own.cohort.samples[row].origins["site"]) for row in held)
            assert len(cells) == 4
            assert len(set(cells.values())) == 1
            sides = [own.cohort.samples[row].origins["site"] in told.sides[1] for row in held]
            assert [told.side[row] for row in held] == sides

    def test_too_few_subjects_are_told(self, planned, situation, facts):
        _, plan = planned("checks: [U11]\n")
        reason = about(judgement(plan, "U11"), "dose_response").reason
        assert "40 are needed" in reason
        own = nested(situation("checks: [U11]\n", n=150))
        judged = judgement(plan_audit(own, facts(own)), "U11")
        assert "on 0 of them" in about(judged, "dose_response").reason


class TestSpikeIn:
    @pytest.fixture
    def planted(self, planned):
        own, plan = planned("checks: [G3]\n", n=150)
        return own, plan, judgement(plan, "G3")

    def test_shares_of_the_classes(self, planted):
        own, _, judged = planted
        positive = np.array([sample.positive for sample in own.cohort.samples])
        site = np.array([sample.origins["site"] for sample in own.cohort.samples])
        edited = {name: np.array(rows) for name, rows in vars(about(judged, "spike_in").edited).items()}
        assert edited["planted"][positive].mean() == pytest.approx(0.9, abs=0.06)
        assert edited["planted"][~positive].mean() == pytest.approx(0.1, abs=0.06)
        for own_class in (positive, ~positive):
            assert edited["sham"][own_class].mean() == pytest.approx(0.5, abs=0.06)
            for name in ("planted", "sham"):  # the edit says nothing of the origin
                shares = [edited[name][own_class & (site == origin)].mean() for origin in "ab"]
                assert shares[0] == pytest.approx(shares[1], abs=0.15)

    def test_images_of_a_subject_are_edited_alike(self, planted):
        own, _, judged = planted
        for rows in vars(about(judged, "spike_in").edited).values():
            found = {}
            for sample, edited in zip(own.cohort.samples, rows, strict=True):
                found.setdefault(sample.subject, set()).add(edited)
            assert {len(own) for own in found.values()} == {1}

    def test_blocks_carry_their_own_part_of_the_assignment(self, planted):
        _, plan, judged = planted
        spikes = [job for job in plan.jobs if job.step == "spike_in"]
        assert [job.needs[Role("inputs")] for job in spikes] == [(key,) for key in plan.inputs[Recipe("intensity")]]
        for name, rows in vars(about(judged, "spike_in").edited).items():
            assert [edited for job in spikes for edited in getattr(job.arguments, name)] == list(rows)
            assert all(len(getattr(job.arguments, name)) <= BLOCK for job in spikes)

    def test_networks_learn_from_the_edited_copy_and_score_both_versions(self, planted):
        own, plan, judged = planted
        jobs = by_key(plan)
        spikes = tuple(job.key for job in plan.jobs if job.step == "spike_in")
        for name in ("planted", "sham"):
            for fold in range(3):
                plain, edited = (jobs[judged.needs[Role(name, v)][fold]] for v in ("original", "spiked"))
                assert plain.needs[Role("models")] == edited.needs[Role("models")]
                assert plain.needs[Role("inputs")] == plan.inputs[Recipe("intensity")]
                assert edited.needs[Role("inputs")] == spikes
                assert (plain.arguments.variants, edited.arguments.variants) == (("original",), ("spiked",))
                assert plain.arguments.rows == edited.arguments.rows == tuple(own.rows(fold, held_out=True))
                training = jobs[plain.needs[Role("models")][0]]
                assert training.needs[Role("inputs")] == spikes
                assert training.arguments.variant == name
                assert training.arguments.rows == tuple(own.rows(fold, held_out=False))
                assert list(training.arguments.targets) == [
                    int(own.cohort.samples[r].positive) for r in own.rows(fold, held_out=False)
                ]


class TestLadder:
    @pytest.fixture
    def climb(self, situation, facts):
        """Plan the audit after some plants were not taken up."""
        own = situation("checks: [G3]\n", n=150)

        def plan(*owed: float):
            climbed = {(Recipe("intensity"), None): owed} if owed else {}
            return own, plan_audit(replace(own, climbed=climbed), facts(own))

        return plan

    def test_a_rung_further_up_is_another_plant_judged_on_the_same_images(self, climb):
        _, first = climb()
        _, second = climb(0.02)
        low, high = (about(judgement(plan, "G3"), "spike_in") for plan in (first, second))
        assert low.edited == high.edited
        assert low.ladder == high.ladder
        assert (low.plant.strength, low.plant.mislabelled) == (1.0, 0.0)
        assert (high.plant.kinds, high.plant.mislabelled) == (low.plant.kinds, 0.1)
        for plan, plant in ((first, low.plant), (second, high.plant)):
            strengths = {tuple(job.arguments.strengths.items()) for job in plan.jobs if job.step == "spike_in"}
            assert strengths == {tuple(dict.fromkeys(plant.kinds, plant.strength).items())}
        assert not {job.key for job in first.jobs if job.step in ("spike_in", "score")} & {
            job.key for job in second.jobs if job.step == "spike_in"
        }

    def test_kinds_are_drawn_and_the_last_rung_tries_others(self, climb):
        _, plan = climb()
        ladder = about(judgement(plan, "G3"), "spike_in").ladder
        assert len(ladder) == 6
        assert len({plant.kinds for plant in ladder}) == 3
        assert len({kind for plant in ladder for kind in plant.kinds}) == 9

    def test_some_labels_are_turned_and_the_plant_with_them(self, climb):
        own, plan = climb(0.02, 0.05)
        jobs, positive = by_key(plan), np.array([sample.positive for sample in own.cohort.samples])
        for name, shares in (("planted", (0.1, 0.9)), ("sham", (0.5, 0.5))):
            learned = np.full(positive.size, -1)
            for key in judgement(plan, "G3").needs[Role(name, "original")]:
                arguments = jobs[jobs[key].needs[Role("models")][0]].arguments
                learned[list(arguments.rows)] = arguments.targets
            assert (learned != positive).mean() == pytest.approx(0.2, abs=0.04)
            spikes = [job.arguments for job in plan.jobs if job.step == "spike_in"]
            edited = np.array([carries for arguments in spikes for carries in getattr(arguments, name)])
            for turned in (learned != positive, learned == positive):
                for side, share in enumerate(shares):
                    assert edited[turned & (learned == side)].mean() == pytest.approx(share, abs=0.2)

    def test_a_kind_that_takes_colour_is_not_planted_in_grey(self, situation, facts):
        own = situation("checks: [G3]\nspike_in: {kinds: [cast]}\n")
        reason = about(judgement(plan_audit(own, facts(own)), "G3"), "spike_in").reason
        assert "spike_in.kinds (cast)" in reason


class TestConfirmation:
    EXTRA = "arms: [intensity, tissue]\n"

    def test_it_adds_the_test_of_the_named_representation_and_changes_no_other_job(self, situation, facts):
        own = situation(self.EXTRA)
        before = plan_audit(own, facts(own))
        after = plan_audit(replace(own, confirm=frozenset({Recipe("intensity")})), facts(own))
        known = {job.key for job in before.jobs}
        assert known < {job.key for job in after.jobs}
        assert {name: key for name, key in after.judged.items() if name.code != CONFIRMATION} == before.judged
        assert set(after.judged) - set(before.judged) == {Judged("intensity", "site", "G3")}
        added = [job for job in after.jobs if job.key not in known]
        # Four blocks; two assignments by three folds, each scored in both versions; one judgement.
        assert Counter(job.step for job in added) == {"spike_in": 4, "train": 6, "score": 12, "judge": 1}
        assert not any("tissue" in job.title for job in added)
        done = set()
        for job in after.jobs:
            assert set(job.dependencies) <= done, job.title
            done.add(job.key)

    def test_nothing_to_confirm_nothing_planned(self, situation, facts):
        own = situation(self.EXTRA)
        plan = plan_audit(own, facts(own))
        assert not keys(plan, "spike_in")
        assert CONFIRMATION not in own.codes(Recipe("intensity"))

    def test_two_arms_of_the_representation_are_both_judged_on_the_same_networks(self, situation, facts):
        own = situation("arms: [intensity, {name: again, representation: intensity}]\n")
        plan = plan_audit(replace(own, confirm=frozenset({Recipe("intensity")})), facts(own))
        first, second = (judgement(plan, "G3", arm) for arm in ("intensity", "again"))
        assert first.needs == second.needs
        assert len(keys(plan, "spike_in")) == 4

    def test_what_was_asked_from_the_start_is_not_asked_again(self, situation, facts):
        own = situation("checks: [D1, G3]\n")
        confirmed = replace(own, confirm=frozenset({Recipe("intensity")}))
        assert confirmed.codes(Recipe("intensity")) == ("D1", "G3")
        assert plan_audit(confirmed, facts(own)) == plan_audit(own, facts(own))

    def test_asking_from_the_start_trains_the_same_networks(self, situation, facts):
        asked, default = situation("checks: [D1, G3]\n"), situation()
        first = plan_audit(asked, facts(asked))
        second = plan_audit(replace(default, confirm=frozenset({Recipe("intensity")})), facts(default))
        assert about(judgement(first, "G3"), "spike_in") == about(judgement(second, "G3"), "spike_in")
        retrained = {job.key for job in first.jobs if job.title.startswith("retrain")}
        assert retrained
        assert retrained <= {job.key for job in second.jobs}
