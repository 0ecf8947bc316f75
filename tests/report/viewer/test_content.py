"""What the page holds: names and words, and files of one folder only."""

from __future__ import annotations

import base64
import json

import pandas as pd
import pytest
from run_folders import NASTY, write_run
from viewer_folders import LIMIT, PICTURE, write_viewable

from biasaudit.errors import DataError
from biasaudit.report.viewer.content import are_pictures, viewer_content, why_nothing_to_view
from biasaudit.run_folder.contract import VIEWER
from biasaudit.run_folder.reading import load_run


def change(run, **cells):
    """Put other cells into the row of one file."""
    path = run / VIEWER.path
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    for column, value in cells.items():
        table.loc[0, column] = value
    table.to_csv(path, sep="\t", index=False)


def test_subjects_and_means_with_their_words_by_arm(tmp_path):
    content = viewer_content(load_run(write_viewable(tmp_path / "run")))
    assert content["arms"] == ["intensity", "tissue"]
    mean, nasty, ill = content["shown"]
    assert (mean["name"], mean["mean"], mean["mask"]) == ("ms: mean of 6", True, None)
    assert nasty["name"] == f"{NASTY} · healthy · a"
    assert nasty["mask"] is None
    assert ill["mask"] == "viewer/v03_mask.nii.gz"
    assert ill["arms"]["tissue"]["words"] == "Drawn as typical of its class, logit +1.5 (above 0 speaks for ms)"
    assert ill["arms"]["tissue"]["layers"]["target"] == {"file": "viewer/v03_arm-tissue_target.nii.gz", "limit": LIMIT}
    assert set(nasty["arms"]["intensity"]["layers"]) == {"target"}
    assert json.dumps(content, allow_nan=False)


def test_files_are_embedded_as_they_are(tmp_path):
    run = write_viewable(tmp_path / "run")
    files = viewer_content(load_run(run))["files"]
    assert {f"viewer/{path.name}" for path in (run / "maps" / "viewer").iterdir()} == set(files)
    name = "viewer/v03_mask.nii.gz"
    assert base64.b64decode(files[name]) == (run / "maps" / name).read_bytes()


def test_layers_say_what_red_and_blue_mean(tmp_path):
    content = viewer_content(load_run(write_viewable(tmp_path / "run")))
    assert [layer["key"] for layer in content["layers"]] == ["target", "origin", "difference"]
    assert content["layers"][0]["ends"] == ("opposes ms", "supports ms")
    assert content["place"] == "voxel"


def test_without_maps_of_an_origin_classifier_there_is_no_such_layer(tmp_path):
    run = write_viewable(tmp_path / "run")
    path = run / VIEWER.path
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    table[table["layer"] != "origin"].to_csv(path, sep="\t", index=False)
    assert [layer["key"] for layer in viewer_content(load_run(run))["layers"]] == ["target"]


def test_pictures_are_told_from_volumes(tmp_path):
    records = load_run(write_viewable(tmp_path / "run", ("intensity",), PICTURE))
    assert are_pictures(records)
    assert viewer_content(records)["place"] == "pixel"
    assert not are_pictures(load_run(write_viewable(tmp_path / "other")))


@pytest.mark.parametrize(
    "file", ["../audit.json", "viewer/../../audit.json", "/etc/hostname", "viewer/gone.nii.gz", "other/x"]
)
def test_no_file_but_those_of_the_folder_is_read(tmp_path, file):
    run = write_viewable(tmp_path / "run")
    change(run, file=file)
    with pytest.raises(DataError, match=r"viewer\.tsv: names .* cannot be read"):
        viewer_content(load_run(run))


def test_a_link_is_not_followed(tmp_path):
    run = write_viewable(tmp_path / "run")
    stored = run / "maps" / "viewer" / "v01_anatomy.nii.gz"
    stored.unlink()
    stored.symlink_to(run / "audit.json")
    with pytest.raises(DataError, match="outside of the folder"):
        viewer_content(load_run(run))


class TestWhyNothing:
    def test_nothing_where_there_is_something(self, tmp_path):
        assert why_nothing_to_view(load_run(write_viewable(tmp_path / "run"))) == ""

    def test_an_older_run_says_what_writes_it(self, tmp_path):
        why = why_nothing_to_view(load_run(write_run(tmp_path / "run")))
        assert "maps/viewer.tsv" in why
        assert "`biasaudit run`" in why

    def test_features_have_no_images(self, tmp_path):
        run = write_viewable(tmp_path / "run")
        audit = json.loads((run / "audit.json").read_text())
        audit["settings"]["cohort"] = {"features": ["a"]}
        (run / "audit.json").write_text(json.dumps(audit))
        assert "no images" in why_nothing_to_view(load_run(run))

    def test_arms_whose_maps_failed_are_not_shown(self, tmp_path):
        run = write_viewable(tmp_path / "run")
        audit = json.loads((run / "audit.json").read_text())
        for arm in audit["arms"]:
            arm["findings"].append({**arm["findings"][0], "code": "G2", "status": "concern"})
        (run / "audit.json").write_text(json.dumps(audit))
        assert "G2" in why_nothing_to_view(load_run(run))
