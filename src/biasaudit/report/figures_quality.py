"""Image quality by class and origin, one panel per measure."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from biasaudit.report.marks import (
    CLASS_COLOURS,
    NARROW,
    WIDE,
    median_handle,
    ordered_origins,
    pool_small_origins,
    shortened,
    strip,
)

__all__ = ["measure_name", "quality_by_origin"]

_UNITS = {"snr": "SNR", "cnr": "CNR", "efc": "EFC", "fber": "FBER (log10)"}
_UNITS |= {"bias_field": "bias field (log range)", "entropy": "entropy (bits)"}
_UNITS |= {"red_green": "red : green (log)", "blue_green": "blue : green (log)"}


def quality_by_origin(table: pd.DataFrame, positive: str, narrow: bool, unit: str = "mm") -> Figure:
    """Draw every measure of image quality by class and origin.

    Parameters
    ----------
    table : DataFrame
        label, origin, measure, value; one row per image and measure.
    positive : str
        The pathology class, drawn last.
    narrow : bool
        For a phone.
    unit : str
        Of lengths: ``mm``, or ``pixels``.

    Returns
    -------
    Figure
        Measures that no image has are left out.
    """
    table = pool_small_origins(table.dropna(subset=["value"]))
    labels = sorted(table["label"].unique(), key=lambda label: (label == positive, label))
    groups = [(label, origin) for label in labels for origin in ordered_origins(table[table["label"] == label])]
    measures = list(dict.fromkeys(table["measure"]))
    columns = 1 if narrow else min(4, len(measures))
    rows = -(-len(measures) // columns)
    height = rows * (0.75 + 0.27 * len(groups))
    figure = Figure((NARROW if narrow else WIDE, height + 0.4), layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, sharey=True)
    for axes in grid.flat[len(measures) :]:
        axes.set_visible(False)
    for axes, measure in zip(grid.flat, measures, strict=False):
        _draw_measure(axes, table[table["measure"] == measure], groups, labels)
        axes.set_xlabel(measure_name(measure, unit))
    grid[0, 0].set_yticks(
        range(len(groups)), [f"{shortened(label, 12)}, {shortened(origin, 14)}" for label, origin in groups]
    )
    grid[0, 0].set_ylim(len(groups) - 0.45, -0.55)
    figure.legend(handles=[median_handle()], loc="outside upper left")
    return figure


def measure_name(measure: str, unit: str = "mm") -> str:
    """Name a measure as the figure does.

    Parameters
    ----------
    measure : str
        Its name in the table, with its channel if there are several.
    unit : str
        Of lengths.
    """
    name, _, channel = measure.partition(" ")
    label = f"FWHM ({unit})" if name == "fwhm" else _UNITS.get(name, name)
    return f"{label} {channel}".strip()


def _draw_measure(axes: Axes, table: pd.DataFrame, groups: list[tuple[str, str]], labels: list[str]) -> None:
    for row, (label, origin) in enumerate(groups):
        values = table.loc[(table["label"] == label) & (table["origin"] == origin), "value"].to_numpy(dtype=float)
        strip(axes, values, row, CLASS_COLOURS[labels.index(label) % len(CLASS_COLOURS)], filled=True)
