from __future__ import annotations

import json

import pytest

from biasaudit import error_rates as module
from biasaudit.error_rates import Setting, carries_weight, error_rates, limit_of_rates, weight_text

COUNTED = {"rate": 0.02, "low": 0.0, "high": 0.07, "n": 100}
CELL = {
    "regime": "aliased",
    "masks": "complete",
    "n_low": 120,
    "n_high": 239,
    "cohorts": 150,
    "simulated_n": [160],
    "false_flag": COUNTED,
    "false_clear": {"rate": None, "low": None, "high": None, "n": 0},
    "undetermined": COUNTED,
}


def setting(**changes) -> Setting:
    own = {
        "regime": "aliased", "masks": "complete", "n": 160, "dimensions": 3, "network": "cnn",
        "representation": "intensity", "simulated": True,
    }  # fmt: skip
    return Setting(**(own | changes))


@pytest.fixture
def measured(tmp_path, monkeypatch):
    path = tmp_path / "measured.json"
    shown = {"auc": 0.7, "low": 0.4, "high": 0.9, "n": 40}
    board = {"U3": {"all": shown | {"discriminates": True}, "nested": shown | {"discriminates": False}}}
    path.write_text(json.dumps({"cells": [CELL, CELL | {"simulated_n": [320, 400]}], "checks": board}))
    monkeypatch.setattr(module, "measured_rates", lambda: path)
    monkeypatch.setattr(module, "measured_checks", lambda: tmp_path / "measured-checks.json")
    monkeypatch.setattr(module, "measured_pictures", lambda: tmp_path / "measured-pictures.json")
    module._measured.cache_clear()
    yield path
    module._measured.cache_clear()


def test_the_cell_of_the_same_size(measured):
    found = error_rates(setting())
    assert found["cell"] == "aliased, complete masks, n 160"
    assert found["within_calibration"] is True
    assert found["false_flag"] == 0.02
    assert found["false_flag_n"] == 100
    assert found["false_clear"] is None


def test_the_nearest_cell(measured):
    assert error_rates(setting(n=390))["cell"] == "aliased, complete masks, n 320-400"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"simulated": False}, "real images"),
        ({"dimensions": 2}, "pictures"),
        ({"network": "monai:DenseNet121"}, "another network"),
        ({"representation": "harmonised"}, "another input"),
        ({"n": 5000}, "5000 subjects"),
        ({"n": 30}, "30 subjects"),
    ],
)
def test_outside_calibration_says_why(measured, changes, reason):
    found = error_rates(setting(**changes))
    assert found["within_calibration"] is False
    assert "Outside calibration" in found["text"]
    assert reason in found["text"]


def test_a_regime_that_was_never_simulated(measured):
    found = error_rates(setting(regime="single"))
    assert found["cell"] is None
    assert found["within_calibration"] is False


def test_nothing_measured_yet(tmp_path, monkeypatch):
    for name in ("measured_rates", "measured_checks"):
        monkeypatch.setattr(module, name, lambda: tmp_path / "none.json")
    module._measured.cache_clear()
    assert error_rates(setting())["text"] == "error rates not yet measured"
    assert carries_weight("U3", "crossed") is None
    module._measured.cache_clear()


def test_weight_by_regime_first(measured):
    assert carries_weight("U3", "nested") is False
    assert carries_weight("U3", "crossed") is True
    assert carries_weight("U9", "crossed") is None
    assert weight_text("U3", "nested").endswith("no better than chance, so it is not used")
    assert "not used" not in weight_text("U3", "crossed")
    assert weight_text("U9", "crossed") == ""


def test_checks_with_a_grid_of_their_own_are_weighed_by_it(measured):
    shown = {"auc": 0.9, "low": 0.8, "high": 1.0, "n": 60, "discriminates": True}
    measured.with_name("measured-checks.json").write_text(json.dumps({"checks": {"U9": {"all": shown}}}))
    assert carries_weight("U9", "nested") is True
    assert carries_weight("U3", "nested") is False


PICTURED = {"false_flag": COUNTED, "false_clear": COUNTED, "undetermined": COUNTED}
BY_DECLARED = [
    {"words": "nothing declared", "probes": 0, "field": False, **PICTURED},
    {"words": "a field", "probes": 0, "field": True, **PICTURED},
    {"words": "20 probes", "probes": 20, "field": False, **PICTURED},
    {"words": "40 probes", "probes": 40, "field": False, **PICTURED},
]


@pytest.mark.parametrize(
    ("changes", "cell"),
    [
        ({}, "aliased, nothing declared"),
        ({"field": True}, "aliased, a field"),
        ({"probes": 18}, "aliased, 20 probes"),
        ({"probes": 35, "field": True}, "aliased, 40 probes"),
    ],
)
def test_real_pictures_have_rates_by_what_was_declared(changes, cell, measured):
    measured.with_name("measured-pictures.json").write_text(json.dumps({"cells": BY_DECLARED}))
    own = setting(dimensions=2, simulated=False, masks="none", **changes)
    found = error_rates(own)
    assert found["cell"] == cell
    assert found["within_calibration"]
    assert "Measured on real pictures" in found["text"]


def test_pictures_beyond_what_was_measured_say_so(measured):
    path = measured.with_name("measured-pictures.json")
    path.write_text(json.dumps({"cells": BY_DECLARED}))
    pictured = {"dimensions": 2, "simulated": False, "masks": "none"}
    other = error_rates(setting(**pictured, network="monai:DenseNet121"))
    assert not other["within_calibration"]
    assert other["text"].startswith("Outside calibration (another network)")
    nested = error_rates(setting(**pictured, regime="nested", n=4000))
    assert nested["text"].startswith("Outside calibration (several origins in a class, 4000 subjects)")
    assert error_rates(setting(**pictured, regime="crossed"))["cell"] is None
    assert error_rates(setting(**{**pictured, "masks": "complete"}))["cell"] == "aliased, complete masks, n 160"
    path.unlink()
    assert error_rates(setting(**pictured))["cell"] is None


def test_features_are_neither_images_nor_pictures(measured):
    found = error_rates(setting(kind="features", dimensions=2, simulated=False, masks="complete"))
    assert found["text"].startswith("Outside calibration (features in place of images).")
    assert "picture" not in found["text"]


def test_of_real_images_outside_calibration_it_says_how_to_measure_their_own(measured):
    told = "Rates of these very images and this network: biasaudit calibrate --cohort PROTOCOL."
    assert error_rates(setting(simulated=False))["text"].endswith(told)
    assert told not in error_rates(setting(network="own.py:build"))["text"]
    assert told not in error_rates(setting(simulated=False, kind="features"))["text"]


def test_a_check_of_several_inputs_names_those_that_were_measured(measured):
    shown = {"auc": 0.9, "low": 0.8, "high": 1.0, "n": 40, "discriminates": True}
    document = json.loads(measured.read_text())
    document["checks"] = {"A2 erased": {"all": shown}, "A2 silhouette": {"all": shown | {"auc": 0.5}}}
    measured.write_text(json.dumps(document))
    module._measured.cache_clear()
    text = weight_text("A2", "nested")
    assert "erased 0.90 [0.80, 1.00], 40 cohorts; silhouette 0.50" in text
    assert text.endswith("other inputs were not measured")


def test_the_limit_follows_what_the_rates_rest_on(measured, tmp_path):
    pictured = CELL | {"field": False, "probes": 0, "words": "no probes"}
    (tmp_path / "measured-pictures.json").write_text(json.dumps({"cells": [pictured]}))
    pictures = error_rates(setting(dimensions=2, simulated=False, masks="none"))
    assert "other real pictures" in limit_of_rates(pictures)
    assert "simulated" not in limit_of_rates(pictures)
    assert "simulated brain images" in limit_of_rates(error_rates(setting(simulated=False)))
    assert "copies of the audit's own images" in limit_of_rates({"own": True, "false_flag": None})
    assert "not measured" in limit_of_rates(error_rates(setting(regime="single")))
