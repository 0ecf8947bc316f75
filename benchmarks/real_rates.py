"""Rates of the verdicts and checks over the rows of `real_images.py`, with 95 % intervals (Wilson)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from biasaudit.calibration.rates import CLEAN, rate
from biasaudit.stats.effects import auc

FLAGGED = ("ORIGIN", "MIXED")
BANDS = {
    "R* <= .05": (-0.01, CLEAN),
    ".05-.1": (CLEAN, 0.1),
    ".1-.3": (0.1, 0.3),
    ".3-.5": (0.3, 0.5),
    "R* >= .5": (0.5, 1.01),
}
VARIANTS = ("nothing", "field", "5 probes", "10 probes", "20 probes", "40 probes", "field and 20 probes")
COUNTS = (5, 10, 20, 40)
ESTIMATORS = ("P1 5", "P1 10", "P1 20", "P1 40", "U13", "U14", "U5")
PREVALENCES = ("prevalence 10", "prevalence 20", "prevalence 30")
NULLS = ("focal", "diffuse", "case mix", "healthy mix", "noise 5", "noise 10", *PREVALENCES)
"""Families that can teach nothing but the disease; where images of one site vary more a network may use that."""
APART = ("single source", "healthy mix differs")
"""Families whose truth can be argued about: they enter no rate but their own."""


def flat(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One line per cohort: what it is, its truth, its verdicts, and of each estimator statistic, bounds and flag."""
    return pd.DataFrame([_flat(row) for row in rows])


def _flat(row: Mapping[str, Any]) -> dict[str, Any]:
    plain = (str, int, float, bool, type(None))
    found = {name: value for name, value in row.items() if isinstance(value, plain)}
    found |= {
        name: row["truth"].get(name)
        for name in ("r", "omega", "auc_one_site", "auc_withheld", "omega_error", "seconds")
    }
    found |= {f"word {name}": own["word"] for name, own in row["verdicts"].items()}
    found |= {f"low {name}": own["reliance"]["low"] for name, own in row["verdicts"].items()}
    competence = next(each for each in row["findings"] if each["code"] == "G1")
    found |= {"auc": competence["statistic"], "competent": competence["status"] == "clear"}
    for finding in row["findings"]:
        if finding["code"] in ("U5", "U13", "U14") and finding["input"] is None:
            found |= _numbers(finding["code"], finding)
    for k, own in row["probes"].items():
        found |= _numbers(f"P1 {k}", own[0])
    return found


def _numbers(name: str, finding: Mapping[str, Any]) -> dict[str, Any]:
    p_value = finding["p_value"]
    votes = finding["may_flag"] or finding["code"] == "U5"  # whether it would, had it a vote
    flags = votes and p_value is not None and p_value <= 0.05
    known = {part: finding[part] for part in ("statistic", "low", "high")}
    return {**{f"{name} {part}": value for part, value in known.items()}, f"{name} flags": bool(flags)}


def band(table: pd.DataFrame, name: str) -> pd.Series:
    low, high = BANDS[name]
    return (table.r > low) & (table.r <= high) if name != "R* >= .5" else table.r >= 0.5


def judged(table: pd.DataFrame) -> pd.DataFrame:
    """Cohorts that judge and whose truth is not argued about."""
    return table[(table.group == "judging") & ~table.family.isin(APART) & table.r.notna()]


def share(events: pd.Series) -> str:
    """`3/120 .025 [.009, .071]`."""
    known = events.dropna()
    if known.empty:
        return "-"
    count = int(known.astype(bool).sum())
    value, low, high = rate(count, len(known))
    return f"{count}/{len(known)} {value:.3f} [{low:.3f}, {high:.3f}]"


def words(table: pd.DataFrame, variant: str, wanted: Sequence[str]) -> pd.Series:
    column = f"word {variant}"
    if column not in table:
        return pd.Series(np.nan, index=table.index)
    return table[column].isin(wanted).astype(float).where(table[column].notna())


def by(
    table: pd.DataFrame, column: str | Callable[[pd.DataFrame], pd.Series], measure: Callable[[pd.DataFrame], str]
) -> dict[str, str]:
    """Measure every group of a column, in the order of their names."""
    keys = column(table) if callable(column) else table[column]
    return {str(key): measure(own) for key, own in table.groupby(keys, sort=True)}


def verdicts(table: pd.DataFrame, wanted: Sequence[str]) -> pd.DataFrame:
    """How often each variant gives one of some verdicts, by the true reliance."""
    rows = []
    for variant in VARIANTS:
        known = {name: share(words(table[band(table, name)], variant, wanted)) for name in BANDS}
        if any(text != "-" for text in known.values()):
            rows.append({"declared": variant, **known})
    return pd.DataFrame(rows)


def grouped(table: pd.DataFrame, column: str, variants: Sequence[str], wanted: Sequence[str]) -> pd.DataFrame:
    """How often some variants give one of some verdicts, by a property of the cohorts."""
    rows = []
    for key, own in table.groupby(column, sort=True):
        found = {variant: share(words(own, variant, wanted)) for variant in variants}
        rows.append({column: str(key), "cohorts": len(own), **found})
    return pd.DataFrame(rows)


def probe_accuracy(table: pd.DataFrame) -> pd.DataFrame:
    """Error and coverage of the probes' interval, by how many there are and the true reliance."""
    groups = {"all": table.r.notna(), **{name: band(table, name) for name in BANDS}}
    rows = []
    for k in COUNTS:
        for name, chosen in groups.items():
            own = _known(table[chosen], f"P1 {k} statistic")
            if len(own):
                rows.append({"k": k, "true R*": name, **_accuracy(own, k)})
    return pd.DataFrame(rows)


def _known(table: pd.DataFrame, column: str) -> pd.DataFrame:
    if column not in table:
        return table.iloc[:0]
    return table[table[column].notna() & table.omega.notna()]


def _accuracy(own: pd.DataFrame, k: int) -> dict[str, Any]:
    estimate, low, high = (own[f"P1 {k} {part}"].astype(float) for part in ("statistic", "low", "high"))
    error = estimate - own.omega
    return {
        "cohorts": len(own),
        "mean absolute error": f"{error.abs().mean():.3f}",
        "mean error": f"{error.mean():+.3f}",
        "90 % interval covers": share((low <= own.omega) & (own.omega <= high)),
        "upper bound < .25": share(high < 0.25),
    }


def bounds(table: pd.DataFrame) -> pd.DataFrame:
    """How often a lower bound lies above the truth, and how often the estimator flags, by itself."""
    rows = []
    for name in ESTIMATORS:
        own = _known(table, f"{name} low")
        if own.empty:
            continue
        low = own[f"{name} low"].astype(float)
        flags = {f"flags, {each}": share(_flags(own[band(own, each)], name)) for each in BANDS}
        above = {"bound > Omega*": share(low > own.omega), "bound > Omega* + .05": share(low > own.omega + 0.05)}
        rows.append({"estimator": name, **above, "ROC AUC": _roc(own, name), **flags})
    return pd.DataFrame(rows)


def _flags(table: pd.DataFrame, name: str) -> pd.Series:
    return table[f"{name} flags"].astype(float)


def _roc(table: pd.DataFrame, name: str) -> str:
    """Networks driven by the signature (R* > .25) against clean ones, by the estimate."""
    known = table[(table.r <= CLEAN) | (table.r > 0.25)]
    driven, value = (known.r > 0.25).to_numpy(), known[f"{name} statistic"].to_numpy(dtype=float)
    if driven.all() or not driven.any():
        return "-"
    return f"{auc(value, driven):.3f} ({int(driven.sum())} against {int((~driven).sum())})"


def combined(table: pd.DataFrame) -> pd.DataFrame:
    """What U13 and U14 would flag together, by several rules, each test at level .05."""
    own = _known(_known(table, "U13 low"), "U14 low")
    if own.empty:
        return pd.DataFrame()
    one, two = (own[f"{code} flags"].fillna(value=False).astype(bool) for code in ("U13", "U14"))
    rules = {"U13": one, "U14": two, "either": one | two, "both": one & two}
    rows = [
        {"rule": name, **{each: share(flags[band(own, each)].astype(float)) for each in BANDS}}
        for name, flags in rules.items()
    ]
    return pd.DataFrame(rows)


def u5_by_source(table: pd.DataFrame) -> pd.DataFrame:
    """Whether U5 tells driven from clean networks, by the kind of image."""
    rows = []
    for source, own in table.groupby("source", sort=True):
        known = _known(own, "U5 low")
        if known.empty:
            continue
        flags = {f"flags, {name}": share(_flags(known[band(known, name)], "U5")) for name in ("R* <= .05", "R* >= .5")}
        low = known["U5 low"].astype(float)
        rows.append(
            {"source": source, **flags, "ROC AUC": _roc(known, "U5"), "bound > Omega*": share(low > known.omega)}
        )
    return pd.DataFrame(rows)
