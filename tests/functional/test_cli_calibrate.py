"""`calibrate`: a tiny grid from start to summary, resumed, and refused where it must be."""

from __future__ import annotations

import json

import pandas as pd
import pytest

TINY = """\
version: 1
seed: 1
spacing: 8.0
folds: 2
epochs: 1
truth_subjects: 2
n_permutations: 99
n_bootstraps: 99
families:
  - {name: crossed-null, cohorts: 1, quick: 1, design: crossed, n: [24], checks: [D1, G1, U1, U4]}
  - {name: aliased-signature, cohorts: 1, design: aliased, n: [24], kind: any, strength: 1.0, checks: [D1, G1, U4]}
"""


@pytest.fixture
def grid(tmp_path):
    path = tmp_path / "grid.yaml"
    path.write_text(TINY)
    return path


def test_from_grid_to_summary_and_back(biasaudit_here, grid, tmp_path):
    out = tmp_path / "calibration"
    arguments = ("calibrate", "--grid", grid, "-o", out, "--engine", "local")
    first = biasaudit_here(*arguments, "--cohorts", "1")
    assert first.returncode == 0, first.stderr
    assert "calibration.md" in first.stdout
    records = {path: path.stat().st_mtime_ns for path in out.glob("jobs/*/record.json")}
    assert len(records) == 1

    assert biasaudit_here(*arguments).returncode == 0
    after = {path: path.stat().st_mtime_ns for path in out.glob("jobs/*/record.json")}
    assert len(after) == 2
    assert records.items() <= after.items()

    table = pd.read_csv(out / "cohorts.tsv", sep="\t")
    assert set(table.cohort) == {"crossed-null-000", "aliased-signature-000"}
    assert set(table.masks) == {True, False}
    assert set(json.loads((out / "measured.json").read_text())) == {"provenance", "cells", "checks"}
    assert not list(out.glob("runs/*/jobs/*/image.npz"))  # images are not kept


def test_a_folder_of_something_else_is_refused(biasaudit_here, grid, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.tex").touch()
    result = biasaudit_here("calibrate", "--grid", grid, "-o", tmp_path / "out")
    assert result.returncode == 2
    assert "not empty" in result.stderr


def test_a_bad_grid_is_refused_before_anything_runs(biasaudit_here, grid, tmp_path):
    grid.write_text(TINY.replace("epochs: 1", "epoch: 1"))
    result = biasaudit_here("calibrate", "--grid", grid, "-o", tmp_path / "out")
    assert result.returncode == 3
    assert "epochs" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "out").exists()
