from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from biasaudit.report.grids import grid_markup
from biasaudit.report.grids_overlays import Reading, overlay_grids, overlay_tile

ROLES = ("typical", "most pathological", "least pathological")


def reading(arms: tuple[str, ...], untested: tuple[str, ...] = ()) -> Reading:
    return Reading("ms", ("opposes", "supports"), untested, arms)


def stored(arms: tuple[str, ...], *, same: bool = True, planes: tuple[str, ...] = ("axial", "coronal", "sagittal")):
    """Table and slices of an audit; the same subjects and cuts in all arms, or of an older run others in each."""
    chance = np.random.default_rng(0)
    rows, pictures = [], {}
    for arm in arms:
        for label in ("ms", "healthy"):
            for role in ROLES:
                key = f"{arm}-{len(rows):02d}"
                subject = f"{label} {role}" if same else key
                rows.append({"key": key, "arm": arm, "subject": subject, "label": label, "origin": "a",
                             "logit": 1.5, "role": role, "limit": 0.1 * (1 + arms.index(arm))})  # fmt: skip
                for plane in planes:
                    for layer in ("anatomy", "relevance", "mask"):
                        pictures[f"{key}__{plane}__{layer}"] = chance.random((9, 8))
    table = pd.DataFrame(rows)
    return table.assign(cut="1 2 3" if len(planes) == 3 else None) if same else table, pictures


@pytest.mark.parametrize("planes", [("axial", "coronal", "sagittal"), ("picture",)])
@pytest.mark.parametrize("count", [2, 8])
def test_the_same_subjects_stand_side_by_side_in_all_arms(planes, count):
    arms = tuple(f"arm{place}" for place in range(count))
    (own,) = overlay_grids(*stored(arms, planes=planes), reading(arms))
    assert own.arm == ""
    assert own.grid.kind == ("wide" if len(planes) == 3 else "small")
    assert [row.title.striptags() for row in own.grid.rows] == [
        f"{label}, typical: {label} typical from a" for label in ("healthy", "ms")
    ]
    assert len(own.grid.folded) == 4
    for row in (*own.grid.rows, *own.grid.folded):
        assert [cell.words.striptags() for cell in row.cells] == [f"{arm}, logit +1.5" for arm in arms]
        assert {cell.alt.split(",")[0] for cell in row.cells} == {
            f"Signed relevance: {row.title.striptags().split(': ')[1].removesuffix(' from a')}"
        }


def test_the_limit_of_every_arm_is_said_once_and_who_chose_the_subjects():
    (own,) = overlay_grids(*stored(("raw", "tissue")), reading(("raw", "tissue")))
    assert own.grid.words.striptags() == (
        "Full colour: raw ±0.1, tissue ±0.2. "
        "Subjects were chosen by their scores in the raw arm, among those that have maps."
    )


def test_an_older_run_with_other_subjects_in_each_arm_is_drawn_arm_by_arm():
    drawn = list(overlay_grids(*stored(("raw", "tissue"), same=False), reading(("raw", "tissue"))))
    assert [(own.arm, own.name) for own in drawn] == [("raw", "overlays_arm-1"), ("tissue", "overlays_arm-2")]
    assert [len(row.cells) for row in drawn[0].grid.rows] == [3, 3]
    assert drawn[0].grid.words.striptags() == "Full colour: raw ±0.1."


def test_one_arm_has_its_subjects_beside_each_other():
    table, pictures = stored(("raw", "tissue"))
    (own,) = overlay_grids(table[table["arm"] == "tissue"], pictures, reading(("raw", "tissue")))
    assert (own.arm, own.name) == ("tissue", "overlays_arm-2")
    assert [len(row.cells) for row in own.grid.rows] == [3, 3]


def test_arms_whose_maps_were_not_tested_are_named():
    table, pictures = stored(("raw", "tissue"))
    (own,) = overlay_grids(table, pictures, reading(("raw", "tissue"), ("tissue", "other")))
    assert "Not tested: whether the maps of tissue show" in own.grid.words.striptags()


def test_hostile_names_stay_text():
    table, pictures = stored(("raw", "tissue"))
    table = table.assign(subject="<img src=x>", role="<b>{oops}", origin="</bdi>")
    html = grid_markup(next(overlay_grids(table, pictures, reading(("raw", "tissue")))).grid)
    assert "<img src=x>" not in html
    assert "<b>" not in html
    assert html.count("<bdi>") == html.count("</bdi>")


def test_maps_without_slices_are_left_out():
    table, pictures = stored(("raw",))
    assert list(overlay_grids(table, {}, reading(("raw",)))) == []
    one = {name: picture for name, picture in pictures.items() if name.startswith("raw-00__")}
    (own,) = overlay_grids(table, one, reading(("raw",)))
    assert sum(len(row.cells) for row in own.grid.rows) == 1


def test_a_map_without_mask_or_relevance_is_anatomy():
    assert overlay_tile({"k__picture__anatomy": np.random.default_rng(0).random((5, 6))}, "k", 1.0).lines == ()
