from __future__ import annotations

from collections import Counter

from engine.planned import by_key, keys, map_keys


class TestRows:
    def test_maps_and_baselines_stay_on_their_sides(self, planned):
        own, plan = planned()
        jobs = by_key(plan)
        for fold, key in enumerate(map_keys(plan)):
            arguments = jobs[key].arguments
            assert {own.folds[row] for row in arguments.rows} == {fold}
            baseline = [row for rows in arguments.settings.baseline for row in rows]
            assert all(own.folds[row] != fold for row in baseline)
            assert not any(own.cohort.samples[row].positive for row in baseline)
            for rows in arguments.settings.baseline:
                assert len({own.cohort.samples[row].origins["site"] for row in rows}) == 1

    def test_maps_are_asked_of_as_many_of_each_class(self, planned):
        own, plan = planned("attribution: {max_subjects: 9}\n")
        for rows in plan.outline.map_rows:
            assert Counter(own.cohort.samples[row].positive for row in rows) == {False: 3, True: 3}


class TestAttributionSettings:
    def settings(self, plan):
        jobs = by_key(plan)
        return [jobs[key].arguments.settings for key in map_keys(plan)]

    def test_the_origins_take_turns_as_references(self, planned):
        situation, plan = planned("attribution: {method: expected_gradients, references: 5}")
        for fold, settings in enumerate(self.settings(plan)):
            samples = [situation.cohort.samples[row] for row in settings.references]
            assert len(set(settings.references)) == 5
            assert not any(sample.positive for sample in samples)
            assert all(situation.folds[row] != fold for row in settings.references)
            assert [sample.origins["site"] for sample in samples] == ["a", "b", "a", "b", "a"]

    def test_other_methods_name_no_references_and_no_regions(self, planned):
        _, plan = planned("attribution: {references: 5}")
        assert {(a.references, a.regions, a.baseline_kind) for a in self.settings(plan)} == {
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
        assert self.settings(found[0])[0].regions.grid == situation.grid
        first, second = (set(map_keys(plan)) for plan in found)
        assert not first & second
        assert set(keys(found[0], "train")) == set(keys(found[1], "train"))
