from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from biasaudit.report.grids import grid_markup
from biasaudit.report.grids_cohort import input_grids, mosaic_grids


def cohort(n: int = 12) -> pd.DataFrame:
    marks = ["alignment; highest", "lowest", *[np.nan] * (n - 2)]
    return pd.DataFrame({
        "place": np.arange(n, dtype=float), "subject": [f"<s{row}>" for row in range(n)],
        "label": [("ms", "healthy")[row % 2] for row in range(n)], "origin": [f"site {row % 3}" for row in range(n)],
        "score": np.linspace(-2, 2, n), "correlation": 0.5, "marks": marks,
    })  # fmt: skip


@pytest.mark.parametrize("shape", [(8, 9), (8, 9, 3)])
def test_every_subject_stands_with_its_class_and_origin_healthy_first(shape):
    (own,) = mosaic_grids(cohort(), np.zeros((12, *shape)), "ms", 12)
    titles = [row.title.striptags() for row in own.grid.rows]
    assert titles == [f"{label}, site {site}: 2" for label in ("healthy", "ms") for site in range(3)]
    html = grid_markup(own.grid)
    assert html.count("<img ") == 12
    assert "<s0>" not in html
    assert "of 12 images" not in html


def test_those_to_look_at_are_framed_and_say_why():
    (own,) = mosaic_grids(cohort(), np.zeros((12, 8, 9)), "ms", 12)
    cells = {cell.alt: cell for row in own.grid.rows for cell in row.cells}
    assert cells["<s0>"].mark == "worst highest"
    assert cells["<s0>"].tip == (
        "<s0>, score −2.0, correlation with the mean image 0.50, least like the cohort's mean image, "
        "highest score of its class"
    )
    assert cells["<s1>"].mark == "lowest"
    assert cells["<s2>"].mark == ""
    words = own.grid.words.striptags()
    assert words.startswith("dashed frame: least like the cohort's mean image solid frame: highest score")


def test_a_sample_says_of_how_many():
    (own,) = mosaic_grids(cohort(), np.zeros((12, 8, 9)), "ms", 900)
    assert "12 of 900 images, sampled in every group." in own.grid.words


def test_a_run_without_thumbnails_has_no_mosaic():
    assert list(mosaic_grids(cohort(2), None, "ms", 2)) == []
    assert list(mosaic_grids(cohort()[:0], np.zeros((0, 8, 9)), "ms", 0)) == []


def inputs() -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    rows, pictures = [], {}
    for arm, channels in (("raw", ("input",)), ("tissue", ("grey matter", "CSF"))):
        for number, (label, subject) in enumerate((("healthy", "h1"), ("healthy", "h2"), ("ms", "<m1>"))):
            for channel in channels:
                key = f"input-{len(rows):03d}"
                rows.append({"key": key, "arm": arm, "subject": subject, "label": label, "origin": "a",
                             "channel": channel, "low": -1.25, "high": 2.0})  # fmt: skip
                pictures[key] = np.full((8, 9), float(number))
                pictures[key][0, 0] = 0.0
    return pd.DataFrame(rows), pictures


def test_every_channel_of_every_arm_is_shown_of_one_subject_a_class_and_the_others_are_folded():
    (own,) = input_grids(*inputs())
    assert [row.title.striptags() for row in own.grid.rows] == ["healthy: h1 from a", "ms: <m1> from a"]
    assert [row.title.striptags() for row in own.grid.folded] == ["healthy: h2 from a"]
    words = [cell.words.striptags() for cell in own.grid.rows[1].cells]
    assert words == ["raw: −1.2 to 2", "tissue, grey matter: −1.2 to 2", "tissue, CSF: −1.2 to 2"]


def test_a_channel_has_one_grey_scale_for_all_subjects_and_stands_upright():
    (own,) = input_grids(*inputs())
    first, second = own.grid.rows[0].cells[0].tile.pixels, own.grid.folded[0].cells[0].tile.pixels
    assert first[-1, -1, 0] < second[-1, -1, 0] < own.grid.rows[1].cells[0].tile.pixels[-1, -1, 0]
    assert own.grid.rows[1].cells[0].tile.pixels[0, 0, 0] == 0


def test_a_run_without_inputs_has_no_grid():
    assert list(input_grids(inputs()[0], {})) == []
