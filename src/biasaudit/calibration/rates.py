"""From the records of a calibration to rates: how often the verdict is wrong, and which checks discriminate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import pandas as pd
from scipy import stats

from biasaudit import seeds
from biasaudit.stats.effects import auc

__all__ = [
    "CLEAN",
    "DRIVEN",
    "TARGETS",
    "Target",
    "accuracy",
    "arms",
    "cell_rates",
    "extremes",
    "faithful",
    "rate",
    "rates",
    "scoreboard",
    "tabulate",
]

RULED = 0.8
"""R* above which a network is ruled by the signature."""
CLEAN, DRIVEN = 0.05, 0.25
"""R* at most and above which a network counts as clean and as driven by the signature (the scoreboard's two sides)."""
_FLAGGED = ("ORIGIN", "MIXED")
_TRUTH = ("r", "omega", "auc_one_site", "gap", "r_error", "omega_error")
_N_BINS = (120, 240, 480)
_RESAMPLES = 500
_Z = float(stats.norm.ppf(0.95))
_PATHOLOGY_LIMIT = 0.3
_STATISTIC = ("U4", "U5", "A1", "A2", "U7", "U10")


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

TARGETS: tuple[Target, ...] = (
    Target("flagged where R* <= .05, masks", _FEW, lambda t: (t.r <= CLEAN) & t.masks, _FLAGGED),
    Target("flagged where R* <= .05, no masks", _FEW, lambda t: (t.r <= CLEAN) & ~t.masks, _FLAGGED),
    Target(
        "flagged where R* >= .5, n >= 160, crossed, masks", ">= 95 %",
        lambda t: (t.r >= 0.5) & (t.n >= 160) & _crossed(t) & t.masks & t.competent, _FLAGGED,
    ),
    Target(
        "flagged where R* >= .5, n >= 160, crossed, no masks", ">= 95 %",
        lambda t: (t.r >= 0.5) & (t.n >= 160) & _crossed(t) & ~t.masks & t.competent, _FLAGGED,
    ),
    Target(
        "flagged where R* >= .5, n >= 160, nested or aliased, complete masks", ">= 95 %",
        lambda t: (t.r >= 0.5) & (t.n >= 160) & ~_crossed(t) & _marked(t) & t.competent, _FLAGGED,
    ),
    Target(
        "flagged where R* >= .5, n >= 160, nested or aliased, no masks", ">= 70 %",
        lambda t: (t.r >= 0.5) & (t.n >= 160) & ~_crossed(t) & ~t.masks & t.competent & t.transferred, _FLAGGED,
    ),
    Target("ORIGIN where R* >= .8, masks", ">= 80 %", lambda t: (t.r >= 0.8) & _marked(t) & t.competent, ("ORIGIN",)),
    Target(
        "flagged where .25 <= R* < .5, n >= 160, complete masks", ">= 80 %",
        lambda t: (t.r >= 0.25) & (t.r < 0.5) & (t.n >= 160) & _marked(t) & t.competent, _FLAGGED,
    ),
    Target(
        "flagged where .25 <= R* < .5, n >= 160, crossed, no masks", ">= 80 %",
        lambda t: (t.r >= 0.25) & (t.r < 0.5) & (t.n >= 160) & _crossed(t) & ~t.masks & t.competent, _FLAGGED,
    ),
    Target(
        "PATHOLOGY where R* >= .3, masks", "<= 2 %",
        lambda t: (t.r >= _PATHOLOGY_LIMIT) & t.masks & t.clearable, ("PATHOLOGY",),
    ),
    Target(
        "PATHOLOGY where R* >= .3, no masks", "<= 2 %",
        lambda t: (t.r >= _PATHOLOGY_LIMIT) & ~t.masks & t.clearable, ("PATHOLOGY",),
    ),
    Target(
        "PATHOLOGY where R* <= .05, n = 400, AUC >= .8, crossed with two balanced origins", ">= 85 %",
        lambda t: (t.family == "crossed-null-400") & (t.r <= 0.05) & (t.auc >= 0.8) & t.masks, ("PATHOLOGY",),
    ),
    Target(
        "PATHOLOGY where R* <= .05, n = 400, AUC >= .8, aliased with complete masks", ">= 75 %",
        lambda t: (t.family == "aliased-null-400") & (t.r <= 0.05) & (t.auc >= 0.8) & _marked(t), ("PATHOLOGY",),
    ),
)  # fmt: skip


def tabulate(records: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """One row per cohort, arm and mask variant.

    Parameters
    ----------
    records : iterable of mapping
        ``record.json`` of every cohort.
    """
    rows = []
    for record in (each for cohort in records for each in cohort["records"]):
        competence = next(finding for finding in record["findings"] if finding["code"] == "G1")
        truth = record["truth"] or {}
        plain = {key: value for key, value in record.items() if key not in ("findings", "truth", "reliance", "reason")}
        rows.append(
            plain
            | {name: truth.get(name) for name in _TRUTH}
            | {f"reliance_{name}": record["reliance"][name] for name in ("low", "estimate", "high", "from")}
            | {"auc": competence["statistic"], "competent": competence["status"] == "clear"}
            | {"transferred": any(finding["code"] == "U5" for finding in record["findings"])}
            | {"clearable": _clearable(record) and competence["status"] == "clear"}
            | {"maps_pass": _maps_pass(record["findings"])}
            | _evidence(record["findings"])
            | {f"{name} ungated": value for name, value in _evidence(record.get("ungated", ())).items()}
        )
    table = pd.DataFrame(rows)
    numbers = [*_TRUTH, "auc", *(f"reliance_{b}" for b in ("low", "estimate", "high"))]
    table[numbers] = table[numbers].astype(float)
    return table


def _clearable(record: Mapping[str, Any]) -> bool:
    """Whether the checks that were asked allow a PATHOLOGY at all: outside crossed designs it needs masks and A2."""
    asked = {finding["code"] for finding in record["findings"]}
    return record["regime"] == "crossed" or (record["masks"] and "A2" in asked)


def _maps_pass(findings: Sequence[Mapping[str, Any]]) -> bool | None:
    """Whether the maps passed G2; None where it was not asked."""
    return next((finding["status"] == "clear" for finding in findings if finding["code"] == "G2"), None)


def _evidence(findings: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Per check the strength that the scoreboard ranks by, and the p-value.

    Several findings of a check give their strongest and their smallest p, corrected for their number (Bonferroni).
    """
    strengths: dict[str, list[float]] = {}
    p_values: dict[str, list[float]] = {}
    for finding in findings:
        if finding["code"][0] in "DG":  # of the design and of the target's competence, not of what it reads
            continue
        if finding["code"] == "U8" and finding["class"] is None:  # of the classes with origin held fixed
            continue
        name = finding["code"] + (f" {finding['input']}" if finding["input"] else "")
        strength = _strength(finding)
        if strength is not None:
            strengths.setdefault(name, []).append(strength)
        if finding["p_value"] is not None and finding["code"] != "U6":  # its p speaks for the pathology
            p_values.setdefault(name, []).append(finding["p_value"])
    columns = {name: max(values) for name, values in strengths.items()}
    return columns | {f"{name} p": min(1.0, len(values) * min(values)) for name, values in p_values.items()}


def _strength(finding: Mapping[str, Any]) -> float | None:
    p_value, statistic = finding["p_value"], finding["statistic"]
    if finding["code"] == "U6":
        return None if statistic is None else -float(statistic)
    if finding["code"] == "U2":  # untrained networks show the origin as well; the label they do not
        return None if statistic is None else float(statistic - finding["details"]["auc_label"])
    if finding["code"] in _STATISTIC or p_value is None:
        return None if statistic is None else float(statistic)
    return float(-np.log10(p_value))


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
        areas = {"auc": _area(*answered), "auc_all": _area(*everyone)}
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
    """How often maps pass G2, by family."""
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
    area, low, high = _area(*(rows[code].to_numpy(float) if code in rows else np.empty(0) for rows in (driven, clean)))
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


def _area(driven: np.ndarray, clean: np.ndarray) -> tuple[float, float, float]:
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


def arms(records: Iterable[Mapping[str, Any]]) -> pd.DataFrame:
    """Whether the reliance difference of two arms has the sign of the truth, and its interval covers it."""
    rows = []
    for record in records:
        own = [each for each in record["records"] if each["masks"]]
        compared = next((c for c in record["comparisons"] if c["quantity"] == "reliance"), None)
        if len(own) != 2 or compared is None or compared["difference"] is None:
            continue
        truths = [each["truth"]["r" if each["regime"] == "crossed" else "omega"] for each in own]
        if None in truths:
            continue
        rows.append({
            "cohort": own[0]["cohort"], "half": own[0]["half"], "regime": own[0]["regime"],
            "truth": truths[0] - truths[1], "difference": compared["difference"],
            "covered": compared["low"] <= truths[0] - truths[1] <= compared["high"],
        })  # fmt: skip
    return pd.DataFrame(rows, columns=["cohort", "half", "regime", "truth", "difference", "covered"])


def cell_rates(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Error rates of the verdict by regime, masks and number of subjects: what every report prints."""
    masks = np.where(table.masks, np.where(table.mask_is_complete, "complete", "incomplete"), "none")
    bins = np.digitize(table.n, _N_BINS)
    cells = []
    for key, own in table.groupby([table.regime, masks, bins]):
        regime, kind, _ = cast(tuple[str, str, int], key)
        clean, driven = own[own.r <= CLEAN], own[(own.r >= _PATHOLOGY_LIMIT) & own.clearable]
        cells.append({
            "regime": regime, "masks": kind,
            "cohorts": len(own), "simulated_n": sorted({int(n) for n in own.n}),
            "false_flag": _counted(clean.verdict.isin(_FLAGGED)),
            "false_clear": _counted(driven.verdict == "PATHOLOGY"),
            "undetermined": _counted(own.verdict == "UNDETERMINED"),
        })  # fmt: skip
    return cells


def _counted(events: pd.Series) -> dict[str, float | int | None]:
    share, low, high = rate(int(events.sum()), len(events))
    rounded = [None if np.isnan(value) else round(value, 4) for value in (share, low, high)]
    return {"rate": rounded[0], "low": rounded[1], "high": rounded[2], "n": len(events)}
