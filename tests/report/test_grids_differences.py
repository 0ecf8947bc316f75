from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from biasaudit.report.grids_differences import difference_grids


def stored(places: tuple[int, ...], critical: float = 3.0, planes: tuple[str, ...] = ("axial", "coronal", "sagittal")):
    chance = np.random.default_rng(1)
    keys = [f"raw-{place:02d}" for place in range(len(places))]
    compared = [f"healthy: <b> minus a{place}" for place in range(len(places))]
    table = pd.DataFrame({"key": keys, "arm": "raw", "compared": compared, "p_value": 0.2,
                          "significant_voxels": places, "critical": critical})  # fmt: skip
    pictures = {}
    for key, many in zip(keys, places, strict=True):
        for plane in planes:
            significant = np.zeros((9, 8))
            significant[3:5, 3:5] = many > 0
            pictures[f"{key}__{plane}__anatomy"] = chance.random((9, 8))
            pictures[f"{key}__{plane}__statistic"] = chance.normal(size=(9, 8))
            pictures[f"{key}__{plane}__significant"] = significant
    return table, pictures


@pytest.mark.parametrize("planes", [("axial", "coronal", "sagittal"), ("picture",)])
@pytest.mark.parametrize("critical", [3.0, np.inf])
def test_only_what_is_significant_is_drawn_and_the_rest_is_named(planes, critical):
    (own,) = difference_grids(*stored((4, 0, 1), critical, planes))
    (row,) = own.grid.rows
    assert [cell.words.striptags().split(": ")[-1] for cell in row.cells] == ["4 voxels", "1 voxel"]
    assert all(len(cell.tile.lines) == len(planes) for cell in row.cells)
    assert own.grid.words.striptags() == (
        "U8 tested 3 comparisons of attribution maps. Nothing was significant in: raw (healthy: <b> minus a1)."
    )
    assert "&lt;b&gt;" in own.grid.words


def test_where_nothing_is_significant_there_are_words_alone():
    (own,) = difference_grids(*stored((0, 0)))
    assert own.grid.rows == ()
    assert own.grid.scale is None
    assert "Nothing was significant in: raw (healthy" in own.grid.words.striptags()


def test_where_all_is_significant_nothing_else_is_said():
    (own,) = difference_grids(*stored((2,)))
    assert own.grid.words.striptags() == "U8 tested 1 comparison of attribution maps."


def test_comparisons_without_slices_are_left_out():
    assert list(difference_grids(stored((2,))[0], {})) == []
