"""The table of what was done to the images, as the report prints it: one row per origin."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from biasaudit.report.words import NOTHING
from biasaudit.run_folder.reading import RunRecords

__all__ = ["PreprocessingView", "preprocessing_views"]

_SHOWN = 2
_MEASURED = ("smallest value", "largest value")
"""Medians, which differ between any two origins."""


@dataclass(frozen=True)
class PreprocessingView:
    """How the images of every origin of one factor came.

    Attributes
    ----------
    factor, summary : str
        The summary says what differs.
    columns : tuple of (name, whether the origins differ in it)
    rows : tuple of (origin, one cell per column)
    """

    factor: str
    summary: str
    columns: tuple[tuple[str, bool], ...]
    rows: tuple[tuple[str, tuple[str, ...]], ...]


def preprocessing_views(records: RunRecords) -> tuple[PreprocessingView, ...]:
    """Prepare one table per origin factor; none where the run holds no such table."""
    table = records.preprocessing
    return tuple(_view(str(factor), own) for factor, own in table.groupby("factor", sort=False))


def _view(factor: str, table: pd.DataFrame) -> PreprocessingView:
    quantities = [str(name) for name in table["quantity"].unique()]
    columns = tuple((name, _differs(table[table["quantity"] == name], name)) for name in quantities)
    different = [name for name, differs in columns if differs]
    summary = f"{', '.join(different)} differ between origins" if different else "the same for all origins"
    rows = tuple(
        (str(origin), tuple(_cell(own[own["quantity"] == name], name) for name in quantities))
        for origin, own in table.groupby("origin", sort=False)
    )
    return PreprocessingView(factor, summary, columns, rows)


def _differs(table: pd.DataFrame, quantity: str) -> bool:
    if quantity in _MEASURED:
        return False
    return len({frozenset(own["value"]) for _, own in table.groupby("origin")}) > 1


def _cell(table: pd.DataFrame, quantity: str) -> str:
    if table.empty:
        return NOTHING
    if quantity in _MEASURED:
        return str(table["value"].iloc[0])
    first = table.head(_SHOWN)
    shown = ", ".join(f"{value} ({count:.0f})" for value, count in zip(first["value"], first["images"], strict=True))
    return f"{shown}, {len(table) - _SHOWN} others" if len(table) > _SHOWN else shown
