"""Rates, accuracy and scoreboard from records whose right answer is known."""

from __future__ import annotations

import numpy as np
import pytest

from biasaudit.calibration import rates
from biasaudit.calibration.board import write_board
from biasaudit.calibration.cohort_table import tabulate, tabulate_arms
from biasaudit.calibration.scoreboard import extremes, faithful, scoreboard
from biasaudit.calibration.summary import write_summary


def finding(code, *, statistic=None, p_value=None, status="clear", given=None):
    return {"code": code, "statistic": statistic, "p_value": p_value, "status": status, "input": given}


def record(number, r, verdict, **changes):
    own = {
        "cohort": f"c{number}", "family": "made", "half": "judge" if number % 2 else "fit", "kind": "contrast",
        "strength": 1.0, "n": 160, "arm": "intensity", "masks": True, "mask_is_complete": True, "regime": "crossed",
        "verdict": verdict, "reason": "", "truth": {"r": r, "omega": r, "auc_one_site": 0.9, "gap": 1.0},
        "reliance": {"low": max(0, r - 0.1), "estimate": r, "high": r + 0.1, "from": "U1"},
        "findings": [
            finding("G1", statistic=0.9),
            finding("U1", statistic=0.5 + r / 2, p_value=0.5 - 0.49 * r),
            finding("U4", statistic=r, p_value=0.001 if r > 0.2 else 0.5),
        ],
    }  # fmt: skip
    return {"records": [own | changes], "comparisons": []}


def table_of(*records):
    return tabulate(records)


def line(table, words):
    found = rates.rates(table)
    return found[found.quantity.str.startswith(words)].iloc[0]


def test_false_flags_are_counted():
    table = table_of(*(record(k, 0.0, "MIXED" if k < 3 else "PATHOLOGY") for k in range(30)))
    assert tuple(line(table, "flagged where R* <= .05")[["events", "n"]]) == (3, 30)


def test_every_family_of_nulls_has_a_line():
    own = [record(k, 0.0, "MIXED" if k < 2 else "PATHOLOGY", family="null-label-noise") for k in range(10)]
    table = table_of(*own, record(99, 0.0, "MIXED"), record(98, 0.2, "MIXED", family="null-label-noise"))
    assert tuple(line(table, "flagged where R* <= .05, label noise, masks")[["events", "n"]]) == (2, 10)
    assert line(table, "flagged where R* <= .05, label noise, no masks").n == 0
    assert line(table, "flagged where R* <= .05, unequal variances, masks").n == 0


def test_power_counts_competent_targets_only():
    blind = [finding("G1", statistic=0.5, status="inconclusive")]
    records = [record(k, 0.6, "ORIGIN") for k in range(10)] + [record(99, 0.6, "UNDETERMINED", findings=blind)]
    assert tuple(line(table_of(*records), "flagged where R* >= .5, n >= 160, crossed")[["events", "n"]]) == (10, 10)


def test_an_unknown_truth_counts_nowhere():
    unknown = record(1, 0.0, "MIXED", truth={"r": None, "omega": None, "auc_one_site": 0.5, "gap": 0.0})
    assert (rates.rates(table_of(unknown, record(2, 0.3, "MIXED"))).events.sum()) == 1


@pytest.mark.parametrize(("events", "n"), [(0, 200), (5, 100), (100, 100)])
def test_wilson_interval(events, n):
    share, low, high = rates.rate(events, n)
    z = 1.959964
    centre = (events + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * np.sqrt(events * (n - events) / n + z * z / 4)
    assert (share, low, high) == pytest.approx((events / n, centre - half, centre + half), abs=1e-6)


def test_nothing_to_count_is_unknown():
    assert np.isnan(rates.rate(0, 0)).all()


def test_accuracy_uses_r_in_crossed_designs_and_omega_outside():
    truth = {"r": 0.2, "omega": 0.8, "auc_one_site": 0.9, "gap": 1.0}
    crossed = [record(k, 0.2, "MIXED", truth=truth) for k in range(3)]
    reliance = {"low": 0.7, "estimate": 0.8, "high": 0.9, "from": "U4"}
    nested = [record(9, 0.8, "ORIGIN", truth=truth, regime="nested", reliance=reliance)]
    found = rates.accuracy(table_of(*crossed, *nested)).set_index("rows")
    assert found.loc["masks, AUC >= .75", "mean_absolute_error"] == pytest.approx(0.0)


def test_accuracy_counts_coverage():
    wide = [record(k, 0.3, "MIXED") for k in range(8)]
    missed = [record(9, 0.3, "MIXED", reliance={"low": 0.5, "estimate": 0.6, "high": 0.7, "from": "U1"})] * 2
    found = rates.accuracy(table_of(*wide, *missed)).set_index("rows")
    assert found.loc["masks, AUC >= .75", "coverage"] == pytest.approx(0.8)


def test_a_check_that_tells_driven_from_clean_discriminates():
    chance = np.random.default_rng(1)
    records = []
    for k in range(60):
        r = 0.4 if k % 3 == 0 else 0.0
        blind = finding("U7", statistic=float(chance.normal()), p_value=float(chance.uniform(0.01, 1)))
        own = record(k, r, "MIXED")
        own["records"][0]["findings"] = [*own["records"][0]["findings"], blind]
        records.append(own)
    board = scoreboard(tabulate(records)).set_index("check")
    assert board.loc["U4", "auc"] == 1.0
    assert board.loc["U4", "discriminates"]
    assert board.loc["U4", "power"] == 1.0
    assert board.loc["U4", "size"] == 0.0
    assert not board.loc["U7", "discriminates"]


def test_kinds_share_their_clean_cohorts():
    records = [record(k, 0.4, "MIXED", kind="noise") for k in range(6)]
    records += [record(10 + k, 0.0, "PATHOLOGY", kind="none") for k in range(6)]
    board = scoreboard(tabulate(records), ["kind"])
    assert set(board.kind) == {"noise"}
    assert (board.clean == 6).all()


def arm_records(truths, differences):
    made = []
    for k, (truth, difference) in enumerate(zip(truths, differences, strict=True)):
        pair = [record(k, r, "MIXED", arm=arm)["records"][0] for arm, r in (("intensity", truth), ("tissue", 0.1))]
        compared = {"quantity": "reliance", "difference": difference, "low": difference - 0.1, "high": difference + 0.1}
        made.append({"records": pair, "comparisons": [compared]})
    return made


def test_signs_and_coverage_of_arm_differences():
    found = tabulate_arms(arm_records([0.5, 0.5, 0.15], [0.38, -0.2, 0.0]))
    assert found.truth.tolist() == pytest.approx([0.4, 0.4, 0.05])
    assert found.covered.tolist() == [True, False, True]


def test_summary_holds_every_table_and_the_data_file(tmp_path):
    records = [record(k, 0.4 if k % 4 < 2 else 0.0, "MIXED" if k % 4 < 2 else "PATHOLOGY") for k in range(40)]
    measured = write_summary(records, {"command": "biasaudit calibrate", "cohorts": "40 of 40"}, tmp_path)
    for name in ("cohorts.tsv", "rates.tsv", "scoreboard.tsv", "calibration.md", "verdicts.svg", "measured.json"):
        assert (tmp_path / name).exists(), name
    (cell,) = measured["cells"]
    assert (cell["regime"], cell["masks"], cell["cohorts"]) == ("crossed", "complete", 20)
    assert cell["false_flag"]["rate"] == 0.0
    assert cell["false_clear"]["n"] == 10
    assert measured["checks"]["U4"]["all"]["discriminates"] is True
    assert "biasaudit calibrate" in (tmp_path / "calibration.md").read_text()


def map_records(n=24):
    """Every second network is ruled by the origin; U7 tells, and the maps of every sixth failed G2."""
    made = []
    for k in range(n):
        ruled, passed = k % 2 == 0, k % 6 != 0
        own = record(k, 0.9 if ruled else 0.0, "MIXED", family="maps-driven" if ruled else "maps-clean")
        gate = finding("G2", statistic=0.8 if passed else 0.1, status="clear" if passed else "concern")
        follows = finding("U7", statistic=float(ruled) + 0.01 * k, p_value=0.001 if ruled else 0.4)
        own["records"][0]["findings"] += [gate, *([follows] if passed else [])]
        made.append(own)
    return made


def test_networks_ruled_by_the_origin_are_told_with_the_gate_and_without():
    records = map_records()
    for own in records[::6]:
        own["records"][0]["ungated"] = [finding("U7", statistic=0.7, p_value=0.01)]
    found = extremes(tabulate(records), ["U7"]).set_index("check").loc["U7"]
    assert (found.driven, found.clean, found.driven_all, found.clean_all) == (8, 12, 12, 12)
    assert found.auc == found.auc_all == 1.0
    assert "U7 ungated" not in set(scoreboard(tabulate(records)).check)


def test_what_nothing_is_known_of_counts_as_the_least_suspect():
    found = extremes(tabulate(map_records()), ["U7"]).set_index("check").loc["U7"]
    assert found.auc == 1.0
    assert found.auc_all == pytest.approx(8 / 12)


def test_the_share_of_maps_that_pass_is_counted_by_family():
    found = faithful(tabulate(map_records())).set_index("family")
    assert found.loc["maps-clean", "rate"] == 1.0
    assert found.loc["maps-driven", "rate"] == pytest.approx(8 / 12)


def test_the_board_is_a_page_and_weights_of_checks_without_a_vote(tmp_path):
    measured = write_board(map_records(), {"command": "biasaudit calibrate"}, tmp_path)
    assert set(measured["checks"]) == {"U7"}
    assert measured["checks"]["U7"]["all"]["discriminates"] is True
    page = (tmp_path / "calibration-checks.md").read_text()
    assert "| U7 |" in page
    assert "maps-driven" in page
