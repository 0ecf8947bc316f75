"""Write what a calibration found: tables, figures, a page and the data file that reports and the verdict read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from biasaudit.calibration import rates
from biasaudit.calibration.cohort_table import CohortRecord, tabulate, tabulate_arms
from biasaudit.calibration.scoreboard import scoreboard
from biasaudit.records import VERDICT_ORDER

__all__ = ["board_table", "check_weights", "markdown", "one_variant", "write_summary"]

_COLOURS = ("#3d8b5f", "#b8c0c8", "#d9a321", "#c0392b")
_REGIMES = {"crossed": "#1f3a5f", "nested": "#d1761c", "aliased": "#5b8c5a"}


def write_summary(records: Sequence[CohortRecord], provenance: Mapping[str, str], out: Path) -> dict[str, Any]:
    """Sum up the records of the finished cohorts.

    Parameters
    ----------
    records : sequence of CohortRecord
        Of every finished cohort.
    provenance : mapping
        ``command``, ``version``, ``commit``, ``wall_time``, ``machine``, ``grid`` (version and seed), ``cohorts``
        (finished) and ``planned``.
    out : Path
        Gets ``cohorts.tsv``, ``rates.tsv``, ``reliance.tsv``, ``scoreboard*.tsv``, ``arms.tsv``, ``calibration.md``,
        figures and ``measured.json``.

    Returns
    -------
    dict
        What ``measured.json`` holds.
    """
    table = tabulate(records)
    judge, fit = table[table.half == "judge"], table[table.half == "fit"]
    main = judge[judge.arm == "intensity"]
    arms = tabulate_arms(records)
    tables = {
        "rates": rates.rates(main),
        "rates-all": rates.rates(table[table.arm == "intensity"]),
        "reliance": rates.accuracy(main),
        "scoreboard": scoreboard(one_variant(main)),
        "scoreboard-regime": scoreboard(one_variant(main), ["regime"]),
        "scoreboard-kind": scoreboard(one_variant(main), ["kind"]),
        "scoreboard-regime-kind": scoreboard(one_variant(main), ["regime", "kind"]),
        "arms": arms,
    }
    table.to_csv(out / "cohorts.tsv", sep="\t", index=False, float_format="%.5g")
    for name, own in tables.items():
        own.to_csv(out / f"{name}.tsv", sep="\t", index=False, float_format="%.4g")
    with mpl.rc_context({"svg.hashsalt": "biasaudit", "font.size": 9}):
        for name, figure in _figures(main).items():
            figure.savefig(out / f"{name}.svg", metadata={"Date": None})
    measured = {
        "provenance": dict(provenance),
        "cells": rates.cell_rates(main),
        "checks": check_weights(fit),
    }
    (out / "measured.json").write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    (out / "calibration.md").write_text(_page(tables, arms, provenance, table), encoding="utf-8")
    return measured


def one_variant(table: pd.DataFrame) -> pd.DataFrame:
    """Return one row per cohort: with its masks where it has any, and U5 as it is without them."""
    ordered = table.sort_values("masks", ascending=False)
    kept = ordered.drop_duplicates(["cohort", "arm"]).set_index(["cohort", "arm"])
    bare = ordered.drop_duplicates(["cohort", "arm"], keep="last").set_index(["cohort", "arm"])
    transferred = [name for name in table.columns if name.startswith("U5")]
    return kept.assign(**{name: bare[name] for name in transferred}).reset_index()


def check_weights(fit: pd.DataFrame) -> dict[str, Any]:
    """Say which checks discriminate, from the half of the grid that judges nothing."""
    own = one_variant(fit[fit.arm == "intensity"])
    boards = {"all": scoreboard(own)} | {
        regime: scoreboard(own[own.regime == regime]) for regime in _REGIMES if (own.regime == regime).any()
    }
    found: dict[str, Any] = {}
    for where, board in boards.items():
        for row in board.to_dict("records"):
            if np.isnan(row["auc"]):
                continue
            found.setdefault(row["check"], {})[where] = {
                "auc": round(row["auc"], 3), "low": round(row["auc_low"], 3), "high": round(row["auc_high"], 3),
                "n": int(row["driven"] + row["clean"]), "discriminates": bool(row["discriminates"]),
            }  # fmt: skip
    return found


def _figures(table: pd.DataFrame) -> dict[str, Figure]:
    return {"verdicts": _verdicts(table), "reliance": _reliance(table)}


def _verdicts(table: pd.DataFrame) -> Figure:
    """Share of every verdict by the true reliance."""
    edges = [-0.001, 0.05, 0.1, 0.25, 0.5, 0.8, 1.0]
    names = ["≤ .05", ".05-.1", ".1-.25", ".25-.5", ".5-.8", "> .8"]
    groups = {
        "crossed": table[(table.regime == "crossed") & table.masks],
        "nested or aliased, complete masks": table[(table.regime != "crossed") & table.masks & table.mask_is_complete],
        "nested or aliased, no masks": table[(table.regime != "crossed") & ~table.masks],
    }
    figure = Figure((9.4, 3.0), layout="constrained")
    for axes, (words, own) in zip(figure.subplots(1, 3, sharey=True), groups.items(), strict=True):
        place = pd.cut(own.r, edges, labels=False)
        base = np.zeros(len(names))
        counts = np.array([int((place == k).sum()) for k in range(len(names))])
        for word, colour in zip(VERDICT_ORDER, _COLOURS, strict=True):
            hits = np.array([int(((place == k) & (own.verdict == word)).sum()) for k in range(len(names))])
            share = np.divide(hits, counts, out=np.zeros(len(names)), where=counts > 0)
            axes.bar(names, share, bottom=base, color=colour, label=word)
            base += share
        for k, count in enumerate(counts):
            axes.text(k, 1.01, str(count), ha="center", va="bottom", fontsize=7)
        axes.set(title=words, xlabel="true reliance R*", ylim=(0, 1.08))
        axes.title.set_fontsize(9)
        axes.tick_params("x", labelsize=7)
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("share of cohorts")
    figure.legend(*figure.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    return figure


def _reliance(table: pd.DataFrame) -> Figure:
    """Estimated reliance against its truth, with and without masks."""
    figure = Figure((9.4, 4.4), layout="constrained")
    for axes, masks in zip(figure.subplots(1, 2, sharey=True), (True, False), strict=True):
        own = table[(table.masks == masks) & table.competent & table.reliance_estimate.notna()]
        for regime, colour in _REGIMES.items():
            part = own[own.regime == regime]
            truth = part.r if regime == "crossed" else part.omega
            ends = np.abs(part[["reliance_low", "reliance_high"]].to_numpy().T - part.reliance_estimate.to_numpy())
            axes.errorbar(
                truth, part.reliance_estimate, yerr=ends, fmt="o", ms=3, lw=0.6, color=colour, alpha=0.7,
                label=f"{regime} ({len(part)})",
            )  # fmt: skip
        axes.plot([0, 1], [0, 1], color="#b8c0c8", zorder=0)
        axes.set(
            title="with masks" if masks else "without masks", xlabel="truth: R* crossed, Omega* otherwise",
            xlim=(-0.03, 1.03), ylim=(-0.03, 1.03),
        )  # fmt: skip
        axes.legend(frameon=False, fontsize=8)
        axes.spines[["top", "right"]].set_visible(False)
    figure.axes[0].set_ylabel("reliance, 90 % interval")
    return figure


def _page(
    tables: Mapping[str, pd.DataFrame], arms: pd.DataFrame, provenance: Mapping[str, str], table: pd.DataFrame
) -> str:
    judged = table[table.half == "judge"]
    parts = [
        "# Calibration: how often the verdict is wrong",
        "`biasaudit calibrate` audits a fixed grid of simulated cohorts whose truth is known and counts its own "
        "errors. This page is written by that command.",
        markdown(pd.DataFrame([{"": key, "value": value} for key, value in provenance.items()])),
        f"{table.cohort.nunique() - judged.cohort.nunique()} cohorts were used to select checks, "
        f"{judged.cohort.nunique()} others to measure errors. Every cohort is judged twice, with its masks and as if "
        "nobody had marked anything. Intervals are 95 % (Wilson). Rates where R\\* is .25 or more count "
        "competent targets only (G1 clear): without competence R\\* has no meaning. PATHOLOGY where R\\* >= .3 counts "
        "cohorts whose checks allow that verdict at all, and the row without masks outside crossed designs those that "
        "U5 was asked of.",
        "## The verdict",
        "![verdicts by true reliance](calibration/verdicts.svg)",
        markdown(_shown(tables["rates"])),
        "The same on both halves together (no threshold of the verdict was fitted on either):",
        markdown(_shown(tables["rates-all"])),
        "## Reliance against its truth",
        "![reliance against truth](calibration/reliance.svg)",
        "Ideal: the mean absolute error that the variance between subjects, and the error of the truth itself (known "
        "from 48 anatomies), would leave to an estimator without bias. Coverage of the 90 % interval, widened by the "
        "error of the truth.",
        markdown(tables["reliance"].round(3)),
        "## Which checks discriminate",
        "Driven: R\\* > .25; clean: R\\* <= .05; the score is the statistic, or -log10 p for tests. Power and size at "
        "nominal .05, the smallest p of a check's findings, corrected for their number. A check whose interval reaches "
        ".5 carries no weight.",
        markdown(board_table(tables["scoreboard"])),
        "By regime:",
        markdown(board_table(tables["scoreboard-regime"])),
        "By signature kind (clean cohorts of all kinds):",
        markdown(board_table(tables["scoreboard-kind"])),
        "## Arms: raw intensities against tissue maps",
        _arms(arms),
    ]
    return "\n\n".join(parts) + "\n"


def _arms(arms: pd.DataFrame) -> str:
    apart = arms[arms.truth.abs() >= 0.2]
    if apart.empty:
        return f"No cohort whose truth differs by .2 or more between the arms is among the {len(arms)} finished."
    right = int((np.sign(apart.truth) == np.sign(apart.difference)).sum())
    share, low, high = rates.rate(right, len(apart))
    covered, cover_low, cover_high = rates.rate(int(arms.covered.sum()), len(arms))
    return (
        f"Where the truth differs by .2 or more the sign of the reliance difference is right in {right} of "
        f"{len(apart)} cohorts ({share:.2f} [{low:.2f}, {high:.2f}]; target >= .95). The interval of the difference "
        f"covers the truth in {covered:.2f} [{cover_low:.2f}, {cover_high:.2f}] of {len(arms)} cohorts."
    )


def _shown(table: pd.DataFrame) -> pd.DataFrame:
    shown = table[["quantity", "target", "events", "cohorts"]].copy()
    shown["rate [95 %]"] = [
        "-" if np.isnan(row["rate"]) else f"{row['rate']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
        for row in table.to_dict("records")
    ]
    return shown


def board_table(table: pd.DataFrame) -> pd.DataFrame:
    """Words for a scoreboard of `biasaudit.calibration.scoreboard.scoreboard`."""
    shown = table[[name for name in ("regime", "kind", "check", "driven", "clean") if name in table]].copy()
    for name in ("auc", "power", "size"):
        shown[f"{name} [95 %]"] = [
            "-" if np.isnan(row[name]) else f"{row[name]:.2f} [{row[f'{name}_low']:.2f}, {row[f'{name}_high']:.2f}]"
            for row in table.to_dict("records")
        ]
    shown["weight"] = np.where(table.auc.isna(), "not measured", np.where(table.discriminates, "yes", "none"))
    return shown


def markdown(table: pd.DataFrame) -> str:
    """Write a table in Markdown."""
    lines = ["| " + " | ".join(str(name).replace("_", " ") for name in table) + " |", "|" + "---|" * len(table.columns)]
    lines += ["| " + " | ".join(_cell(value) for value in row) + " |" for row in table.itertuples(index=False)]
    return "\n".join(lines)


def _cell(value: Any) -> str:
    return "-" if isinstance(value, float) and np.isnan(value) else str(value).replace("*", "\\*").replace("|", "\\|")
