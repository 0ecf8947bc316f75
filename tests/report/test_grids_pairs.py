from __future__ import annotations

import numpy as np

from biasaudit.report.grids_pairs import pair_grids


def test_both_images_of_a_pair_stand_beside_each_other_upright():
    top_left = np.zeros((6, 5), dtype=np.float16)
    top_left[0, 0] = 1
    pictures = {"0__0": top_left, "0__1": np.eye(6, 5, dtype=np.float16)}
    (own,) = pair_grids([("<a>", "b", "r = 0.99"), ("c", "d", "equal files")], pictures)
    (row,) = own.grid.rows
    (cell,) = row.cells
    assert cell.words == "<bdi>&lt;a&gt;</bdi> and <bdi>b</bdi>: r = 0.99"
    assert (cell.tile.height, cell.tile.width) == (6, 10)
    assert cell.tile.pixels[0, 0].tolist() == [255, 255, 255]
    assert cell.tile.pixels[-1, 0].tolist() == [0, 0, 0]


def test_pairs_without_pictures_have_no_grid():
    assert list(pair_grids([("a", "b", "equal files")], {})) == []
