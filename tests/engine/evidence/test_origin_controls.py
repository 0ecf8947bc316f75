from __future__ import annotations

from engine.planned import by_key, judgement

from biasaudit.engine.jobs.job import Role
from biasaudit.engine.plan import plan_audit
from biasaudit.engine.situation.situation import Question
from biasaudit.records import Recipe


class TestOriginQuestions:
    def test_one_origin_no_question(self, planned):
        _, plan = planned(sites=("a",))
        assert plan.outline.origins == {}
        assert all(question.name == "target" for question in plan.models)

    def test_aliased_design_has_none(self, situation, facts):
        own = situation(sites=("a", "b"))
        samples = tuple(
            type(s)(**{**vars(s), "origins": {"site": "b" if s.positive else "a"}}) for s in own.cohort.samples
        )
        own = type(own)(**{**vars(own), "cohort": type(own.cohort)(**{**vars(own.cohort), "samples": samples})})
        assert plan_audit(own, facts(own)).outline.origins == {}

    def test_rows_lie_inside_the_class(self, planned):
        own, plan = planned()
        jobs = by_key(plan)
        asked = [question for question in plan.models if question.name == "origin"]
        assert {question.class_name for question in asked} == {"healthy", "ms"}
        for question in asked:
            for fold in plan.models[question]:
                arguments = jobs[fold[0]].arguments
                for row, target in zip(arguments.rows, arguments.targets, strict=True):
                    sample = own.cohort.samples[row]
                    assert sample.label == question.class_name
                    assert plan.outline.origins["site", question.class_name][target] == sample.origins["site"]

    def test_origins_too_small_for_every_fold_are_left_out(self, planned):
        # Ten groups of origins: every one holds six or seven subjects in all, about three of a class.
        _, plan = planned(sites=tuple("abcdefghij"))
        assert plan.outline.origins == {}

    def test_three_origins_are_three_classes(self, planned):
        _, plan = planned(sites=("a", "b", "c"))
        question = Question("origin", Recipe("intensity"), factor="site", class_name="healthy")
        arguments = by_key(plan)[plan.models[question][0][0]].arguments
        assert arguments.classes == 3
        assert set(arguments.targets) == {0, 1, 2}

    def test_judgements_see_the_origin_questions_of_their_factor(self, planned):
        _, plan = planned()
        needs = judgement(plan, "U7").needs
        for name in ("healthy", "ms"):
            question = Question("origin", Recipe("intensity"), factor="site", class_name=name)
            assert needs[Role("origin", name)] == plan.scores[question]
            assert len(needs[Role("origin maps 0", name)]) == len(needs[Role("origin replicate 0", name)]) == 3
