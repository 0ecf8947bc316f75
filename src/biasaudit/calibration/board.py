"""Write what a calibration of the supporting checks found: a page and the data file that reports read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from biasaudit.calibration import rates
from biasaudit.calibration.cohort_table import CohortRecord, tabulate
from biasaudit.calibration.scoreboard import RULED, extremes, faithful, scoreboard
from biasaudit.calibration.summary import board_table, check_weights, markdown, one_variant

__all__ = ["write_board"]

_OF_MAPS = ("U6", "U7", "U8", "U12")
_MEASURED_BETTER = ("A1", "A2", "U1", "U3", "U4", "U5")
"""Checks whose weight the grid about the verdict measures, with more cohorts."""


def write_board(records: Sequence[CohortRecord], provenance: Mapping[str, str], out: Path) -> dict[str, Any]:
    """Sum up the records of the finished cohorts.

    Parameters
    ----------
    records : sequence of CohortRecord
        Of every finished cohort.
    provenance : mapping
        As of `biasaudit.calibration.summary.write_summary`.
    out : Path
        Gets ``cohorts.tsv``, ``calibration-checks.md`` and ``measured-checks.json``.

    Returns
    -------
    dict
        What ``measured-checks.json`` holds.
    """
    table = one_variant(tabulate(records))
    table.to_csv(out / "cohorts.tsv", sep="\t", index=False, float_format="%.5g")
    weights = check_weights(table)
    measured = {
        "provenance": dict(provenance),
        "checks": {code: own for code, own in weights.items() if code.split()[0] not in _MEASURED_BETTER},
    }
    (out / "measured-checks.json").write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    (out / "calibration-checks.md").write_text(_page(table, provenance), encoding="utf-8")
    return measured


def _page(table: pd.DataFrame, provenance: Mapping[str, str]) -> str:
    asked = [code for code in _OF_MAPS if code in table]
    parts = [
        "# Calibration of the checks of maps and hidden layers",
        "`biasaudit calibrate --grid protocols/calibration-checks.yaml` audits simulated cohorts whose truth is known "
        "and asks what the checks that support a verdict are worth. None of them has a vote, nothing is fitted, and "
        "every cohort counts. This page is written by that command.",
        markdown(pd.DataFrame([{"": key, "value": value} for key, value in provenance.items()])),
        "## Which checks discriminate",
        "Driven: R\\* > .25; clean: R\\* <= .05; competent targets. The score is the statistic, or -log10 p for tests; "
        "of several findings the strongest. Power and size at nominal .05, the smallest p of a check's findings, "
        "corrected for their number. A check of maps has no score where the maps failed G2.",
        markdown(board_table(scoreboard(table))),
        "By regime:",
        markdown(board_table(scoreboard(table, ["regime"]))),
        "By signature kind (clean cohorts of all kinds):",
        markdown(board_table(scoreboard(table, ["kind"]))),
        "## Networks ruled by the origin against clean ones, crossed",
        f"R\\* > {RULED:.1f} against R\\* <= {rates.CLEAN:.2f}. All: with the cohorts whose maps failed G2, "
        "judged all the same.",
        markdown(_extremes(extremes(table, asked))),
        "## How often maps pass G2",
        markdown(_faithful(faithful(table))),
        "Networks that learned little have maps that change with every training; that is what G2 is for. It is not to "
        "prefer networks that read pathology over those that read the origin.",
    ]
    return "\n\n".join(parts) + "\n"


def _extremes(found: pd.DataFrame) -> pd.DataFrame:
    shown = found[["check", "driven", "clean", "auc", "driven_all", "clean_all", "auc_all"]].astype(object)
    for name in ("auc", "auc_all"):
        shown[name] = [
            f"{row[name]:.2f} [{row[f'{name}_low']:.2f}, {row[f'{name}_high']:.2f}]" for row in found.to_dict("records")
        ]
    return shown.rename(columns=lambda name: name.replace("_all", ", all"))


def _faithful(found: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame([
        {
            "family": row["family"], "cohorts": row["cohorts"],
            "maps pass [95 %]": f"{row['rate']:.2f} [{row['low']:.2f}, {row['high']:.2f}]",
        }
        for row in found.to_dict("records")
    ])  # fmt: skip
