"""Compute from the table of a calibration how often the verdict is wrong, and how close the estimated reliance is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd
from scipy import stats

__all__ = [
    "CLEAN",
    "DRIVEN",
    "FLAGGED",
    "TARGETS",
    "WRONG_TO_CLEAR",
    "Target",
    "accuracy",
    "cell_rates",
    "counted",
    "rate",
    "rates",
]

CLEAN, DRIVEN = 0.05, 0.25
"""R* at most and above which a network counts as clean and as driven by the signature (the scoreboard's two sides)."""
WRONG_TO_CLEAR = 0.3
"""R* from which PATHOLOGY is wrong."""
FLAGGED = ("ORIGIN", "MIXED")
_N_BINS = (120, 240, 480)
_Z = float(stats.norm.ppf(0.95))


@dataclass(frozen=True)
class Target:
    """One line of the list of what calibration must show.

    Attributes
    ----------
    words : str
        The quantity.
    goal : str
    rows : callable
        Which rows of `tabulate` it is about, as a boolean column.
    verdicts : tuple of str
        Outcomes that are counted.
    """

    words: str
    goal: str
    rows: Callable[[pd.DataFrame], pd.Series]
    verdicts: tuple[str, ...]


def _crossed(t: pd.DataFrame) -> pd.Series:
    return t.regime == "crossed"


def _marked(t: pd.DataFrame) -> pd.Series:
    """Masks that hold all pathology."""
    return t.masks & t.mask_is_complete


_FEW = "<= 5 %, upper bound <= 8 %"
_NULLS = ("prevalence", "label noise", "healthy mix", "healthy mix differs", "unequal variances")


def _flagged_null(name: str, *, masks: bool) -> Target:
    family = f"null-{name.replace(' ', '-')}"
    return Target(
        f"flagged where R* <= .05, {name}, {'masks' if masks else 'no masks'}", _FEW,
        lambda t: (t.family == family) & (t.r <= CLEAN) & (t.masks == masks), FLAGGED,
    )  # fmt: skip


TARGETS: tuple[Target, ...] = (
    Target("flagged where R* <= .05, masks", _FEW, lambda t: (t.r <= CLEAN) & t.masks, FLAGGED),
    Target("flagged where R* <= .05, no masks", _FEW, lambda t: (t.r <= CLEAN) & ~t.masks, FLAGGED),
    Target(
        "flagged where R* >= .5, n >= 160, crossed, masks", ">= 95 %",
        lambda t: (t.r >= 0.5) & (t.n >= 160) & _crossed(t) & t.masks & t.competent, FLAGGED,
    ),
    Target(
        "flagged where R* >= .5, n >= 160, crossed, no masks", ">= 95 %",
        lambda t: (t.r >= 0.5) & (t.n >= 160) & _crossed(t) & ~t.masks & t.competent, FLAGGED,
    ),
    Target(
        "flagged where R* >= .5, n >= 160, nested or aliased, complete masks", ">= 95 %",
        lambda t: (t.r >= 0.5) & (t.n >= 160) & ~_crossed(t) & _marked(t) & t.competent, FLAGGED,
    ),
    Target(
        "flagged where R* >= .5, n >= 160, nested or aliased, no masks", ">= 70 %",
        lambda t: (t.r >= 0.5) & (t.n >= 160) & ~_crossed(t) & ~t.masks & t.competent & t.transferred, FLAGGED,
    ),
    Target("ORIGIN where R* >= .8, masks", ">= 80 %", lambda t: (t.r >= 0.8) & _marked(t) & t.competent, ("ORIGIN",)),
    Target(
        "flagged where .25 <= R* < .5, n >= 160, complete masks", ">= 80 %",
        lambda t: (t.r >= 0.25) & (t.r < 0.5) & (t.n >= 160) & _marked(t) & t.competent, FLAGGED,
    ),
    Target(
        "flagged where .25 <= R* < .5, n >= 160, crossed, no masks", ">= 80 %",
        lambda t: (t.r >= 0.25) & (t.r < 0.5) & (t.n >= 160) & _crossed(t) & ~t.masks & t.competent, FLAGGED,
    ),
    Target(
        "PATHOLOGY where R* >= .3, masks", "<= 2 %",
        lambda t: (t.r >= WRONG_TO_CLEAR) & t.masks & t.clearable, ("PATHOLOGY",),
    ),
    Target(
        "PATHOLOGY where R* >= .3, no masks", "<= 2 %",
        lambda t: (t.r >= WRONG_TO_CLEAR) & ~t.masks & t.clearable, ("PATHOLOGY",),
    ),
    Target(
        "PATHOLOGY where R* <= .05, n = 400, AUC >= .8, crossed with two balanced origins", ">= 85 %",
        lambda t: (t.family == "crossed-null-400") & (t.r <= 0.05) & (t.auc >= 0.8) & t.masks, ("PATHOLOGY",),
    ),
    Target(
        "PATHOLOGY where R* <= .05, n = 400, AUC >= .8, aliased with complete masks", ">= 75 %",
        lambda t: (t.family == "aliased-null-400") & (t.r <= 0.05) & (t.auc >= 0.8) & _marked(t), ("PATHOLOGY",),
    ),
    *(_flagged_null(name, masks=masks) for name in _NULLS for masks in (True, False)),
)  # fmt: skip


def rate(events: int, n: int) -> tuple[float, float, float]:
    """Share of events with its 95 % interval (Wilson 1927)."""
    if n == 0:
        return np.nan, np.nan, np.nan
    interval = stats.binomtest(events, n).proportion_ci(0.95, "wilson")
    return events / n, float(interval.low), float(interval.high)


def rates(table: pd.DataFrame) -> pd.DataFrame:
    """Measure every target on the rows given."""
    found = []
    for target in TARGETS:
        own = table[target.rows(table).fillna(False).astype(bool)]
        events = int(own.verdict.isin(target.verdicts).sum())
        share, low, high = rate(events, len(own))
        found.append({
            "quantity": target.words, "target": target.goal, "n": len(own), "cohorts": own.cohort.nunique(),
            "events": events, "rate": share, "low": low, "high": high,
        })  # fmt: skip
    return pd.DataFrame(found)


def accuracy(table: pd.DataFrame) -> pd.DataFrame:
    """Hold the reliance against its truth: Omega* outside crossed designs, R* in crossed ones.

    ``ideal`` is the mean absolute error that the variance between subjects alone would leave. The truth is known from a
    sample of anatomies; its own standard error widens the interval that is to cover it.
    """
    crossed = _crossed(table)
    truth, noise = table.r.where(crossed, table.omega), table.r_error.where(crossed, table.omega_error).fillna(0.0)
    known = table.reliance_estimate.notna() & truth.notna() & table.competent
    good = known & (table.auc >= 0.75)
    groups = {
        "masks, AUC >= .75": good & _marked(table),
        "masks, AUC >= .75, crossed (R*)": good & _marked(table) & crossed,
        "masks, AUC >= .75, nested or aliased (Omega*)": good & _marked(table) & ~crossed,
        "masks, AUC >= .75, n <= 160": good & _marked(table) & (table.n <= 160),
        "masks, AUC >= .75, n = 320 or 400": good & _marked(table) & table.n.isin([320, 400]),
        "masks, AUC >= .75, n = 640": good & _marked(table) & (table.n == 640),
        "masks, AUC >= .75, something planted": good & _marked(table) & (table.kind != "none"),
        "masks, AUC >= .75, nothing planted": good & _marked(table) & (table.kind == "none"),
        "no masks, crossed (R*)": known & ~table.masks & crossed,
        "no masks, crossed (R*), something planted": known & ~table.masks & crossed & (table.kind != "none"),
        "no masks, nested or aliased (Omega*)": known & ~table.masks & ~crossed,
    }
    found = []
    for words, rows in groups.items():
        own, true = table[rows], truth[rows]
        error = own.reliance_estimate - true
        reach = _Z * noise[rows]
        low_reach = np.hypot(own.reliance_estimate - own.reliance_low, reach)
        high_reach = np.hypot(own.reliance_high - own.reliance_estimate, reach)
        covered = (own.reliance_estimate - low_reach <= true) & (true <= own.reliance_estimate + high_reach)
        share, low, high = rate(int(covered.sum()), len(own))
        found.append({
            "rows": words, "n": len(own),
            "spearman": _rank_correlation(own.reliance_estimate, true),
            "mean_absolute_error": float(error.abs().mean()), "ideal": _ideal_error(own, noise[rows]),
            "mean_error": float(error.mean()),
            "coverage": share, "coverage_low": low, "coverage_high": high,
        })  # fmt: skip
    return pd.DataFrame(found)


def _ideal_error(table: pd.DataFrame, truth_error: pd.Series) -> float:
    """Mean absolute error that the variance between subjects leaves to an estimator without bias.

    A normal error has a mean size of sqrt(2 / pi) standard errors; these are read off the 90 % bootstrap intervals over
    subjects, which know that variance and nothing else, and those of the truth itself.
    """
    if (table.reliance_from == "U5").any():  # its intervals are widened by more than that variance
        return np.nan
    errors = (table.reliance_high - table.reliance_low) / (2 * _Z)
    return float((np.sqrt(2 / np.pi) * np.hypot(errors, truth_error)).mean())


def _rank_correlation(first: pd.Series, second: pd.Series) -> float:
    if len(first) < 3 or first.nunique() < 2 or second.nunique() < 2:
        return np.nan
    return float(stats.spearmanr(first, second).statistic)


def cell_rates(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Error rates of the verdict by regime, masks and number of subjects: what every report prints."""
    masks = np.where(table.masks, np.where(table.mask_is_complete, "complete", "incomplete"), "none")
    bins = np.digitize(table.n, _N_BINS)
    cells = []
    for key, own in table.groupby([table.regime, masks, bins]):
        regime, kind, _ = cast(tuple[str, str, int], key)
        clean, driven = own[own.r <= CLEAN], own[(own.r >= WRONG_TO_CLEAR) & own.clearable]
        cells.append({
            "regime": regime, "masks": kind,
            "cohorts": len(own), "simulated_n": sorted({int(n) for n in own.n}),
            "false_flag": counted(clean.verdict.isin(FLAGGED)),
            "false_clear": counted(driven.verdict == "PATHOLOGY"),
            "undetermined": counted(own.verdict == "UNDETERMINED"),
        })  # fmt: skip
    return cells


def counted(events: pd.Series) -> dict[str, float | int | None]:
    """Share of events with its interval as of `rate`, rounded, None where there is no row; and the number of rows.

    Parameters
    ----------
    events : bool (rows,)
    """
    share, low, high = rate(int(events.sum()), len(events))
    rounded = [None if np.isnan(value) else round(value, 4) for value in (share, low, high)]
    return {"rate": rounded[0], "low": rounded[1], "high": rounded[2], "n": len(events)}
