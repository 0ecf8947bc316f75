"""Arms of one audit side by side, as templates print them."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from biasaudit.report.words import (
    NOTHING,
    QUANTITIES,
    equation,
    interval,
    number,
    percent,
)
from biasaudit.run_folder.reading import RunRecords, estimate_table

__all__ = [
    "ComparedRow",
    "ComparisonView",
    "comparison_view",
]


@dataclass(frozen=True)
class ComparedRow:
    """One quantity: a (value, interval) per arm and per pair of arms, and the level of these intervals in words."""

    title: str
    meaning: str
    level: str
    values: tuple[tuple[str, str], ...]
    differences: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ComparisonView:
    """Arms side by side, and their paired differences."""

    arms: tuple[str, ...]
    pairs: tuple[str, ...]
    rows: tuple[ComparedRow, ...]

    @property
    def compared(self) -> tuple[ComparedRow, ...]:
        """The quantities in which some pair was compared."""
        return tuple(row for row in self.rows if any(shown != NOTHING for shown, _ in row.differences))


def comparison_view(records: RunRecords) -> ComparisonView:
    """Prepare the arms side by side."""
    estimates, differences = estimate_table(records), records.comparisons
    arms = tuple(arm["name"] for arm in records.audit["arms"])
    pairs = tuple(dict.fromkeys(zip(differences["first"], differences["second"], strict=True)))
    shown = [name for name in QUANTITIES if name in set(estimates["quantity"]) | set(differences["quantity"])]
    rows = tuple(
        ComparedRow(
            QUANTITIES[name].title,
            QUANTITIES[name].meaning,
            _level(estimates, differences, name),
            tuple(_value(estimates[estimates["arm"] == arm], name) for arm in arms),
            tuple(_difference(_of_pair(differences, first, second), name) for first, second in pairs),
        )
        for name in shown
    )
    return ComparisonView(arms, tuple(f"{first} minus {second}" for first, second in pairs), rows)


def _value(estimates: pd.DataFrame, quantity: str) -> tuple[str, str]:
    rows = estimates[estimates["quantity"] == quantity]
    if rows.empty:
        return NOTHING, ""
    row, is_share = rows.iloc[0], QUANTITIES[quantity].is_share
    shown = percent(row["estimate"]) if is_share else number(row["estimate"])
    return shown, interval(row["low"], row["high"], is_share)


def _level(estimates: pd.DataFrame, differences: pd.DataFrame, quantity: str) -> str:
    """Say the level of the intervals of a quantity, and that of differences where it is another."""
    own, between = (_levels(table[table["quantity"] == quantity]) for table in (estimates, differences))
    if not own or between in ("", own):
        return f"{own or between} intervals" if own or between else ""
    return f"{own} intervals, of differences {between}"


def _levels(rows: pd.DataFrame) -> str:
    """List the levels that were recorded for intervals; estimates without an interval have none."""
    known = rows.loc[rows["low"].notna() | rows["high"].notna(), "level"].dropna()
    return " and ".join(percent(level) for level in sorted(set(known)))


def _of_pair(differences: pd.DataFrame, first: str, second: str) -> pd.DataFrame:
    return differences[(differences["first"] == first) & (differences["second"] == second)]


def _difference(differences: pd.DataFrame, quantity: str) -> tuple[str, str]:
    rows = differences[differences["quantity"] == quantity]
    if rows.empty:
        return NOTHING, ""
    row, is_share = rows.iloc[0], QUANTITIES[quantity].is_share
    shown = percent(row["difference"]).replace("%", "points") if is_share else number(row["difference"])
    signed = shown if shown.startswith(("−", NOTHING)) else f"+{shown}"
    between = interval(row["low"], row["high"], is_share).replace("\u202f%", "")
    return signed, ", ".join(part for part in (between, equation(row["p_value"])) if part)
