"""The viewer through the command line: written for volumes, rebuilt, removed, and refused in one line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import nibabel
import numpy as np
import pandas as pd
import pytest

from biasaudit.run_folder.contract import VIEWER


@pytest.fixture
def run(finished_run, tmp_path, monkeypatch) -> Path:
    """A copy; the report, which takes seconds and has tests of its own, is not drawn again."""
    monkeypatch.setattr("biasaudit.report.documents.write_report", lambda run: None)
    return Path(shutil.copytree(finished_run, tmp_path / "run"))


def stored(run: Path) -> pd.DataFrame:
    return pd.read_csv(run / VIEWER.path, sep="\t", dtype=str, keep_default_na=False)


def test_a_run_of_volumes_has_a_viewer_with_every_drawn_subject_in_every_arm(finished_run):
    assert (finished_run / "viewer.html").is_file()
    table = stored(finished_run)
    assert [*table] == list(VIEWER.columns)
    drawn = pd.read_csv(finished_run / "maps" / "overlays.tsv", sep="\t")
    assert set(table.loc[table["shown"] == "subject", "subject"]) == set(drawn["subject"])
    for _, own in table[table["shown"] == "subject"].groupby("key"):
        assert set(own.loc[own["layer"] == "target", "arm"]) == {"intensity", "tissue"}
        assert set(own.loc[own["layer"] == "origin", "arm"]) == {"intensity", "tissue"}
    assert {*table["file"]} == {f"viewer/{path.name}" for path in (finished_run / "maps" / "viewer").iterdir()}


def test_what_is_stored_is_what_the_report_draws(finished_run):
    table, drawn = stored(finished_run), pd.read_csv(finished_run / "maps" / "overlays.tsv", sep="\t")
    slices = np.load(finished_run / "maps" / "overlays.npz")
    for record in drawn.to_dict("records"):
        own = table[(table["subject"] == record["subject"]) & (table["shown"] == "subject")]
        target = own[(own["arm"] == record["arm"]) & (own["layer"] == "target")].iloc[0]
        assert (float(target["logit"]), target["role"]) == (record["logit"], record["role"])
        assert float(target["limit"]) == pytest.approx(record["limit"])
        volume = nibabel.load(finished_run / "maps" / target["file"]).get_fdata()
        cut = np.clip(slices[f"{record['key']}__axial__relevance"], -record["limit"], record["limit"])
        away = [np.abs(volume[..., place].T - cut).max() for place in range(volume.shape[2])]
        assert min(away) <= 0.51 * record["limit"] / 127


def test_the_mean_of_a_class_is_its_group_map(finished_run):
    table = stored(finished_run)
    means = table[(table["shown"] == "mean") & (table["layer"] == "target")]
    assert len(means) == 4
    for record in means.to_dict("records"):
        shown = nibabel.load(finished_run / "maps" / record["file"]).get_fdata()
        name = f"arm-{record['arm']}_group-{record['label']}_relevance.nii.gz"
        limit = float(record["limit"])
        whole = np.clip(nibabel.load(finished_run / "maps" / name).get_fdata(), -limit, limit)
        np.testing.assert_allclose(shown, whole, atol=0.51 * limit / 127)


def test_it_is_removed_stays_away_and_comes_back(biasaudit_here, run):
    done = biasaudit_here("report", run, "--no-viewer")
    assert done.returncode == 0
    assert "viewer" not in done.stdout
    assert not (run / "viewer.html").exists()
    assert biasaudit_here("report", run).returncode == 0
    assert not (run / "viewer.html").exists()
    assert str(run / "viewer.html") in biasaudit_here("report", run, "--viewer").stdout
    assert (run / "viewer.html").exists()


def test_an_older_run_is_one_line_and_exit_2(biasaudit_here, run):
    (run / "viewer.html").unlink()
    (run / VIEWER.path).unlink()
    shutil.rmtree(run / ".biasaudit")
    assert biasaudit_here("report", run).returncode == 0
    done = biasaudit_here("report", run, "--viewer")
    assert done.returncode == 2
    assert "no volumes for a viewer are stored" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_features_are_one_line_and_exit_2(biasaudit_here, run):
    shutil.rmtree(run / ".biasaudit")
    audit = json.loads((run / "audit.json").read_text())
    audit["settings"]["cohort"]["features"] = ["lh_volume"]
    (run / "audit.json").write_text(json.dumps(audit))
    done = biasaudit_here("report", run, "--viewer")
    assert done.returncode == 2
    assert "features were audited, of which there are no images to view" in done.stderr


def test_a_damaged_volume_is_named(biasaudit_here, run):
    volume = next((run / "maps" / "viewer").iterdir())
    volume.write_bytes(b"not what was written")
    done = biasaudit_here("report", run, "--viewer")
    assert done.returncode == 3
    assert volume.name in done.stderr
