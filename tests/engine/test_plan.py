from __future__ import annotations

from dataclasses import replace

from engine.planned import by_key, judgement, keys

from biasaudit.engine.evidence.judgements import Judged
from biasaudit.engine.jobs.job import Role
from biasaudit.engine.plan import plan_audit, plan_reading
from biasaudit.engine.situation.situation import Question
from biasaudit.records import Recipe


def test_the_target_alone_may_have_more_networks(planned):
    _, plan = planned("target: {seeds: 2}\n")
    of_target = Question("target", Recipe("intensity"))
    counts = {question: {len(keys) for keys in own} for question, own in plan.models.items()}
    assert counts.pop(of_target) == {2}
    assert all(own == {1} for own in counts.values())
    _, both = planned("target: {training: {seeds: 2}}\n")
    assert {len(keys) for own in both.models.values() for keys in own} == {2}


class TestIdentity:
    def test_same_situation_same_plan(self, situation, facts):
        first, second = situation(), situation()
        assert plan_audit(first, facts(first)) == plan_audit(second, facts(second))
        assert [j.key for j in plan_audit(first, facts(first)).jobs] == [
            j.key for j in plan_audit(second, facts(second)).jobs
        ]

    def test_planning_twice_changes_nothing(self, situation, facts):
        own = situation()
        before = repr(own)
        first = plan_audit(own, facts(own))
        assert repr(own) == before
        assert plan_audit(own, facts(own)) == first

    def test_keys_are_unique(self, planned):
        _, plan = planned("arms: [intensity, tissue]\n")
        assert len({job.key for job in plan.jobs}) == len(plan.jobs)

    def test_order_respects_needs(self, planned):
        _, plan = planned("arms: [intensity, tissue]\ntarget: {training: {seeds: 2}}\n")
        done = set()
        for job in plan.jobs:
            assert set(job.dependencies) <= done, job.title
            done.add(job.key)

    def test_learning_rate_changes_training_and_what_follows_only(self, planned):
        _, before = planned()
        _, after = planned("target: {training: {learning_rate: 0.02}}\n")
        for step in ("read", "survey", "represent", "untrained"):
            assert keys(before, step) == keys(after, step)
        before, after = (
            replace(plan, jobs=[j for j in plan.jobs if "untrained" not in j.title]) for plan in (before, after)
        )
        for step in ("train", "score", "attribute"):
            assert keys(before, step)
            assert not set(keys(before, step)) & set(keys(after, step))
        same = {judged.code for judged, key in before.judged.items() if after.judged[judged] == key}
        assert same == {"D1", "D3", "A3"}  # D2 looks for columns in the hidden layers

    def test_name_of_the_protocol_changes_nothing(self, planned):
        _, before = planned()
        _, after = planned("name: other\n")
        assert [job.key for job in before.jobs] == [job.key for job in after.jobs]

    def test_statistics_change_the_judgements_only(self, planned):
        _, before = planned()
        _, after = planned("statistics: {n_permutations: 500}\n")
        changed = {b.step for b, a in zip(before.jobs, after.jobs, strict=True) if b.key != a.key}
        assert changed == {"judge"}

    def test_content_of_a_file_changes_its_block(self, situation):
        own = situation()
        before = plan_reading(own)
        path = own.cohort.samples[20].images[0]
        after = plan_reading(type(own)(**{**vars(own), "hashes": {**own.hashes, path: "new content"}}))
        assert [b != a for b, a in zip(before.reads, after.reads, strict=True)] == [False, True, False, False]
        assert before.survey != after.survey

    def test_labels_do_not_change_the_reading(self, situation):
        own = situation()
        samples = tuple(type(s)(**{**vars(s), "label": "x", "where": "t:1"}) for s in own.cohort.samples)
        cohort = type(own.cohort)(**{**vars(own.cohort), "samples": samples})
        assert plan_reading(own).reads == plan_reading(type(own)(**{**vars(own), "cohort": cohort})).reads

    def test_user_network_code_is_part_of_the_training(self, planned, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        (tmp_path / "mine.py").write_text("def net(): ...\n")
        _, before = planned("target: {network: 'mine:net'}\nallow_code: [mine]\n")
        (tmp_path / "mine.py").write_text("def net(): ...  # changed\n")
        _, after = planned("target: {network: 'mine:net'}\nallow_code: [mine]\n")
        assert not set(keys(before, "train")) & set(keys(after, "train"))
        assert keys(before, "represent") == keys(after, "represent")


class TestReading:
    def test_every_sample_is_read_once_in_order(self, situation):
        own = situation()
        read = [job for job in plan_reading(own).jobs if job.step == "read"]
        subjects = [sample.subject for job in read for sample in job.arguments.samples]
        assert subjects == [sample.subject for sample in own.cohort.samples]

    def test_reading_is_the_beginning_of_the_audit(self, situation, facts):
        own = situation()
        reading, audit = plan_reading(own), plan_audit(own, facts(own))
        assert audit.jobs[: len(reading.jobs)] == reading.jobs
        assert audit.survey == reading.survey


class TestArms:
    def test_arms_share_the_control_on_the_background(self, planned):
        _, plan = planned("arms: [intensity, tissue]\n")
        shared = plan.reduced("intensity")["background"]
        assert plan.reduced("tissue")["background"] == shared
        assert sum("label from background" in job.title and job.step == "train" for job in plan.jobs) == 3
        for arm in ("intensity", "tissue"):
            job = judgement(plan, "A2", arm)
            assert job.needs[Role("reduced", "background")] == plan.scores[shared]

    def test_adding_an_arm_keeps_the_jobs_of_the_first(self, planned):
        _, one = planned("arms: [intensity]\n")
        _, two = planned("arms: [intensity, tissue]\n")
        assert {job.key for job in one.jobs} < {job.key for job in two.jobs}

    def test_arms_have_their_own_targets(self, planned):
        _, plan = planned("arms: [intensity, tissue]\n")
        first, second = (plan.models[Question("target", Recipe(name))] for name in ("intensity", "tissue"))
        assert not {k for fold in first for k in fold} & {k for fold in second for k in fold}

    def test_two_arms_of_one_representation_train_once(self, planned):
        _, one = planned("arms: [intensity]\n")
        _, two = planned("arms: [intensity, {name: again, representation: intensity}]\n")
        assert keys(one, "train") == keys(two, "train")
        assert {judged.arm for judged in two.judged} == {"intensity", "again"}

    def test_seeds_are_separate_networks_scored_together(self, planned):
        _, plan = planned("target: {training: {seeds: 3}}\n")
        question = Question("target", Recipe("intensity"))
        assert [len(set(fold)) for fold in plan.models[question]] == [3, 3, 3]
        for fold, key in zip(plan.models[question], plan.scores[question], strict=True):
            assert by_key(plan)[key].needs[Role("models")] == fold

    def test_every_network_has_its_own_seed(self, planned):
        _, plan = planned("arms: [intensity, tissue]\ntarget: {training: {seeds: 2}}\n")
        found = [job.arguments.seed for job in plan.jobs if job.step == "train"]
        assert len(set(found)) == len(found)

    def test_every_arm_factor_and_check_is_judged(self, planned):
        _, plan = planned("arms: [intensity, tissue]\nchecks: [D1, U1]\n")
        assert set(plan.judged) == {Judged(a, "site", c) for a in ("intensity", "tissue") for c in ("D1", "U1")}

    def test_checks_that_need_no_control_train_none(self, planned):
        _, plan = planned("checks: [D1, U1]\n")
        assert set(plan.models) == {Question("target", Recipe("intensity"))}
        assert not keys(plan, "attribute")


class TestFolds:
    def _pairs(self, plan):
        """Rows trained on and held out, for every question and fold."""
        jobs = by_key(plan)
        for question, folds in plan.models.items():
            for models, score in zip(folds, plan.scores[question], strict=True):
                for model in models:
                    yield question, jobs[model].arguments, jobs[score].arguments.rows

    def test_training_and_held_out_rows_are_disjoint_and_cover(self, planned):
        own, plan = planned("arms: [intensity, tissue]\n")
        for question, training, held_out in self._pairs(plan):
            assert not set(training.rows) & set(held_out), question
            members = {
                row
                for row, sample in enumerate(own.cohort.samples)
                if question.name == "target" or sample.label == question.class_name
            }
            assert set(training.rows) | set(held_out) == members, question

    def test_every_row_is_held_out_once(self, planned):
        _, plan = planned()
        jobs = by_key(plan)
        rows = [r for key in plan.scores[Question("target", Recipe("intensity"))] for r in jobs[key].arguments.rows]
        assert sorted(rows) == list(range(60))

    def test_no_subject_is_on_both_sides(self, planned):
        own, plan = planned()
        subjects = [sample.subject for sample in own.cohort.samples]
        assert len(set(subjects)) < len(subjects)
        for question, training, held_out in self._pairs(plan):
            assert not {subjects[r] for r in training.rows} & {subjects[r] for r in held_out}, question
            assert list(training.groups) == [subjects[row] for row in training.rows]

    def test_folds_are_the_same_for_every_question(self, planned):
        own, plan = planned("arms: [intensity, tissue]\n")
        jobs = by_key(plan)
        for question in plan.models:
            for fold, key in enumerate(plan.scores[question]):
                assert {own.folds[row] for row in jobs[key].arguments.rows} == {fold}
