from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from biasaudit.engine.plan import BLOCK, CONFIRMATION, Facts, Question, plan_audit, plan_reading


@pytest.fixture
def planned(situation, facts):
    """Plan an audit of the situation that the arguments describe."""

    def build(extra: str = "", *, background: bool = True, **kwargs):
        own = situation(extra, **kwargs)
        return own, plan_audit(own, facts(own, background=background))

    return build


def keys(plan, step):
    return [job.key for job in plan.jobs if job.step == step]


def by_key(plan):
    return {job.key: job for job in plan.jobs}


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
        for step in ("train", "score", "attribute", "judge"):
            assert keys(before, step)
            assert not set(keys(before, step)) & set(keys(after, step))

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
        _, before = planned("target: {network: 'mine:net'}\n")
        (tmp_path / "mine.py").write_text("def net(): ...  # changed\n")
        _, after = planned("target: {network: 'mine:net'}\n")
        assert not set(keys(before, "train")) & set(keys(after, "train"))
        assert keys(before, "represent") == keys(after, "represent")


class TestReading:
    def test_every_sample_is_read_once_in_order(self, situation):
        own = situation()
        read = [job for job in plan_reading(own).jobs if job.step == "read"]
        subjects = [record["subject"] for job in read for record in job.arguments["samples"]]
        assert subjects == [sample.subject for sample in own.cohort.samples]

    def test_reading_is_the_beginning_of_the_audit(self, situation, facts):
        own = situation()
        reading, audit = plan_reading(own), plan_audit(own, facts(own))
        assert audit.jobs[: len(reading.jobs)] == reading.jobs
        assert audit.survey == reading.survey


class TestArms:
    def test_arms_share_the_control_on_the_background(self, planned):
        _, plan = planned("arms: [intensity, tissue]\n")
        shared = plan.reduced["intensity"]["background"]
        assert plan.reduced["tissue"]["background"] == shared
        assert sum("label from background" in job.title and job.step == "train" for job in plan.jobs) == 3
        for arm in ("intensity", "tissue"):
            job = by_key(plan)[plan.judged[arm, "site", "A2"]]
            assert job.needs["reduced:background"] == plan.scores[shared]

    def test_adding_an_arm_keeps_the_jobs_of_the_first(self, planned):
        _, one = planned("arms: [intensity]\n")
        _, two = planned("arms: [intensity, tissue]\n")
        assert {job.key for job in one.jobs} < {job.key for job in two.jobs}

    def test_arms_have_their_own_targets(self, planned):
        _, plan = planned("arms: [intensity, tissue]\n")
        first, second = (plan.models[Question("target", name)] for name in ("intensity", "tissue"))
        assert not {k for fold in first for k in fold} & {k for fold in second for k in fold}

    def test_two_arms_of_one_representation_train_once(self, planned):
        _, one = planned("arms: [intensity]\n")
        _, two = planned("arms: [intensity, {name: again, representation: intensity}]\n")
        assert keys(one, "train") == keys(two, "train")
        assert {arm for arm, _, _ in two.judged} == {"intensity", "again"}

    def test_seeds_are_separate_networks_scored_together(self, planned):
        _, plan = planned("target: {training: {seeds: 3}}\n")
        question = Question("target", "intensity")
        assert [len(set(fold)) for fold in plan.models[question]] == [3, 3, 3]
        for fold, key in zip(plan.models[question], plan.scores[question], strict=True):
            assert by_key(plan)[key].needs["models"] == fold

    def test_every_network_has_its_own_seed(self, planned):
        _, plan = planned("arms: [intensity, tissue]\ntarget: {training: {seeds: 2}}\n")
        found = [job.arguments["seed"] for job in plan.jobs if job.step == "train"]
        assert len(set(found)) == len(found)

    def test_every_arm_factor_and_check_is_judged(self, planned):
        _, plan = planned("arms: [intensity, tissue]\nchecks: [D1, U1]\n")
        assert set(plan.judged) == {(a, "site", c) for a in ("intensity", "tissue") for c in ("D1", "U1")}

    def test_checks_that_need_no_control_train_none(self, planned):
        _, plan = planned("checks: [D1, U1]\n")
        assert set(plan.models) == {Question("target", "intensity")}
        assert not keys(plan, "attribute")


class TestMasks:
    def test_without_masks_nothing_is_erased(self, planned):
        _, plan = planned(masked=False)
        assert not plan.masks_given
        assert all("erased" not in str(job.arguments.get("variants", "")) for job in plan.jobs)
        assert all(job.arguments.get("variant") != "erased" for job in plan.jobs)
        assert all(job.arguments.get("erase_with") is None for job in plan.jobs)
        assert "no pathology masks" in plan.skipped["erased"]
        assert "erased" not in plan.reduced["intensity"]

    def test_empty_masks_count_as_none(self, situation):
        own = situation()
        plan = plan_audit(own, Facts((0,) * len(own.cohort.samples), True))
        assert not plan.masks_given

    def test_with_masks_the_target_is_scored_on_erased_images(self, planned):
        _, plan = planned()
        for key in plan.scores[Question("target", "intensity")]:
            assert by_key(plan)[key].arguments["variants"] == ["original", "erased"]
        assert plan.reduced["intensity"]["erased"] in plan.models

    def _erased(self, plan):
        return {
            row: donor
            for job in plan.jobs
            if job.step == "represent" and job.arguments["erase_with"] is not None
            for row, donor in zip(job.arguments["rows"], job.arguments["erase_with"], strict=True)
        }

    def test_patients_lose_their_own_mask_and_the_healthy_a_patients(self, planned):
        own, plan = planned()
        erased = self._erased(plan)
        assert sorted(erased) == list(range(60))
        for row, donor in erased.items():
            assert own.cohort.samples[donor].positive
            if own.cohort.samples[row].positive:
                assert donor == row

    def test_sham_masks_are_spread_over_the_donors(self, planned):
        own, plan = planned()
        used = Counter(d for r, d in self._erased(plan).items() if not own.cohort.samples[r].positive)
        assert max(used.values()) - min(used.values()) <= 1
        assert len(used) >= min(30, len(used))
        assert max(used.values()) <= 2

    def test_a_patient_without_voxels_is_no_donor(self, situation, facts):
        own = situation()
        voxels = list(facts(own).mask_voxels)
        empty = next(row for row, count in enumerate(voxels) if count)
        voxels[empty] = 0
        erased = self._erased(plan_audit(own, Facts(tuple(voxels), True)))
        assert all(donor != empty for row, donor in erased.items() if row != empty)

    def test_reduced_inputs_are_never_erased(self, planned):
        _, plan = planned()
        for job in plan.jobs:
            if job.step == "represent" and job.arguments["representation"] == "background":
                assert job.arguments["erase_with"] is None

    @pytest.mark.parametrize("name", ["silhouette", "background"])
    def test_an_arm_that_shows_no_pathology_is_asked_nothing_of_an_erased_input(self, planned, name):
        _, plan = planned(f"arms: [{name}, intensity]\n")
        jobs = by_key(plan)
        for job in plan.jobs:
            if job.step in ("train", "score"):
                variants = {job.arguments["variant"]} if job.step == "train" else set(job.arguments["variants"])
                made = [jobs[key].arguments["erase_with"] is not None for key in job.needs["inputs"]]
                assert "erased" not in variants or all(made), job.title
        assert "erased" not in plan.reduced[name]
        assert "erased" in plan.reduced["intensity"]
        assert "erased" not in plan.skipped

    def test_without_background_the_silhouette_is_asked(self, planned):
        _, plan = planned(background=False)
        assert set(plan.reduced["intensity"]) == {"erased", "silhouette"}
        assert "background" in plan.skipped


class TestFolds:
    def _pairs(self, plan):
        """Rows trained on and held out, for every question and fold."""
        jobs = by_key(plan)
        for question, folds in plan.models.items():
            for models, score in zip(folds, plan.scores[question], strict=True):
                for model in models:
                    yield question, jobs[model].arguments, jobs[score].arguments["rows"]

    def test_training_and_held_out_rows_are_disjoint_and_cover(self, planned):
        own, plan = planned("arms: [intensity, tissue]\n")
        for question, training, held_out in self._pairs(plan):
            assert not set(training["rows"]) & set(held_out), question
            members = {
                row
                for row, sample in enumerate(own.cohort.samples)
                if question.name == "target" or sample.label == question.class_name
            }
            assert set(training["rows"]) | set(held_out) == members, question

    def test_every_row_is_held_out_once(self, planned):
        _, plan = planned()
        jobs = by_key(plan)
        rows = [r for key in plan.scores[Question("target", "intensity")] for r in jobs[key].arguments["rows"]]
        assert sorted(rows) == list(range(60))

    def test_no_subject_is_on_both_sides(self, planned):
        own, plan = planned()
        subjects = [sample.subject for sample in own.cohort.samples]
        assert len(set(subjects)) < len(subjects)
        for question, training, held_out in self._pairs(plan):
            assert not {subjects[r] for r in training["rows"]} & {subjects[r] for r in held_out}, question
            assert training["groups"] == [subjects[row] for row in training["rows"]]

    def test_folds_are_the_same_for_every_question(self, planned):
        own, plan = planned("arms: [intensity, tissue]\n")
        jobs = by_key(plan)
        for question in plan.models:
            for fold, key in enumerate(plan.scores[question]):
                assert {own.folds[row] for row in jobs[key].arguments["rows"]} == {fold}

    def test_maps_and_baselines_stay_on_their_sides(self, planned):
        own, plan = planned()
        jobs = by_key(plan)
        for question, folds in plan.maps.items():
            for fold, key in enumerate(folds):
                arguments = jobs[key].arguments
                assert {own.folds[row] for row in arguments["rows"]} == {fold}, question
                baseline = [row for rows in arguments["baseline"] for row in rows]
                assert all(own.folds[row] != fold for row in baseline)
                assert not any(own.cohort.samples[row].positive for row in baseline)
                for rows in arguments["baseline"]:
                    assert len({own.cohort.samples[row].origins["site"] for row in rows}) == 1

    def test_maps_are_asked_of_as_many_of_each_class(self, planned):
        own, plan = planned("attribution: {max_subjects: 9}\n")
        for rows in plan.map_rows:
            assert Counter(own.cohort.samples[row].positive for row in rows) == {False: 3, True: 3}


class TestOriginQuestions:
    def test_one_origin_no_question(self, planned):
        _, plan = planned(sites=("a",))
        assert plan.origins == {}
        assert all(question.name == "target" for question in plan.models)

    def test_aliased_design_has_none(self, situation, facts):
        own = situation(sites=("a", "b"))
        samples = tuple(
            type(s)(**{**vars(s), "origins": {"site": "b" if s.positive else "a"}}) for s in own.cohort.samples
        )
        own = type(own)(**{**vars(own), "cohort": type(own.cohort)(**{**vars(own.cohort), "samples": samples})})
        assert plan_audit(own, facts(own)).origins == {}

    def test_rows_lie_inside_the_class(self, planned):
        own, plan = planned()
        jobs = by_key(plan)
        asked = [question for question in plan.models if question.name == "origin"]
        assert {question.class_name for question in asked} == {"healthy", "ms"}
        for question in asked:
            for fold in plan.models[question]:
                arguments = jobs[fold[0]].arguments
                for row, target in zip(arguments["rows"], arguments["targets"], strict=True):
                    sample = own.cohort.samples[row]
                    assert sample.label == question.class_name
                    assert plan.origins["site", question.class_name][target] == sample.origins["site"]

    def test_origins_too_small_for_every_fold_are_left_out(self, planned):
        # Ten groups of origins: every one holds six or seven subjects in all, about three of a class.
        _, plan = planned(sites=tuple("abcdefghij"))
        assert plan.origins == {}

    def test_three_origins_are_three_classes(self, planned):
        _, plan = planned(sites=("a", "b", "c"))
        question = Question("origin", "intensity", factor="site", class_name="healthy")
        arguments = by_key(plan)[plan.models[question][0][0]].arguments
        assert arguments["classes"] == 3
        assert set(arguments["targets"]) == {0, 1, 2}

    def test_judgements_see_the_origin_questions_of_their_factor(self, planned):
        _, plan = planned()
        needs = by_key(plan)[plan.judged["intensity", "site", "U7"]].needs
        for name in ("healthy", "ms"):
            question = Question("origin", "intensity", factor="site", class_name=name)
            assert needs[f"origin:{name}"] == plan.scores[question]
            assert needs[f"maps:{name}"] == plan.maps[question]


def design(plan, code, arm="intensity"):
    return by_key(plan)[plan.judged[arm, "site", code]]


def phi(own, rows):
    samples = [own.cohort.samples[row] for row in rows]
    return np.corrcoef([s.positive for s in samples], [s.origins["site"] == "b" for s in samples])[0, 1]


def nested(own):
    samples = tuple(replace(s, origins={"site": "b" if s.positive else "a"}) for s in own.cohort.samples)
    return replace(own, cohort=replace(own.cohort, samples=samples))


class TestUnseenOrigin:
    def _pairs(self, plan):
        """Origin, fold place, rows held out, and the training of both networks."""
        jobs, judged = by_key(plan), design(plan, "U10")
        for origin, own in judged.arguments["retraining"].items():
            for place, held in enumerate(own["rows"]):
                scores = [jobs[judged.needs[f"{role}:{origin}"][place]] for role in ("unseen", "reference")]
                assert all(job.arguments["rows"] == held for job in scores)
                yield origin, place, held, [jobs[job.needs["models"][0]].arguments for job in scores]

    def test_the_network_never_saw_the_origin_and_its_twin_saw_as_many_of_each_class(self, planned):
        own, plan = planned("checks: [U10]\n")
        samples, seen = own.cohort.samples, set()
        for origin, place, held, (unseen, reference) in self._pairs(plan):
            assert {samples[row].origins["site"] for row in held} == {origin}
            assert {own.folds[row] for row in held} == {place}
            assert origin not in {samples[row].origins["site"] for row in unseen["rows"]}
            assert origin in {samples[row].origins["site"] for row in reference["rows"]}
            for training in (unseen, reference):
                assert place not in {own.folds[row] for row in training["rows"]}
            assert Counter(unseen["targets"]) == Counter(reference["targets"])
            assert unseen["seed"] == reference["seed"]
            seen.add((origin, place))
        assert seen == {(origin, fold) for origin in "ab" for fold in range(3)}

    def test_size_of_the_training_is_told(self, planned):
        _, plan = planned("checks: [U10]\n")
        told = design(plan, "U10").arguments["retraining"]
        for origin, place, _, (unseen, _) in self._pairs(plan):
            assert told[origin]["training_size"][place] == len(unseen["rows"])

    def test_seeds_are_averaged(self, planned):
        _, plan = planned("checks: [U10]\ntarget: {training: {seeds: 2}}\n")
        job = by_key(plan)[design(plan, "U10").needs["unseen:a"][0]]
        assert len(set(job.needs["models"])) == 2

    def test_small_origins_and_designs_without_both_classes_are_skipped(self, planned, situation, facts):
        _, plan = planned("checks: [U10]\n", sites=tuple("abcdefghij"))
        own = nested(situation("checks: [U10]\n"))
        for skipped in (plan, plan_audit(own, facts(own))):
            arguments = design(skipped, "U10").arguments
            assert "no origin can be left out" in arguments["retraining_skipped"]
            assert "retraining" not in arguments

    def test_it_is_planned_only_where_it_was_asked(self, planned):
        _, plan = planned()
        assert not any("retrain" in job.title for job in plan.jobs)


class TestDoseResponse:
    @pytest.fixture
    def doses(self, planned):
        own, plan = planned("checks: [U11]\n", n=150)
        return own, plan, design(plan, "U11")

    def _trainings(self, plan, judged):
        jobs = by_key(plan)
        for level in judged.arguments["retraining"]["levels"]:
            for fold, key in enumerate(judged.needs[f"level:{level}"]):
                yield level, fold, jobs[key].arguments["rows"], jobs[jobs[key].needs["models"][0]].arguments

    def test_trainings_differ_in_association_alone(self, doses):
        own, plan, judged = doses
        size, seeds = judged.arguments["retraining"]["training_size"], {}
        assert size >= 40
        for level, fold, _, training in self._trainings(plan, judged):
            rows = training["rows"]
            assert len(set(rows)) == size
            assert sum(training["targets"]) == size // 2
            assert abs(phi(own, rows)) == pytest.approx(level, abs=0.06)
            assert fold not in {own.folds[row] for row in rows}
            seeds.setdefault(fold, set()).add(training["seed"])
        assert [len(found) for found in seeds.values()] == [1, 1, 1]
        assert len(set.union(*seeds.values())) == 3

    def test_every_level_is_tested_on_the_same_balanced_rows(self, doses):
        own, plan, judged = doses
        told = judged.arguments["retraining"]
        for _, fold, held, _ in self._trainings(plan, judged):
            assert held == told["rows"][fold]
            assert {own.folds[row] for row in held} == {fold}
            cells = Counter((own.cohort.samples[row].positive, own.cohort.samples[row].origins["site"]) for row in held)
            assert len(cells) == 4
            assert len(set(cells.values())) == 1
            sides = [own.cohort.samples[row].origins["site"] in told["sides"][1] for row in held]
            assert told["side"][fold] == sides

    def test_too_few_subjects_are_told(self, planned, situation, facts):
        _, plan = planned("checks: [U11]\n")
        reason = design(plan, "U11").arguments["retraining_skipped"]
        assert "40 are needed" in reason
        own = nested(situation("checks: [U11]\n", n=150))
        assert "on 0 of them" in design(plan_audit(own, facts(own)), "U11").arguments["retraining_skipped"]


class TestSpikeIn:
    @pytest.fixture
    def planted(self, planned):
        own, plan = planned("checks: [G3]\n", n=150)
        return own, plan, design(plan, "G3")

    def test_shares_of_the_classes(self, planted):
        own, _, judged = planted
        positive = np.array([sample.positive for sample in own.cohort.samples])
        site = np.array([sample.origins["site"] for sample in own.cohort.samples])
        edited = {name: np.array(rows) for name, rows in judged.arguments["retraining"].items()}
        assert edited["planted"][positive].mean() == pytest.approx(0.9, abs=0.06)
        assert edited["planted"][~positive].mean() == pytest.approx(0.1, abs=0.06)
        for own_class in (positive, ~positive):
            assert edited["sham"][own_class].mean() == pytest.approx(0.5, abs=0.06)
            for name in ("planted", "sham"):  # the edit says nothing of the origin
                shares = [edited[name][own_class & (site == origin)].mean() for origin in "ab"]
                assert shares[0] == pytest.approx(shares[1], abs=0.15)

    def test_images_of_a_subject_are_edited_alike(self, planted):
        own, _, judged = planted
        for rows in judged.arguments["retraining"].values():
            found = {}
            for sample, edited in zip(own.cohort.samples, rows, strict=True):
                found.setdefault(sample.subject, set()).add(edited)
            assert {len(own) for own in found.values()} == {1}

    def test_blocks_carry_their_own_part_of_the_assignment(self, planted):
        _, plan, judged = planted
        spikes = [job for job in plan.jobs if job.step == "spike"]
        assert [job.needs["inputs"] for job in spikes] == [(key,) for key in plan.inputs["intensity"]]
        for name, rows in judged.arguments["retraining"].items():
            assert [edited for job in spikes for edited in job.arguments[name]] == rows
            assert all(len(job.arguments[name]) <= BLOCK for job in spikes)

    def test_networks_learn_from_the_edited_copy_and_score_both_versions(self, planted):
        own, plan, judged = planted
        jobs = by_key(plan)
        spikes = tuple(job.key for job in plan.jobs if job.step == "spike")
        for name in ("planted", "sham"):
            for fold in range(3):
                plain, edited = (jobs[judged.needs[f"{name}:{v}"][fold]] for v in ("original", "spiked"))
                assert plain.needs["models"] == edited.needs["models"]
                assert plain.needs["inputs"] == plan.inputs["intensity"]
                assert edited.needs["inputs"] == spikes
                assert (plain.arguments["variants"], edited.arguments["variants"]) == (["original"], ["spiked"])
                assert plain.arguments["rows"] == edited.arguments["rows"] == own.rows(fold, held_out=True)
                training = jobs[plain.needs["models"][0]]
                assert training.needs["inputs"] == spikes
                assert training.arguments["variant"] == name
                assert training.arguments["rows"] == own.rows(fold, held_out=False)
                assert training.arguments["targets"] == [
                    int(own.cohort.samples[r].positive) for r in own.rows(fold, held_out=False)
                ]


class TestConfirmation:
    EXTRA = "arms: [intensity, tissue]\n"

    def test_it_adds_the_test_of_the_named_representation_and_changes_no_other_job(self, situation, facts):
        own = situation(self.EXTRA)
        before = plan_audit(own, facts(own))
        after = plan_audit(replace(own, confirm=frozenset({"intensity"})), facts(own))
        known = {job.key for job in before.jobs}
        assert known < {job.key for job in after.jobs}
        assert {name: key for name, key in after.judged.items() if name[2] != CONFIRMATION} == before.judged
        assert set(after.judged) - set(before.judged) == {("intensity", "site", "G3")}
        added = [job for job in after.jobs if job.key not in known]
        # Four blocks; two assignments by three folds, each scored in both versions; one judgement.
        assert Counter(job.step for job in added) == {"spike": 4, "train": 6, "score": 12, "judge": 1}
        assert not any("tissue" in job.title for job in added)
        done = set()
        for job in after.jobs:
            assert set(job.dependencies) <= done, job.title
            done.add(job.key)

    def test_nothing_to_confirm_nothing_planned(self, situation, facts):
        own = situation(self.EXTRA)
        plan = plan_audit(own, facts(own))
        assert not keys(plan, "spike")
        assert CONFIRMATION not in own.codes("intensity")

    def test_two_arms_of_the_representation_are_both_judged_on_the_same_networks(self, situation, facts):
        own = situation("arms: [intensity, {name: again, representation: intensity}]\n")
        plan = plan_audit(replace(own, confirm=frozenset({"intensity"})), facts(own))
        first, second = (design(plan, "G3", arm) for arm in ("intensity", "again"))
        assert first.needs == second.needs
        assert len(keys(plan, "spike")) == 4

    def test_what_was_asked_from_the_start_is_not_asked_again(self, situation, facts):
        own = situation("checks: [D1, G3]\n")
        confirmed = replace(own, confirm=frozenset({"intensity"}))
        assert confirmed.codes("intensity") == ("D1", "G3")
        assert plan_audit(confirmed, facts(own)) == plan_audit(own, facts(own))

    def test_asking_from_the_start_trains_the_same_networks(self, situation, facts):
        asked, default = situation("checks: [D1, G3]\n"), situation()
        first = plan_audit(asked, facts(asked))
        second = plan_audit(replace(default, confirm=frozenset({"intensity"})), facts(default))
        assert design(first, "G3").arguments["retraining"] == design(second, "G3").arguments["retraining"]
        retrained = {job.key for job in first.jobs if job.title.startswith("retrain")}
        assert retrained
        assert retrained <= {job.key for job in second.jobs}


class TestAttributionSettings:
    def arguments(self, plan):
        jobs = by_key(plan)
        return [jobs[key].arguments for key in plan.maps[Question("target", "intensity")]]

    def test_the_origins_take_turns_as_references(self, planned):
        situation, plan = planned("attribution: {method: expected_gradients, references: 5}")
        for fold, arguments in enumerate(self.arguments(plan)):
            samples = [situation.cohort.samples[row] for row in arguments["references"]]
            assert len(set(arguments["references"])) == 5
            assert not any(sample.positive for sample in samples)
            assert all(situation.folds[row] != fold for row in arguments["references"])
            assert [sample.origins["site"] for sample in samples] == ["a", "b", "a", "b", "a"]

    def test_other_methods_name_no_references_and_no_regions(self, planned):
        _, plan = planned("attribution: {references: 5}")
        assert {(a["references"], a["regions"], a["baseline_kind"]) for a in self.arguments(plan)} == {
            (None, None, "origin_balanced")
        }

    def test_a_changed_atlas_makes_other_maps(self, planned, tmp_path):
        atlas = tmp_path / "atlas.nii"
        extra = f"attribution: {{method: region_ablation, atlas: {atlas}}}"
        found = []
        for content in (b"one", b"two"):
            atlas.write_bytes(content)
            situation, plan = planned(extra)
            found.append(plan)
        assert self.arguments(found[0])[0]["regions"]["grid"] == situation.grid.to_dict()
        first, second = (set(plan.maps[Question("target", "intensity")]) for plan in found)
        assert not first & second
        assert set(keys(found[0], "train")) == set(keys(found[1], "train"))
