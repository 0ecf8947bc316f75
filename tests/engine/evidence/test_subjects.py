"""Rows of evidence are selected and averaged without losing whose they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from checks.conftest import plant

from biasaudit.engine.evidence.subjects import Kept, Rows, Units, units_of
from biasaudit.engine.situation.contrasts import Contrast


def evidence(**columns):
    own = plant(n=4)
    given = {
        "subject": np.array(["s1", "s2", "s1", "s3"]),
        "positive": np.array([False, True, False, True]),
        "origin": np.array(["a", "a", "a", "b"]),
    }
    return replace(own, **(given | columns))


class TestUnits:
    def test_one_image_each_needs_no_averaging(self):
        assert units_of(plant(n=6)) is None

    def test_images_of_a_subject_at_one_origin_are_one_unit(self):
        units = units_of(evidence())
        assert units.of_row.tolist() == [0, 1, 0, 2]
        assert units.first.tolist() == [0, 1, 3]

    def test_a_subject_at_two_origins_is_two_units(self):
        assert units_of(evidence(origin=np.array(["a", "a", "b", "b"]))) is None

    def test_actual_classes_part_a_subject_where_they_are_given(self):
        assert units_of(evidence(label=np.array(["ms", "ms", "tumour", "ms"]))) is None

    def test_mean_and_first(self):
        units = Units(np.array([0, 1, 0]), np.array([0, 1]))
        assert units.mean(np.array([1.0, 5.0, 3.0])).tolist() == [2.0, 5.0]
        assert units.take_first(np.array(["x", "y", "z"])).tolist() == ["x", "y"]

    def test_a_part_of_the_rows_is_grouped_by_unit(self):
        group = Units(np.array([0, 0, 1, 2, 2]), np.array([0, 2, 3])).group(np.array([4, 0, 3]))
        assert group.units.tolist() == [0, 2]
        assert group.first.tolist() == [1, 0]
        assert group.mean(np.array([1.0, 9.0, 3.0])).tolist() == [9.0, 2.0]


class TestKept:
    def test_places_among_the_kept(self):
        kept = Kept(np.array([True, False, True, True]))
        assert kept.take(np.arange(4)).tolist() == [0, 2, 3]
        assert kept.among(np.array([1, 2])).tolist() == [False, True]
        assert kept.places(np.array([2, 3])).tolist() == [1, 2]


def test_rows_of_a_class_that_come_from_some_origins():
    contrast = Contrast(None, 1, ("healthy", "ms"), (False, True, False))
    rows = Rows(contrast, np.array(["healthy", "ms", "healthy"]), np.array(["a", "a", "b"]))
    assert len(rows) == 3
    assert rows.of_class("healthy", ("a",)).tolist() == [True, False, False]
    assert rows.of_class("healthy", ("a", "b")).tolist() == [True, False, True]
