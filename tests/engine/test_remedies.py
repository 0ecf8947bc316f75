from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from biasaudit.engine.plan import plan_audit
from biasaudit.engine.remedies import other_inputs, with_remedies
from biasaudit.engine.situation.rows import can_balance
from biasaudit.engine.situation.situation import Question
from biasaudit.engine.validation.situate import situate
from biasaudit.errors import ProtocolError
from biasaudit.protocol import Protocol
from biasaudit.records import Recipe

BALANCED = "arms: [intensity, {name: even, representation: intensity, training: balanced}]\n"


def phantom(design: str, **more) -> Protocol:
    cohort = {"reader": "phantom", "phantom": {"n": 48, "design": design, "spacing": 8.0, "patient_sites": 2}}
    return Protocol.model_validate({"cohort": cohort, **more})


class TestWithRemedies:
    def test_the_primary_arm_stays_first_and_nothing_is_added_twice(self):
        arms = with_remedies(phantom("nested", arms=["tissue"])).arms
        assert [arm.name for arm in arms] == ["tissue", "harmonised"]
        assert with_remedies(phantom("nested", arms=[arm.model_dump() for arm in arms])).arms == arms

    def test_balanced_training_is_tried_where_origins_hold_both_classes(self):
        arms = with_remedies(phantom("crossed")).arms
        assert [arm.name for arm in arms] == ["intensity", "harmonised", "tissue", "intensity-balanced"]
        assert arms[-1].training == "balanced"

    @pytest.mark.parametrize("design", ["nested", "aliased"])
    def test_balance_is_refused_where_no_origin_holds_both_classes(self, design):
        arm = {"name": "even", "representation": "intensity", "training": "balanced"}
        with pytest.raises(ProtocolError, match="balanced training needs a site with 8 subjects of each class"):
            situate(phantom(design, arms=[arm]))


class TestBalancedPlan:
    def unbalanced(self, situation):
        """Return a cohort whose site b lost two thirds of its healthy subjects."""
        own = situation(BALANCED, n=120)
        seen: Counter[str] = Counter()
        kept = []
        for row, sample in enumerate(own.cohort.samples):
            if not sample.positive and sample.origins["site"] == "b":
                seen["b"] += 1
                if seen["b"] % 3:
                    continue
            kept.append(row)
        samples = tuple(own.cohort.samples[row] for row in kept)
        return replace(own, cohort=replace(own.cohort, samples=samples), folds=tuple(own.folds[row] for row in kept))

    def test_training_rows_are_even_in_every_origin_and_never_held_out(self, situation, facts):
        own = self.unbalanced(situation)
        assert can_balance(own.cohort)
        plan = plan_audit(own, facts(own))
        jobs = {job.key: job for job in plan.jobs}
        for fold, (key,) in enumerate(plan.models[Question("target", Recipe("intensity", balanced=True))]):
            rows = jobs[key].arguments.rows
            assert set(rows) <= set(own.rows(fold, held_out=False))
            cells = Counter((own.cohort.samples[r].origins["site"], own.cohort.samples[r].positive) for r in rows)
            assert cells["a", True] == cells["a", False]
            assert cells["b", True] == cells["b", False] > 0

    def test_inputs_origin_networks_and_reduced_inputs_are_shared(self, situation, facts):
        own = self.unbalanced(situation)
        both = plan_audit(own, facts(own))
        arms = own.protocol.arms[:1]
        alone_situation = replace(own, protocol=own.protocol.model_copy(update={"arms": arms}))
        alone = plan_audit(alone_situation, facts(own))
        extra = {job.key for job in both.jobs} - {job.key for job in alone.jobs}
        steps = Counter(job.step for job in both.jobs if job.key in extra)
        assert not {"read", "survey", "represent"} & set(steps)
        assert steps["train"] == own.protocol.folds.n
        assert steps["attribute"] == 2 * own.protocol.folds.n  # a replicate of every map
        assert {job.key for job in alone.jobs} <= {job.key for job in both.jobs}


class TestOtherInputs:
    def test_tissue_maps_are_for_volumes_and_for_who_has_them(self, situation):
        volumes = situation().cohort
        pictures = replace(volumes, dimensions=2)
        own = tuple(replace(sample, tissue=("gm", "wm", "csf")) for sample in volumes.samples)
        assert other_inputs(volumes) == ("harmonised", "tissue")
        assert other_inputs(pictures) == ("harmonised",)
        assert other_inputs(replace(pictures, samples=own)) == ("harmonised", "tissue")
