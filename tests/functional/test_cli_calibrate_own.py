"""`calibrate --cohort`: from copies of a user's images to the report that prints their rates, and what is refused."""

from __future__ import annotations

import json

import pytest
from calibration.own.cohorts import ALIASED, write

QUICK = {
    "grid": {"shape": [16, 16]},
    "checks": ["D1", "G1", "U1"],
    "statistics": {"n_permutations": 99, "n_bootstraps": 99},
}


def test_a_budget_too_small_for_any_rate(biasaudit_here, tmp_path):
    protocol = write(tmp_path, **QUICK)
    result = biasaudit_here("calibrate", "--cohort", protocol, "-o", tmp_path / "rates", "--budget", "10")
    assert result.returncode == 2
    assert "pays for 5 copies of 2 trainings each, and a rate takes 12: give 24 trainings or more" in result.stderr
    assert not (tmp_path / "rates").exists()


def test_a_class_too_small_to_plant_in(biasaudit_here, tmp_path):
    protocol = write(tmp_path, (("healthy", "kyoto", 14), ("ms", "lyon", 12)), **QUICK)
    result = biasaudit_here("calibrate", "--cohort", protocol, "-o", tmp_path / "rates")
    assert result.returncode == 3
    assert "14 subjects (images of healthy from kyoto) are too few to plant in; copies need 24" in result.stderr


def test_options_of_the_grid_do_not_go_with_a_cohort(biasaudit_here, tmp_path):
    protocol = write(tmp_path, **QUICK)
    assert "give a --budget" in biasaudit_here("calibrate", "--cohort", protocol, "--quick").stderr
    assert "--budget goes with --cohort" in biasaudit_here("calibrate", "--budget", "90").stderr


def test_rates_of_something_else_are_refused_before_anything_runs(biasaudit_here, tmp_path):
    protocol = write(tmp_path, calibration="own-rates.json", **QUICK)
    missing = biasaudit_here("validate", protocol)
    assert missing.returncode == 3
    assert "calibration: no such file" in missing.stderr
    record = {"of": {}, "version": "0.0.1", "arms": {}, "words": "x"}
    (tmp_path / "own-rates.json").write_text(json.dumps(record))
    other = biasaudit_here("run", protocol, "-o", tmp_path / "out")
    assert other.returncode == 3
    assert other.stderr.count("calibration: ") == 4
    assert "protocol.yaml:" in other.stderr


@pytest.mark.slow
def test_from_copies_to_the_report_that_prints_their_rates(biasaudit_here, tmp_path):
    training = {"target": {"training": {"epochs": 12}}}
    protocol = write(tmp_path, ALIASED, probes=6, **QUICK | training | {"checks": ["D1", "G1", "P1"]})
    rates = tmp_path / "rates" / "own-rates.json"
    command = ("calibrate", "--cohort", protocol, "-o", rates.parent, "--engine", "local", "--budget", "24")
    first = biasaudit_here(*command)
    assert first.returncode == 0, first.stderr
    assert "Measured on copies of 32 images of healthy from kyoto, with this network: flagged" in first.stdout
    arms = json.loads(rates.read_text())["arms"]
    assert biasaudit_here(*command).returncode == 0
    assert json.loads(rates.read_text())["arms"] == arms
    with protocol.open("a") as file:
        file.write("calibration: rates/own-rates.json\n")
    run = biasaudit_here("run", protocol, "-o", tmp_path / "out", "--engine", "local")
    assert run.returncode == 0, run.stderr
    audit = json.loads((tmp_path / "out" / "audit.json").read_text())
    assert audit["arms"][0]["error_rates"]["own"] is True
    text = audit["arms"][0]["error_rates"]["text"]
    assert text.startswith("Measured on copies of 32 images of healthy from kyoto, with this network")
    assert text.split(";")[0] in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.slow
def test_a_network_that_learns_no_planted_disease_has_no_rates(biasaudit_here, tmp_path):
    rate = {"target": {"training": {"learning_rate": 1e-9}}}
    protocol = write(tmp_path, **QUICK | rate)
    result = biasaudit_here("calibrate", "--cohort", protocol, "-o", tmp_path / "rates", "--engine", "local")
    assert result.returncode == 3
    assert "the network learns no disease that can be planted: AUC" in result.stderr
