from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from biasaudit.report.grids import grid_markup
from biasaudit.report.grids_gallery import gallery_grids

PANELS = ("mean", "preferred", "change", "most1", "most2", "least1", "least2")


def stored(shape: tuple[int, ...] = (20, 16)):
    chance = np.random.default_rng(3)
    table = pd.DataFrame([
        {"key": "k0", "arm": "tissue", "layer": np.nan, "unit": np.nan, "label": "ms", "origin_share": np.nan,
         "pathology_share": np.nan, "most": "s1; s2", "least": "s3; s4"},
        {"key": "k1", "arm": "tissue", "layer": "block.2", "unit": 4.0, "label": np.nan, "origin_share": 0.5,
         "pathology_share": -0.03, "most": "<b>; s2", "least": "s3; s4"},
    ])  # fmt: skip
    pictures = {f"{key}__{panel}": chance.random(shape) for key in table["key"] for panel in PANELS}
    pictures |= {f"{key}__change": chance.normal(size=shape[:2]) for key in table["key"]}
    return table, pictures


@pytest.mark.parametrize("shape", [(20, 16), (20, 16, 3)])
def test_classes_and_units_have_six_pictures_with_their_words(shape):
    (own,) = gallery_grids(*stored(shape), ("raw", "tissue"), "pathology")
    assert (own.name, own.arm, own.note) == ("gallery_arm-2", "tissue", "pathology")
    first, second = own.grid.rows
    assert first.title.striptags() == "class ms (the network's answer)"
    assert second.title.striptags() == "block.2, unit 4: origin 0.50, pathology −0.03"
    words = [cell.words.striptags() for cell in second.cells]
    assert words == ["preferred", "change", "most: <b>", "most: s2", "least: s3", "least: s4"]
    assert "most: <bdi><b>" not in grid_markup(own.grid)


def test_a_unit_that_nothing_drives_further_says_so_in_place_of_blank_squares():
    table, pictures = stored()
    pictures["k0__change"][:] = 0
    pictures |= {f"k0__{panel}": np.zeros((20, 16)) for panel in PANELS}
    (own,) = gallery_grids(table, pictures, ("tissue",), "pathology")
    first, second = own.grid.rows
    assert first.cells == ()
    assert "it has no preferred image" in first.words
    assert second.words == ""
    pictures["k0__most1"][3] = 1.0  # cut where there is something to see
    (own,) = gallery_grids(table, pictures, ("tissue",), "pathology")
    assert [cell.words.striptags() for cell in own.grid.rows[0].cells] == ["most: s1"]


def test_aims_without_pictures_are_left_out():
    assert list(gallery_grids(stored()[0], {}, ("tissue",), "class")) == []
