"""The section on what the network learned."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from drawings import SVG, is_sound, panels_of, titles_of, words_of

from biasaudit.errors import DataError
from biasaudit.report import figures_learned
from biasaudit.report.inks import INKS
from biasaudit.report.panels import panel_style
from biasaudit.report.render import html_page, illustrate, write_report
from biasaudit.run_folder.reading import load_run

Make = Callable[..., Path]
PANELS = ("mean", "preferred", "change", "most1", "most2", "least1", "least2")


def add_learned(run: Path, arms: tuple[str, ...] = ("intensity",), *, held: str = "origin", origins: int = 3) -> Path:
    """Write the files of `engine.learned_files` into a made run."""
    chance = np.random.default_rng(3)
    units, places, aims, slices = [], [], [], {}
    for arm in arms:
        for layer in ("stage1.act", "stage2.act"):
            for unit in range(6):
                known = {"origin_share": chance.uniform(0, 0.9), "pathology_share": chance.uniform(0, 0.9)}
                units.append({"arm": arm, "layer": layer, "unit": unit, **known, "held": held})
        for row in range(30):
            x, y = chance.normal(size=2)
            own = {"component_1": x, "component_2": y, "share_1": 0.5, "share_2": 0.2}
            label = ("healthy", "ms")[row % 2]
            place = {"arm": arm, "fold": row // 10 + 1, "subject": f"s{row}", "label": label}
            places.append({**place, "origin": f"site{row % origins}", **own})
        for number, (layer, unit, label) in enumerate((("", None, "ms"), ("stage2.act", 4, None))):
            share = None if layer == "" else 0.5
            key = f"learned-{arm}-{number}"
            aims.append({"key": key, "arm": arm, "layer": layer, "unit": unit, "label": label,
                         "origin_share": share, "pathology_share": share})  # fmt: skip
            slices |= {f"{key}__{panel}": chance.normal(size=(20, 16)).astype(np.float32) for panel in PANELS}
    (run / "learned").mkdir()
    for name, rows in (("tables/units", units), ("tables/embedding", places), ("learned/gallery", aims)):
        pd.DataFrame(rows).to_csv(run / f"{name}.tsv", sep="\t", index=False, na_rep="n/a")
    np.savez_compressed(run / "learned" / "gallery.npz", **slices)
    return run


def test_the_section_shows_every_figure_and_says_what_it_does_not_prove(make_run: Make) -> None:
    run = add_learned(make_run(n=24, maps=False))
    text = write_report(run).read_text(encoding="utf-8")
    assert 'id="learned"' in text
    assert "This illustrates and does not prove" in text
    for name in ("units_arm-1.svg", "embedding_arm-1.svg", "gallery_arm-1.png"):
        assert (run / "figures" / name).exists(), name
    assert "over all origins, since" not in text


def test_a_class_that_was_not_asked_inside_origins_is_said(make_run: Make) -> None:
    records = load_run(add_learned(make_run(n=24, maps=False), held="nothing"))
    pictures, _ = illustrate(records)
    assert "over all origins, since no origin holds both classes" in html_page(records, pictures)


def test_no_section_without_records(make_run: Make) -> None:
    records = load_run(make_run(n=24, maps=False))
    assert 'id="learned"' not in html_page(records, {})
    assert not illustrate(records)[0]["gallery"]


def test_units_without_origins_and_aims_without_pictures_are_left_out(make_run: Make) -> None:
    run = add_learned(make_run(n=24, maps=False))
    table = pd.read_csv(run / "tables" / "units.tsv", sep="\t").assign(origin_share="n/a")
    table.to_csv(run / "tables" / "units.tsv", sep="\t", index=False)
    (run / "learned" / "gallery.npz").unlink()
    pictures, _ = illustrate(load_run(run))
    assert not pictures["units"]
    assert not pictures["gallery"]
    assert len(pictures["embedding"]) == 1


def test_damaged_numbers_are_named(make_run: Make) -> None:
    run = add_learned(make_run(n=24, maps=False))
    table = pd.read_csv(run / "tables" / "embedding.tsv", sep="\t").astype({"component_1": object})
    table.loc[1, "component_1"] = "far"
    table.to_csv(run / "tables" / "embedding.tsv", sep="\t", index=False)
    with pytest.raises(DataError, match=r"embedding\.tsv:3: component_1 is 'far'"):
        load_run(run)


@pytest.mark.parametrize("origins", [1, 3, 14])
def test_places_are_drawn_by_class_and_by_origin(make_run: Make, origins: int) -> None:
    records = load_run(add_learned(make_run(n=24, maps=False), origins=origins))
    with panel_style():
        plot = figures_learned.embedding(records.embedding, "ms")
    assert is_sound(plot)
    names = words_of(plot)
    assert names[:2] == ["healthy", "ms"]
    assert len(names) == 2 + min(origins, 9)
    assert ("6 other origins" in names) == (origins == 14)
    panels = panels_of(plot)
    assert len(panels) == 6  # three folds, by class and by origin
    subjects = [title.split(", ")[0] for panel in panels for title in titles_of(panel)]
    assert sorted(subjects) == sorted([f"s{row}" for row in range(30)] * 2)
    assert "s4, healthy, site" in titles_of(panels[0])[4]


def test_colours_follow_the_origin_and_the_others_are_grey(make_run: Make) -> None:
    table = load_run(add_learned(make_run(n=24, maps=False), origins=14)).embedding
    with panel_style():
        by_origin = panels_of(figures_learned.embedding(table, "ms"))[3:]
    inks = {}
    for panel in by_origin:
        for group in panel.iter(f"{SVG}g"):
            for title in titles_of(group):
                inks[title.rsplit(", ", 1)[1]] = group.get("style").split(";")[0]
    kept = {f"site{number}" for number in (0, 1, 10, 11, 12, 13, 2, 3)}
    assert len({inks[name] for name in kept}) == 8
    assert {inks[name] for name in set(inks) - kept} == {f"fill:{INKS['others']}"}


@pytest.mark.parametrize("layers", [1, 2, 9])
def test_units_say_what_they_know(layers: int) -> None:
    rows = [
        {"layer": f"block {layer}", "unit": unit, "origin_share": 0.1 * unit, "pathology_share": 0.9 - 0.1 * unit}
        for layer in range(layers)
        for unit in range(4)
    ]
    rows.append({"layer": "block 0", "unit": 9, "origin_share": float("nan"), "pathology_share": 0.5})
    with panel_style():
        plot = figures_learned.units(pd.DataFrame(rows), "class")
    assert is_sound(plot)
    (panel,) = panels_of(plot)
    assert len(titles_of(panel)) == 4 * layers
    assert titles_of(panel)[1] == "block 0, unit 1: origin 0.10, class 0.80"
    assert len(words_of(plot)) == min(layers, 4)
    assert words_of(plot)[0].startswith("block 0")
    assert words_of(plot)[-1].endswith(f"block {layers - 1}")
