from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest
from engine.planned import about, by_key, judgement

from biasaudit.engine.jobs.job import Role
from biasaudit.engine.plan import plan_audit
from biasaudit.engine.situation.situation import Question, Survey
from biasaudit.records import Recipe


def skipped(plan):
    return about(judgement(plan, "A2"), "reduced").skipped


@pytest.fixture
def masked_in_both(situation):
    """Every subject of both classes has a mask, which `mask_in` takes for pathology in one or in both."""

    def build(mask_in: str):
        own = situation()
        protocol = own.protocol.model_copy(
            update={"cohort": own.protocol.cohort.model_copy(update={"mask_in": mask_in})}
        )
        samples = [
            replace(s, mask=f"/data/{row}-mask.nii.gz", has_mask=s.positive or mask_in == "all")
            for row, s in enumerate(own.cohort.samples)
        ]
        hashes = dict(own.hashes) | {sample.mask: "0" for sample in samples}
        return replace(own, protocol=protocol, cohort=replace(own.cohort, samples=tuple(samples)), hashes=hashes)

    return build


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
            row: donors
            for job in plan.jobs
            if job.step == "represent" and job.arguments.mask_donors is not None
            for row, donors in zip(job.arguments.rows, job.arguments.mask_donors, strict=True)
        }

    def test_patients_lose_their_own_mask_and_the_healthy_a_patients(self, planned):
        own, plan = planned()
        erased = self._erased(plan)
        assert sorted(erased) == list(range(60))
        for row, (donor,) in erased.items():
            assert own.cohort.samples[donor].positive
            if own.cohort.samples[row].positive:
                assert donor == row

    def test_sham_masks_are_spread_over_the_donors(self, planned):
        own, plan = planned()
        used = Counter(d for r, (d,) in self._erased(plan).items() if not own.cohort.samples[r].positive)
        assert max(used.values()) - min(used.values()) <= 1
        assert len(used) >= min(30, len(used))
        assert max(used.values()) <= 2

    def test_a_patient_without_voxels_is_no_donor(self, situation, facts):
        own = situation()
        voxels = list(facts(own).mask_voxels)
        empty = next(row for row, count in enumerate(voxels) if count)
        voxels[empty] = 0
        erased = self._erased(plan_audit(own, Survey(tuple(voxels), True)))
        assert all(donors != (empty,) for row, donors in erased.items() if row != empty)

    def test_where_every_class_has_masks_everybody_loses_one_of_each_class(self, masked_in_both):
        for text in ("positive", "all"):
            own = masked_in_both(text)
            erased = self._erased(plan_audit(own, Survey((9,) * 60, True)))
            for row, (first, second) in erased.items():
                assert first == row
                assert own.cohort.samples[second].positive != own.cohort.samples[row].positive
            for positive in (False, True):
                used = Counter(d for r, (_, d) in erased.items() if own.cohort.samples[r].positive == positive)
                assert max(used.values()) - min(used.values()) <= 1

    def test_only_mask_in_says_whether_the_negative_class_has_pathology(self, masked_in_both):
        survey = Survey((9,) * 60, True)
        positive, everybody = (plan_audit(masked_in_both(text), survey).outline for text in ("positive", "all"))
        assert positive.masks_given
        assert everybody.masks_given
        assert positive.marked == ("ms",)
        assert everybody.marked == ("healthy", "ms")
        assert positive.ill == tuple(s.positive for s in positive.cohort.samples)
        assert all(everybody.ill)

    def test_masks_of_one_class_are_too_few_where_all_have_lesions(self, masked_in_both):
        own = masked_in_both("all")
        row = next(r for r, sample in enumerate(own.cohort.samples) if not sample.positive)
        samples = [replace(s, mask=None, has_mask=False) if r == row else s for r, s in enumerate(own.cohort.samples)]
        plan = plan_audit(replace(own, cohort=replace(own.cohort, samples=tuple(samples))), Survey((9,) * 60, True))
        assert not plan.outline.masks_given
        assert not self._erased(plan)

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

    @pytest.mark.parametrize(("masked", "variant"), [(True, "erased"), (False, "original")])
    def test_intensities_are_shuffled_without_the_pathology_where_it_is_marked(self, planned, masked, variant):
        _, plan = planned(masked=masked)
        assert plan.reduced("intensity")["shuffled"] == Question("target", Recipe("shuffled"), variant)

    def test_without_background_the_silhouette_is_asked(self, planned):
        _, plan = planned(background=False)
        assert set(plan.reduced("intensity")) == {"erased", "silhouette", "shuffled"}
        assert "background" in skipped(plan)
