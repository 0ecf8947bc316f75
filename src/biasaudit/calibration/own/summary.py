"""Count the errors on copies: the file of rates that reports read, a table of the copies, and a page."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from biasaudit.calibration.cohort_table import CohortRecord, tabulate
from biasaudit.calibration.own.original import Original
from biasaudit.calibration.rates import CLEAN, DRIVEN, FLAGGED, WRONG_TO_CLEAR, counted
from biasaudit.calibration.summary import markdown
from biasaudit.engine.situation.identity import learns_from
from biasaudit.errors import IncompleteError
from biasaudit.own_rates import OWN_RATES, Identity

__all__ = ["rates_of", "write_own_rates"]

_PLAIN = 0.5
_SHOWN = ("cohort", "look", "disease", "family", "kind", "strength", "arm", "auc", "r", "omega", "verdict")


def write_own_rates(
    records: Sequence[CohortRecord], original: Original, identity: Identity, about: Mapping[str, str], out: Path
) -> None:
    """Sum up the audits of all copies.

    Parameters
    ----------
    records : sequence of CohortRecord
    original : Original
    identity : Identity
        What the rates hold for.
    about : mapping
        Where they come from, in words.
    out : Path
        Gets ``own-rates.json``, ``copies.tsv`` and ``own-calibration.md``.

    Raises
    ------
    IncompleteError
        If no arm has a rate to print: too few targets learned what was planted.
    """
    table = tabulate(records)
    table = table[table.masks == original.masks]
    measured: dict[str, Any] = {
        "of": asdict(identity),
        "version": version("biasaudit"),
        "words": original.words,
        "about": {
            **about,
            "probes": original.probes,
            "design": original.design,
            "arms left out": ", ".join(original.left_out) or "none",
        },
        "arms": {
            arm.name: {"recipe": learns_from(arm), **rates_of(table[table.arm == arm.name])} for arm in original.arms
        },
        "kinds": _kinds(table[table.arm == original.arms[0].name]),
    }
    _require_rates(measured["arms"])
    (out / OWN_RATES).write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")
    table.to_csv(out / "copies.tsv", sep="\t", index=False, float_format="%.5g")
    (out / "own-calibration.md").write_text(_page(measured, table), encoding="utf-8")


def rates_of(table: pd.DataFrame) -> dict[str, Any]:
    """Count flags and all-clears of one arm, on copies whose target learned the disease.

    Copies that found how strong the disease must be are not counted.

    Returns
    -------
    dict
        ``false_flag`` and ``cleared`` of clean copies (R* <= .05), ``found`` and ``found_middle`` of those with
        R* >= .5 and .25 to .5, ``false_clear`` of those with R* >= .3, ``undetermined`` of all; each with ``events``,
        ``n``, ``rate`` and its 95 % interval. ``reliance``: mean absolute error and coverage of the printed interval.
    """
    judged = table[(table.role != "disease") & table.competent & table.r.notna()]
    flagged, clear = judged.verdict.isin(FLAGGED), judged.verdict == "PATHOLOGY"
    clean, plain = judged.r <= CLEAN, judged.r >= _PLAIN
    middle = (judged.r >= DRIVEN) & ~plain
    return {
        "false_flag": _counted(flagged[clean]),
        "cleared": _counted(clear[clean]),
        "found": _counted(flagged[plain]),
        "found_middle": _counted(flagged[middle]),
        "false_clear": _counted(clear[judged.r >= WRONG_TO_CLEAR]),
        "undetermined": _counted(judged.verdict == "UNDETERMINED"),
        "not_learned": int((~table[table.role != "disease"].competent).sum()),
        "reliance": _accuracy(judged),
    }


def _require_rates(arms: Mapping[str, Any]) -> None:
    """Refuse a file that would put nothing into the place of the published rates."""
    if any(rates[name]["n"] for rates in arms.values() for name in ("false_flag", "found")):
        return
    not_learned = max(rates["not_learned"] for rates in arms.values())
    raise IncompleteError(
        "no copy counts: none is clean or planted at reliance .5 or more and has a target that learned the disease "
        f"({not_learned} did not): train longer or add images, or give a larger --budget"
    )


def _counted(events: pd.Series) -> dict[str, Any]:
    return {"events": int(events.sum()), **counted(events)}


def _accuracy(judged: pd.DataFrame) -> dict[str, Any]:
    truth = judged.r.where(judged.regime == "crossed", judged.omega)
    known = judged.reliance_estimate.notna() & truth.notna()
    own, true = judged[known], truth[known]
    if own.empty:
        return {"n": 0, "mean_absolute_error": None, "covered": None}
    covered = (own.reliance_low <= true) & (true <= own.reliance_high)
    error = float((own.reliance_estimate - true).abs().mean())
    return {"n": len(own), "mean_absolute_error": round(error, 4), "covered": int(covered.sum())}


def _kinds(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Say of every kind of signature how far the network took it up, and whether it was flagged."""
    return [
        {
            "kind": row["kind"], "strength": row["strength"],
            "r": None if np.isnan(row["r"]) else round(row["r"], 3), "flagged": row["verdict"] in FLAGGED,
        }
        for row in table[table.role == "planted"].to_dict("records")
    ]  # fmt: skip


_ROWS = {
    "false_flag": "flagged although clean (R* <= .05)",
    "cleared": "cleared (PATHOLOGY) where clean",
    "found": "flagged where R* >= .5",
    "found_middle": "flagged where .25 <= R* < .5",
    "false_clear": "cleared although R* >= .3",
    "undetermined": "UNDETERMINED, of all",
}


def _page(measured: Mapping[str, Any], table: pd.DataFrame) -> str:
    parts = [
        "# Error rates on one's own images",
        f"Copies of {measured['words']}, in which a disease and a signature were planted by chance, audited by the "
        "protocol's own network, folds, checks and thresholds. The truth is known, since every image can be made "
        "again with and without either. Intervals are 95 % (Wilson).",
        markdown(pd.DataFrame([{"": key, "value": str(value)} for key, value in measured["about"].items()])),
    ]
    for arm, rates in measured["arms"].items():
        parts += [f"## Arm {arm}", markdown(_shown(rates)), _reliance_words(rates["reliance"])]
        if rates["not_learned"]:
            parts.append(f"Not counted, since their target was not above chance: {rates['not_learned']}.")
    parts += [
        "## Kinds of signature",
        "How far the network took each up. What it does not take up at any strength, no audit of it needs to find.",
        markdown(pd.DataFrame(measured["kinds"])) if measured["kinds"] else "None was planted.",
        "## All copies",
        markdown(table[list(_SHOWN)].round(3)),
    ]
    return "\n\n".join(parts) + "\n"


def _shown(rates: Mapping[str, Any]) -> pd.DataFrame:
    return pd.DataFrame([
        {
            "quantity": words, "events": rates[name]["events"], "copies": rates[name]["n"],
            "rate [95 %]": f"{rates[name]['rate']:.2f} [{rates[name]['low']:.2f}, {rates[name]['high']:.2f}]"
            if rates[name]["n"] else "-",
        }
        for name, words in _ROWS.items()
    ])  # fmt: skip


def _reliance_words(accuracy: Mapping[str, Any]) -> str:
    if not accuracy["n"]:
        return "No reliance was estimated: this design has no way to measure it."
    return (
        f"Reliance against the truth (R* crossed, Omega* otherwise): mean absolute error "
        f"{accuracy['mean_absolute_error']:.2f}; the 90 % interval holds the truth in {accuracy['covered']} of "
        f"{accuracy['n']} copies."
    )
