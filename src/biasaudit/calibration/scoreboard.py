"""Measure how well checks tell networks driven by the signature from clean ones, and how often maps are faithful."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from biasaudit import seeds
from biasaudit.calibration.rates import CLEAN, DRIVEN, rate
from biasaudit.stats.effects import auc

__all__ = ["RULED", "extremes", "faithful", "roc_area", "scoreboard"]


RULED = 0.8
"""R* above which a network is ruled by the signature."""


_RESAMPLES = 500


def scoreboard(table: pd.DataFrame, by: Sequence[str] = ()) -> pd.DataFrame:
    """Per check the ROC AUC and power for R* > .25 against R* <= .05, and the size at nominal .05.

    Parameters
    ----------
    table : DataFrame
        Of `tabulate`.
    by : sequence of str
        Columns to divide by, such as ``regime`` or ``kind``. With ``kind`` the clean cohorts are those of all kinds.
    """
    codes = sorted(name for name in table.columns if f"{name} p" in table.columns or name.startswith(("U", "A")))
    codes = [
        name for name in codes if not name.endswith((" p", " ungated")) and name[:1] in "UA" and name[1:2].isdigit()
    ]
    found = []
    for own_key, own in _groups(table, by):
        for code in codes:
            found.append({**own_key, "check": code, **_score(own, code)})
    board = pd.DataFrame(found, columns=[*by, "check", *_score(table.iloc[:0], "none")] if not found else None)
    return board[board.driven + board.clean > 0].reset_index(drop=True)


def extremes(table: pd.DataFrame, codes: Sequence[str]) -> pd.DataFrame:
    """ROC AUC of checks of maps for crossed networks with R* > .8 against those with R* <= .05.

    Parameters
    ----------
    table : DataFrame
        Of `tabulate`, one row per cohort.
    codes : sequence of str

    Returns
    -------
    DataFrame
        One row per check: ``auc`` with its interval over cohorts whose maps passed G2, and ``auc_all`` with the others
        as well, judged all the same; where there was still no answer it counts as the least suspect.
    """
    own = table[table.regime == "crossed"]
    sides = (own[own.r > RULED], own[own.r <= CLEAN])
    found = []
    for code in codes:
        answered = [rows[code].dropna().to_numpy(float) for rows in sides]
        everyone = [_ungated(rows, code).fillna(own[code].min() - 1).to_numpy(float) for rows in sides]
        areas = {"auc": roc_area(*answered), "auc_all": roc_area(*everyone)}
        found.append({
            "check": code, "driven": len(answered[0]), "clean": len(answered[1]),
            "driven_all": len(everyone[0]), "clean_all": len(everyone[1]),
            **{f"{name}{end}": area[k] for name, area in areas.items() for k, end in enumerate(("", "_low", "_high"))},
        })  # fmt: skip
    return pd.DataFrame(found)


def _ungated(rows: pd.DataFrame, code: str) -> pd.Series:
    """Return what a check of maps said, or would have said of maps that failed G2."""
    name = f"{code} ungated"
    return rows[code].fillna(rows[name]) if name in rows else rows[code]


def faithful(table: pd.DataFrame) -> pd.DataFrame:
    """Count how often maps pass G2, by family."""
    asked = table[table.maps_pass.notna()]
    rows = []
    for family, own in asked.groupby("family"):
        share, low, high = rate(int(own.maps_pass.sum()), len(own))
        rows.append({"family": family, "cohorts": len(own), "rate": share, "low": low, "high": high})
    return pd.DataFrame(rows)


def _groups(table: pd.DataFrame, by: Sequence[str]) -> Iterable[tuple[dict[str, Any], pd.DataFrame]]:
    if not by:
        yield {}, table
        return
    for key, own in table.groupby(list(by)):
        keys = dict(zip(by, key if isinstance(key, tuple) else (key,), strict=True))
        if keys.get("kind") == "none":
            continue
        if "kind" in keys:
            same = np.logical_and.reduce([table[name] == value for name, value in keys.items() if name != "kind"])
            own = pd.concat([own, table[(table.r <= CLEAN) & same & (table.kind != keys["kind"])]])
        yield keys, own


def _score(table: pd.DataFrame, code: str) -> dict[str, Any]:
    asked = table[table[code].notna() & table.competent] if code in table else table.iloc[:0]
    driven, clean = asked[asked.r > DRIVEN], asked[asked.r <= CLEAN]
    area, low, high = roc_area(
        *(rows[code].to_numpy(float) if code in rows else np.empty(0) for rows in (driven, clean))
    )
    p_name = f"{code} p"
    sizes: dict[str, float] = {}
    for word, rows in (("power", driven), ("size", clean)):
        p_values = rows[p_name].dropna() if p_name in rows else pd.Series(dtype=float)
        share = rate(int((p_values <= 0.05).sum()), len(p_values))
        sizes |= {word: share[0], f"{word}_low": share[1], f"{word}_high": share[2]}
    return {
        "driven": len(driven), "clean": len(clean), "auc": area, "auc_low": low, "auc_high": high, **sizes,
        "discriminates": bool(low > 0.5),
    }  # fmt: skip


def roc_area(driven: np.ndarray, clean: np.ndarray) -> tuple[float, float, float]:
    """ROC AUC with a bootstrap interval."""
    if min(driven.size, clean.size) < 3:
        return np.nan, np.nan, np.nan
    truth = np.repeat([True, False], [driven.size, clean.size])
    chance = seeds.generator(0, "scoreboard")
    draws = [
        auc(np.concatenate([chance.choice(driven, driven.size), chance.choice(clean, clean.size)]), truth)
        for _ in range(_RESAMPLES)
    ]
    low, high = np.quantile(draws, [0.025, 0.975])
    return auc(np.concatenate([driven, clean]), truth), float(low), float(high)
