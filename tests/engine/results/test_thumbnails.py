from __future__ import annotations

import numpy as np
import pytest

from biasaudit.engine.results.thumbnails import SIDE, marks_of, sampled, thumbnail


def test_those_least_like_the_mean_and_the_extreme_scores_of_every_class_are_marked():
    labels = ["healthy", "ms"] * 5
    scores = {row: float(row) for row in range(9)}  # the last was never held out
    alignment = [0.9] * 7 + [0.1, 0.2, np.nan]
    marks = marks_of(labels, scores, alignment)
    assert marks[7] == ("alignment", "highest")
    assert marks[8] == ("alignment", "highest")
    assert marks[0] == ("alignment", "lowest")  # the first of those that are next
    assert marks[1] == ("lowest",)
    assert set(marks) == {0, 1, 7, 8}


def test_a_class_of_one_has_no_extremes_and_without_numbers_nothing_is_marked():
    assert marks_of(["healthy", "ms"], {0: 1.0, 1: 2.0}, [np.nan, np.nan]) == {}


def test_small_cohorts_are_shown_whole_and_large_ones_group_by_group():
    groups = [("healthy", "a")] * 50 + [("ms", "b")] * 10 + [("ms", "c")]
    assert sampled(groups, (), 100) == list(range(61))
    rows = sampled(groups, (49,), 30)
    assert len(rows) == 30
    assert 49 in rows
    assert set(range(50, 61)) <= set(rows)
    assert rows == sampled(groups, (49,), 30)


def test_every_group_keeps_one_even_if_those_are_many():
    groups = [("healthy", f"site {row // 2}") for row in range(40)]
    assert sampled(groups, (3,), 10) == [0, 3, *range(4, 40, 2)]


def test_a_volume_is_cut_in_the_middle_upright_and_between_its_percentiles():
    volume = np.zeros((40, 50, 30))
    volume[3, 49, 15] = 1.0
    volume[10:30, 10:40] = 0.5
    volume[0, 0, 0] = 1e6  # elsewhere
    small = thumbnail(volume, 3)
    assert (small.shape, small.dtype) == ((50, 40), np.uint8)
    assert small[0, 3] == 255
    assert small[25, 20] == 255
    assert small[49, 0] == 0


@pytest.mark.parametrize(
    ("shape", "expected"), [((96, 128), (42, SIDE)), ((128, 96, 3), (SIDE, 42, 3)), ((20, 30), (20, 30))]
)
def test_pictures_are_made_small_and_keep_their_shape(shape, expected):
    assert thumbnail(np.random.default_rng(0).random(shape), 2).shape == expected


@pytest.mark.parametrize("full", [1.0, 255.0, 65535.0])
def test_colours_stay_what_they_are(full):
    picture = np.zeros((6, 6, 3))
    picture[..., 0], picture[..., 1] = full, 0.5 * full
    np.testing.assert_allclose(thumbnail(picture, 2)[3, 3], [255, 128, 0], atol=1)
