from __future__ import annotations

from collections import Counter

import pytest
from engine.planned import about, by_key, judgement

from biasaudit.engine.jobs.job import Role
from biasaudit.engine.plan import plan_audit
from biasaudit.engine.situation.situation import Question, Survey
from biasaudit.records import Recipe


def skipped(plan):
    return about(judgement(plan, "A2"), "reduced").skipped


class TestMasks:
    def test_without_masks_nothing_is_erased(self, planned):
        _, plan = planned(masked=False)
        assert not plan.outline.masks_given
        assert all("erased" not in getattr(job.arguments, "variants", ()) for job in plan.jobs)
        assert all(getattr(job.arguments, "variant", "") != "erased" for job in plan.jobs)
        assert all(getattr(job.arguments, "mask_donors", None) is None for job in plan.jobs)
        assert "no pathology masks" in skipped(plan)["erased"]
        assert "erased" not in plan.reduced("intensity")

    def test_empty_masks_count_as_none(self, situation):
        own = situation()
        plan = plan_audit(own, Survey((0,) * len(own.cohort.samples), True))
        assert not plan.outline.masks_given

    def test_with_masks_the_target_is_scored_on_erased_images(self, planned):
        _, plan = planned()
        for key in plan.scores[Question("target", Recipe("intensity"))]:
            assert by_key(plan)[key].arguments.variants == ("original", "erased")
        assert plan.reduced("intensity")["erased"] in plan.models

    def _erased(self, plan):
        return {
            row: donor
            for job in plan.jobs
            if job.step == "represent" and job.arguments.mask_donors is not None
            for row, donor in zip(job.arguments.rows, job.arguments.mask_donors, strict=True)
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
        erased = self._erased(plan_audit(own, Survey(tuple(voxels), True)))
        assert all(donor != empty for row, donor in erased.items() if row != empty)

    def test_reduced_inputs_are_never_erased(self, planned):
        _, plan = planned()
        for job in plan.jobs:
            if job.step == "represent" and job.arguments.representation == "background":
                assert job.arguments.mask_donors is None

    @pytest.mark.parametrize("name", ["silhouette", "background"])
    def test_an_arm_that_shows_no_pathology_is_asked_nothing_of_an_erased_input(self, planned, name):
        _, plan = planned(f"arms: [{name}, intensity]\n")
        jobs = by_key(plan)
        for job in plan.jobs:
            if job.step in ("train", "score"):
                variants = {job.arguments.variant} if job.step == "train" else set(job.arguments.variants)
                made = [jobs[key].arguments.mask_donors is not None for key in job.needs[Role("inputs")]]
                assert "erased" not in variants or all(made), job.title
        assert "erased" not in plan.reduced(name)
        assert "erased" in plan.reduced("intensity")
        assert "erased" not in skipped(plan)

    def test_without_background_the_silhouette_is_asked(self, planned):
        _, plan = planned(background=False)
        assert set(plan.reduced("intensity")) == {"erased", "silhouette"}
        assert "background" in skipped(plan)
