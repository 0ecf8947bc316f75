"""U8 finds where planted maps differ, with what belongs held fixed held fixed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from biasaudit import registry
from biasaudit.checks.voxelwise_maps import class_comparison, compare_maps, origin_comparison
from biasaudit.records import Maps

SHAPE = (6, 6, 6)
PLACE = (2, 3, 4)


def judge(evidence, protocol):
    *inside, classes = registry.get("check", "U8")().judge(evidence, protocol)
    return {finding.class_name: finding for finding in inside}, classes


@pytest.fixture
def mapped(planted):
    """Maps of everybody, with an origin difference in the healthy class and a class difference elsewhere."""

    def make(origin=0.0, pathology=0.0, design="crossed", **changes):
        evidence = planted(n=120, design=design, masks=True)
        generator = np.random.default_rng(13)
        inside = np.ones(SHAPE, dtype=bool)
        inside[0, 0, 0] = False
        maps = generator.normal(size=(120, *SHAPE)) * np.array([1, 5, 0.2, 1, 1])[evidence.fold, None, None, None]
        gain = np.array([1, 5, 0.2, 1, 1])[evidence.fold]
        foreign = np.isin(evidence.origin, ("b", "d"))
        maps[:, *PLACE] += origin * gain * (foreign & ~evidence.positive)
        maps[:, 5, 5, 5] += pathology * gain * evidence.positive
        mask = np.zeros((120, *SHAPE), dtype=bool)
        mask[evidence.positive, 5, 5, 5] = True
        regions = (1 + np.indices(SHAPE)[0] // 2)[inside]
        found = Maps(
            np.arange(120), maps[:, inside], None, mask[:, inside], np.ones_like(mask[:, inside]),
            np.zeros(120), inside, regions,
        )  # fmt: skip
        return replace(evidence, maps=replace(found, **changes))

    return make


def test_origins_are_compared_inside_each_class(mapped, protocol):
    inside, classes = judge(mapped(origin=1.8), protocol)
    assert inside["healthy"].status == "concern"
    assert inside["healthy"].details["peak_voxel"] == list(PLACE)
    assert inside["healthy"].statistic > 0
    assert inside["healthy"].details["significant_voxels"] == 1
    assert inside["healthy"].details["corroborates"]
    assert inside["ms"].status == "inconclusive"
    assert classes.status == "inconclusive"


def test_nothing_planted_is_never_clear(mapped, protocol):
    inside, classes = judge(mapped(), protocol)
    assert {finding.status for finding in (*inside.values(), classes)} == {"inconclusive"}
    assert not any(finding.details["corroborates"] for finding in inside.values())


def test_a_difference_in_patients_may_be_one_of_severity_and_corroborates_nothing(mapped, protocol):
    evidence = mapped(origin=1.8)
    turned = replace(evidence, positive=~evidence.positive)
    inside, _ = judge(turned, protocol)
    assert inside["ms"].status == "concern"
    assert "severity" in inside["ms"].reason
    assert not inside["ms"].details["corroborates"]


def test_classes_are_described_with_origin_held_fixed(mapped, protocol):
    inside, classes = judge(mapped(pathology=1.8), protocol)
    assert {finding.status for finding in inside.values()} == {"inconclusive"}
    assert classes.status == "inconclusive"
    assert classes.p_value <= 0.05
    assert classes.statistic > 0
    assert classes.details["peak_voxel"] == [5, 5, 5]
    assert classes.details["share_in_masks"] == 1
    assert "only describes the disease" in classes.reason


def test_an_origin_that_holds_one_class_cannot_be_compared(mapped, protocol):
    inside, classes = judge(mapped(design="nested"), protocol)
    assert classes.status == "not_applicable"
    assert inside["healthy"].status == "inconclusive"
    inside, _ = judge(mapped(design="aliased"), protocol)
    assert {finding.status for finding in inside.values()} == {"not_applicable"}


def test_an_origin_effect_of_unequally_spread_classes_is_no_class_difference(mapped, protocol):
    evidence = mapped()
    generator = np.random.default_rng(12)
    foreign = generator.random(120) < np.where(evidence.positive, 0.8, 0.2)
    target = evidence.maps.target + 5 * np.outer(foreign, generator.normal(size=evidence.maps.target.shape[1]))
    evidence = replace(
        evidence, origin=np.where(foreign, "b", "a"), maps=replace(evidence.maps, target=target)
    )  # fmt: skip
    _, classes = judge(evidence, protocol)
    assert classes.p_value > 0.05


def test_images_of_one_subject_are_one_unit(mapped, protocol):
    maps = mapped(origin=1.8).maps
    twice = replace(
        maps, rows=np.repeat(maps.rows, 2), target=np.repeat(maps.target, 2, axis=0), mask=np.repeat(maps.mask, 2, 0),
        foreground=np.repeat(maps.foreground, 2, 0), completeness_error=np.zeros(240),
    )  # fmt: skip
    evidence = mapped(origin=1.8)
    once, _ = judge(evidence, protocol)
    again, _ = judge(replace(evidence, maps=twice), protocol)
    assert once["healthy"].n == again["healthy"].n == 60
    assert once["healthy"].p_value == again["healthy"].p_value


def test_maps_that_are_not_finite_are_left_out_and_counted(mapped, protocol):
    evidence = mapped()
    target = evidence.maps.target.copy()
    target[:3, 0] = np.nan
    inside, _ = judge(replace(evidence, maps=replace(evidence.maps, target=target)), protocol)
    assert inside["healthy"].details["left_out"] == 3
    assert inside["healthy"].n < 60


def test_too_few_maps_to_tell_anything(mapped, protocol):
    evidence = mapped()
    rows = np.flatnonzero(~evidence.positive)[:4]
    few = replace(
        evidence.maps, rows=rows, target=evidence.maps.target[rows], mask=evidence.maps.mask[rows],
        foreground=evidence.maps.foreground[rows], completeness_error=np.zeros(4),
    )  # fmt: skip
    inside, _ = judge(replace(evidence, maps=few), protocol)
    assert inside["healthy"].status == "inconclusive"
    assert "too few" in inside["healthy"].reason


def test_clusters_and_regions_are_tested_where_asked_for(mapped, protocol):
    evidence = mapped(origin=1.8)
    settings = protocol.attribution.model_copy(update={"tfce": True})
    with_clusters = protocol.model_copy(update={"attribution": settings})
    inside, _ = judge(evidence, with_clusters)
    assert {"p_voxels", "p_tfce", "p_regions"} <= set(inside["healthy"].details)
    bare = replace(evidence, maps=replace(evidence.maps, regions=None, inside=None))
    inside, _ = judge(bare, with_clusters)
    assert "p_tfce" not in inside["healthy"].details
    assert inside["healthy"].details["peak_voxel"] is None


def test_the_numbers_of_the_check_are_those_of_its_maps(mapped, protocol):
    evidence = mapped(origin=1.8)
    inside, classes = judge(evidence, protocol)
    for finding, comparison in (
        (inside["healthy"], origin_comparison(evidence, evidence.maps, "healthy")),
        (classes, class_comparison(evidence, evidence.maps)),
    ):
        assert compare_maps(evidence, evidence.maps, comparison, protocol).p_value == finding.p_value
