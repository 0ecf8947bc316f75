"""The page of the calibration on real images, from made-up rows whose rates are known."""

import importlib.util
import sys
from pathlib import Path

import pandas as pd
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"

if not BENCHMARKS.exists():
    pytest.skip("the benchmarks are not part of this copy", allow_module_level=True)


def _module(name, monkeypatch):
    """Load one file alone: a folder of benchmarks on the path would hide modules of Python."""
    spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def rates(monkeypatch):
    return _module("real_rates", monkeypatch)


@pytest.fixture
def page(rates, monkeypatch):
    return _module("real_page", monkeypatch)


def _finding(code, statistic=None, low=None, high=None, p_value=None, may_flag=False, status="inconclusive"):
    return {
        "code": code, "status": status, "input": None, "class": None, "statistic": statistic, "low": low,
        "high": high, "p_value": p_value, "may_flag": may_flag,
    }  # fmt: skip


def _row(number, r, word, family="driven", group="judging", regime="aliased"):
    """Probes that hit the truth by .02 with an interval of .1; U13 half of it; U14 nothing; U5 .9 for everybody."""
    p_value = 0.001 if r > 0.1 else 0.5
    probes = [_finding("P1", r + 0.02, r - 0.05, r + 0.09, p_value, may_flag=True)]
    return {
        "name": f"{group}-{number}", "group": group, "family": family, "source": "cxr/nih", "n": 100, "design": regime,
        "disease": "focal", "kind": "glyph" if r else "none", "regime": regime,
        "truth": {"r": r, "omega": r, "auc_one_site": 0.9, "omega_error": 0.01, "seconds": 9.0},
        "findings": [
            _finding("G1", 0.9, status="clear"),
            _finding("U5", 0.9, 0.8, 1.0, 0.001, may_flag=True),
            _finding("U13", r / 2, r / 2 - 0.05, None, p_value, may_flag=True),
            _finding("U14", 0.0, -0.1, None, 0.9, may_flag=True),
        ],
        "probes": {str(k): probes for k in (5, 10, 20, 40)},
        "verdicts": {
            name: {"word": word if "probes" in name else "UNDETERMINED",
                   "reliance": {"estimate": None, "low": r - 0.05 if "probes" in name else None, "high": None}}
            for name in ("nothing", "field", "5 probes", "10 probes", "20 probes", "40 probes", "field and 20 probes")
        },
    }  # fmt: skip


@pytest.fixture
def rows():
    null = [_row(k, 0.0, "MIXED" if k == 0 else "PATHOLOGY", family="focal") for k in range(20)]
    strong = [_row(20 + k, 0.7, "ORIGIN") for k in range(10)]
    missed = [_row(30, 0.6, "UNDETERMINED"), _row(31, 0.4, "PATHOLOGY")]
    apart = [_row(32 + k, 0.0, "ORIGIN", family="single source") for k in range(5)]
    choosing = [_row(40 + k, 0.0, "ORIGIN", group="choosing") for k in range(7)]
    return [*null, *strong, *missed, *apart, *choosing]


def _measured(page, rates, rows, quantity):
    found = page.targets(rates.flat(rows))
    (text,) = found.loc[found.quantity == quantity, "measured"]
    return text


def test_rates_count_what_was_judged_and_nothing_else(page, rates, rows):
    assert _measured(page, rates, rows, "nulls flagged, 20 probes").startswith("1/20 0.050 [")
    assert _measured(page, rates, rows, "nulls flagged, nothing").startswith("0/20")
    assert _measured(page, rates, rows, "R* >= .5 flagged, 20 probes").startswith("10/11 0.909 [")
    assert _measured(page, rates, rows, "R* >= .5 flagged, field only").startswith("0/11")
    assert _measured(page, rates, rows, "PATHOLOGY where R* >= .3, 40 probes").startswith("1/12 0.083 [")
    assert _measured(page, rates, rows, "PATHOLOGY where R* <= .05, 40 probes").startswith("19/20 0.950 [")


def test_probes_are_held_against_the_truth(rates, rows):
    found = rates.probe_accuracy(rates.judged(rates.flat(rows)))
    row = found[(found.k == 20) & (found["true R*"] == "all")].iloc[0]
    assert row["cohorts"] == 32
    assert row["mean absolute error"] == "0.020"
    assert row["90 % interval covers"].startswith("32/32")


def test_estimators_are_judged_by_themselves(rates, rows):
    found = rates.bounds(rates.judged(rates.flat(rows))).set_index("estimator")
    assert found.loc["U13", "ROC AUC"].startswith("1.000 (12 against 20)")
    assert found.loc["U14", "flags, R* >= .5"].startswith("0/11")
    assert found.loc["U5", "flags, R* <= .05"].startswith("20/20")
    assert found.loc["U5", "bound > Omega*"].startswith("32/32")
    both = rates.combined(rates.judged(rates.flat(rows))).set_index("rule")
    assert both.loc["either", "R* >= .5"].startswith("11/11")
    assert both.loc["both", "R* >= .5"].startswith("0/11")


def test_a_rate_of_nothing_is_none(rates, rows):
    table = rates.flat(rows)
    assert rates.share(table.r[:0]) == "-"
    assert rates.verdicts(table[:0], ("ORIGIN",)).empty


def test_the_page_says_where_it_comes_from_and_keeps_groups_apart(page, rows):
    outside = pd.DataFrame([{"source": "cxr/nih", "sharpness": "0.41"}])
    text = page.page(rows, {"command": "make calibrate-real", "commit": "abc1234"}, outside)
    assert "| cxr/nih | 0.41 |" in text
    assert "| commit | abc1234 |" in text
    assert "## Reported apart" in text
    assert "5/5 1.000" in text.split("## Reported apart")[1]
    assert "nan" not in text


def test_reports_get_rates_by_what_was_declared(page, rows):
    cells = {cell["words"]: cell for cell in page.measured(rows)["cells"]}
    assert list(cells) == ["nothing declared", "a field", "5 probes", "10 probes", "20 probes", "40 probes"]
    assert cells["20 probes"]["false_flag"]["n"] == 20
    assert cells["20 probes"]["false_flag"]["rate"] == pytest.approx(0.05)
    assert cells["20 probes"]["false_clear"]["rate"] == pytest.approx(1 / 12)
    assert cells["a field"]["field"]
    assert cells["a field"]["undetermined"]["rate"] == 1
