"""Rates on copies: counted among targets that learned, choosing copies apart, with intervals."""

from __future__ import annotations

import pandas as pd
import pytest

from biasaudit.calibration.own.summary import _require_rates, rates_of
from biasaudit.errors import IncompleteError


def copies(*rows):
    columns = ("role", "competent", "r", "omega", "verdict", "reliance_estimate", "reliance_low", "reliance_high")
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(regime="crossed")


CLEAN = ("clean", True, 0.0, 0.0, "PATHOLOGY", 0.02, 0.0, 0.1)
FOUND = ("planted", True, 0.7, 0.6, "ORIGIN", 0.65, 0.5, 0.8)


def test_flags_and_clears_are_counted_by_the_truth():
    rates = rates_of(
        copies(
            CLEAN,
            (*CLEAN[:4], "MIXED", 0.2, 0.12, 0.3),
            FOUND,
            (*FOUND[:2], 0.6, 0.5, "PATHOLOGY", 0.1, 0.0, 0.2),
            ("planted", True, 0.3, 0.2, "UNDETERMINED", 0.2, 0.05, 0.4),
            ("planted", True, 0.15, 0.1, "MIXED", 0.2, 0.12, 0.3),
        )
    )
    counts = {name: (own["events"], own["n"]) for name, own in rates.items() if isinstance(own, dict) and "rate" in own}
    assert counts == {
        "false_flag": (1, 2), "cleared": (1, 2), "found": (1, 2), "found_middle": (0, 1),
        "false_clear": (1, 3), "undetermined": (1, 6),
    }  # fmt: skip
    assert rates["false_flag"]["low"] < 0.5 < rates["false_flag"]["high"]
    assert rates["reliance"] == {"n": 6, "mean_absolute_error": pytest.approx(0.1533, abs=1e-4), "covered": 4}


def test_copies_that_chose_or_did_not_learn_are_not_counted():
    rates = rates_of(copies(CLEAN, ("disease", *CLEAN[1:]), ("clean", False, *CLEAN[2:])))
    assert rates["false_flag"]["n"] == 1
    assert rates["not_learned"] == 1


def test_nothing_counted_is_no_rate():
    rates = rates_of(copies(CLEAN))
    assert rates["found"] == {"events": 0, "n": 0, "rate": None, "low": None, "high": None}


def test_rates_of_nothing_are_not_written():
    nothing = rates_of(copies(("clean", False, *CLEAN[2:]), ("planted", True, 0.3, 0.2, "MIXED", 0.2, 0.1, 0.3)))
    with pytest.raises(IncompleteError, match=r"no copy counts.*\(1 did not\): train longer"):
        _require_rates({"intensity": nothing})
    _require_rates({"intensity": nothing, "other": rates_of(copies(CLEAN))})
