from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from biasaudit.report.image_grids import image_grids
from biasaudit.report.pictures import illustrate, map_meaning
from biasaudit.report.render import html_page
from biasaudit.run_folder.reading import load_run

PLANES = ("axial", "coronal", "sagittal")


def whole(run: Path) -> Path:
    """Add what only newer runs have: thumbnails, inputs, comparisons, pairs, and the same cuts in all arms."""
    maps = run / "maps"
    table = pd.read_csv(maps / "overlays.tsv", sep="\t")
    table.assign(cut="4 5 6").to_csv(maps / "overlays.tsv", sep="\t", index=False)
    subjects = pd.read_csv(run / "tables" / "subjects.tsv", sep="\t")
    thumbs = subjects[["subject", "label", "origin"]].assign(place=range(len(subjects)), score=0.5, marks="alignment")
    thumbs.to_csv(maps / "thumbnails.tsv", sep="\t", index=False)
    np.savez(maps / "thumbnails.npz", thumbnails=np.zeros((len(subjects), 9, 8), dtype=np.uint8))
    one = {"key": "input-000", "arm": "intensity", "channel": "image", "low": 0, "high": 1}
    pd.DataFrame([{**one, **subjects.loc[0, ["subject", "label", "origin"]]}]).to_csv(
        maps / "inputs.tsv", sep="\t", index=False
    )
    np.savez(maps / "inputs.npz", **{"input-000": np.eye(9, 8)})
    compared = {"key": "intensity-01", "arm": "intensity", "compared": "b minus a", "p_value": 0.5}
    pd.DataFrame([{**compared, "significant_voxels": 0, "critical": 4.0}]).to_csv(
        maps / "differences.tsv", sep="\t", index=False
    )
    layers = ("anatomy", "statistic", "significant")
    np.savez(
        maps / "differences.npz", **{f"intensity-01__{plane}__{name}": np.eye(6) for plane in PLANES for name in layers}
    )
    np.savez(maps / "pairs.npz", **{"0__0": np.eye(6), "0__1": np.eye(6)})
    audit = json.loads((run / "audit.json").read_text())
    pair = {"subjects": ["a", "b"], "same_file": False, "correlation": 0.987}
    audit["design"]["findings"].append(
        {**audit["design"]["findings"][0], "code": "D3", "details": {"pairs": [pair, pair]}}
    )
    (run / "audit.json").write_text(json.dumps(audit))
    return run


def test_a_run_has_every_grid_that_it_stored_pictures_for(make_run):
    records = load_run(whole(make_run(regime="nested", arms=("intensity", "tissue"), n=24)))
    grids = {own.name: own for own in image_grids(records, map_meaning(records))}
    assert list(grids) == ["mosaic", "inputs", "pairs", "overlays", "differences"]
    assert sum(len(row.cells) for row in grids["mosaic"].grid.rows) == len(records.subjects)
    assert grids["pairs"].grid.rows[0].cells[0].words.striptags() == "a and b: r = 0.99"


def test_an_older_run_has_its_overlays_arm_by_arm_and_nothing_else(make_run):
    records = load_run(make_run(regime="nested", arms=("intensity", "tissue"), n=24))
    assert [own.name for own in image_grids(records, map_meaning(records))] == ["overlays_arm-1", "overlays_arm-2"]


def test_grids_are_in_the_page_and_as_files_unless_they_are_words_alone(make_run):
    records = load_run(whole(make_run(regime="nested", arms=("intensity", "tissue"), n=24)))
    pictures, files = illustrate(records)
    for section in ("mosaic", "inputs", "pairs", "overlays"):
        (own,) = pictures[section]
        assert own.markup.count("<img ") > 0
        assert len(own.alt) > 20
        assert files[f"figures/{section}.png"].startswith(b"\x89PNG")
    (own,) = pictures["differences"]
    assert "Nothing was significant in" in own.markup
    assert "figures/differences.png" not in files
    page = html_page(records, pictures)
    assert "Nothing was significant in" in page
    assert "Statistic of every voxel" not in page
    assert page.count('class="tiles-grid"') == sum(
        len(pictures[name]) for name in ("mosaic", "inputs", "pairs", "overlays", "differences")
    )


def test_maps_that_were_not_tested_say_so_at_the_figure(make_run):
    run = load_run(make_run(n=24))
    passed = run.findings.head(1).assign(arm="intensity", code="G2", status="clear")
    tested = replace(run, findings=pd.concat([run.findings, passed]))
    for records, is_said in ((run, True), (tested, False)):
        (own,) = (own for own in image_grids(records, map_meaning(records)) if own.section == "overlays")
        assert ("was not put to the test (G2)" in own.grid.words) is is_said


def test_a_measure_that_no_image_has_is_named_under_the_figure(make_run):
    run = make_run(n=24)
    rows = [
        {"subject": "s", "label": label, "origin": "a", "measure": measure, "value": value}
        for label in ("healthy", "ms")
        for measure, value in (("snr", 1.0), ("fber", None))
    ]
    pd.DataFrame(rows).to_csv(run / "tables" / "image_quality.tsv", sep="\t", index=False, na_rep="n/a")
    (own,) = illustrate(load_run(run))[0]["quality"]
    assert own.note.startswith("Not shown, since no image has it: FBER (log10); the ratio of foreground")
    pd.DataFrame(rows[::2]).to_csv(run / "tables" / "image_quality.tsv", sep="\t", index=False, na_rep="n/a")
    (own,) = illustrate(load_run(run))[0]["quality"]
    assert own.note == ""
