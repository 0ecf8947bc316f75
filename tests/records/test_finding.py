"""Findings travel through JSON without loss, and what the verdict reads keeps the names that runs have always had."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from biasaudit.records import Comparison, Finding, Flag, Reliance, Share, withholds_maps

ASKED = Flag(True, equivalent=False, healthy=True, n_needed=None)
POOLED = replace(ASKED, healthy=False, n_needed=120, reliance=Share(0.3, 0.1, 0.6, 400))
FINDING = Finding("U1", "concern", "scores differ", 0.7, 0.6, 0.8, 0.01, 0.6, 40, "site", "healthy", remedy="match")


@pytest.mark.parametrize(
    "flag",
    [
        *(None, Flag(False), Flag(False, equivalent=False), ASKED, POOLED, replace(ASKED, reliance=Share())),
        replace(POOLED, follows_prevalence=False),
    ],
    ids=["none", "may not", "not asked", "asked", "pooled", "no estimate", "prevalence"],
)
def test_a_finding_comes_back_from_json(flag):
    finding = replace(FINDING, flag=flag, details={"pair": "a / b", "mirror": "x"}, contrast="ms")
    finding = replace(finding, level=0.9, threshold_on="p_value", alpha=0.05, statistic_name="F")
    assert Finding.from_dict(json.loads(json.dumps(finding.to_dict()))) == finding


def test_the_flag_is_written_into_the_details_in_the_order_of_older_runs():
    details = {"pair": "a / b", "n_pairs": 1, "guard": "", "held_fixed": "age", "covariate_notes": "", "mirror_p": 0.2}
    written = replace(FINDING, flag=POOLED, details=details).to_dict()["details"]
    assert list(written) == [
        *("may_flag", "equivalent", "pair", "n_pairs", "n_needed", "guard", "healthy", "held_fixed"),
        *("covariate_notes", "reliance", "reliance_low", "reliance_high", "reliance_n_needed", "mirror_p"),
    ]
    assert (written["may_flag"], written["reliance_low"], written["reliance_n_needed"]) == (True, 0.1, 400)
    of_edit = replace(FINDING, flag=Flag(True), details={"class_gap": 2.0}).to_dict()["details"]
    assert list(of_edit) == ["may_flag", "class_gap"]


def test_what_was_not_asked_is_not_written():
    assert Flag(False, equivalent=False).to_dict() == {"may_flag": False, "equivalent": False}
    assert ASKED.to_dict() == {"may_flag": True, "equivalent": False, "healthy": True, "n_needed": None}
    assert replace(FINDING, details={"n": 1}).to_dict()["details"] == {"n": 1}


def test_only_a_test_with_a_p_value_may_flag():
    assert replace(FINDING, flag=Flag(True)).may_flag
    assert not replace(FINDING, flag=Flag(False)).may_flag
    assert not replace(FINDING, flag=Flag(True), p_value=None).may_flag
    assert not FINDING.may_flag


def test_numbers_that_are_not_finite_become_null():
    finding = replace(FINDING, statistic=math.nan, high=math.inf, details={"a": np.float64("nan"), "b": np.int64(3)})
    record = finding.to_dict()
    assert (record["statistic"], record["high"], record["details"]) == (None, None, {"a": None, "b": 3})
    assert Reliance(math.nan, 0.1, None, "U1", ("A2",)).to_dict() == {
        "estimate": None,
        "low": 0.1,
        "high": None,
        "kind": None,
        "from": "U1",
        "corroborated_by": ["A2"],
        "level": None,
    }
    assert Comparison(("a", "b"), "auc", 0.1, math.nan, 0.2, 0.3).to_dict()["low"] is None


def test_a_level_is_of_an_interval_and_a_threshold_is_held_against_the_statistic_unless_stated():
    told = replace(FINDING, level=0.9, alpha=0.05).to_dict()
    assert (told["level"], told["threshold_on"], told["alpha"], told["statistic_name"]) == (
        0.9,
        "statistic",
        0.05,
        None,
    )
    assert replace(FINDING, low=None, level=0.9).to_dict()["level"] == 0.9
    assert replace(FINDING, low=math.nan, high=None, level=0.9).to_dict()["level"] is None
    assert replace(FINDING, threshold_on="p_value").to_dict()["threshold_on"] == "p_value"
    assert replace(FINDING, threshold=None, threshold_on="p_value").to_dict()["threshold_on"] is None
    assert Comparison(("a", "b"), "auc", 0.1, 0.0, 0.2, 0.3, level=0.95).to_dict()["level"] == 0.95


def test_a_finding_of_an_older_run_has_no_level():
    record = FINDING.to_dict()
    older = {key: record[key] for key in record if key not in ("level", "threshold_on", "alpha", "statistic_name")}
    assert Finding.from_dict(older) == FINDING


@pytest.mark.parametrize(
    ("code", "status", "withheld"), [("G2", "concern", True), ("G2", "clear", False), ("G1", "concern", False)]
)
def test_maps_are_withheld_where_they_failed_their_gate(code, status, withheld):
    assert withholds_maps(code, status) is withheld
