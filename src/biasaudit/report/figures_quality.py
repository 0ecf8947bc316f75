"""Image quality by origin and class, one panel per measure."""

from __future__ import annotations

import pandas as pd

from biasaudit.report.names import fitted
from biasaudit.report.panels import Key, Plot, plotted
from biasaudit.report.strips import (
    MEDIAN,
    Strip,
    class_inks,
    ordered_labels,
    origin_rows,
    strip_panel,
    titles,
)
from biasaudit.report.words import number

__all__ = ["measure_name", "quality_by_origin"]

_UNITS = {"snr": "SNR", "cnr": "CNR", "efc": "EFC", "fber": "FBER (log10)"}
_UNITS |= {"bias_field": "bias field (log range)", "entropy": "entropy (bits)"}
_UNITS |= {"red_green": "red : green (log)", "blue_green": "blue : green (log)"}


def quality_by_origin(table: pd.DataFrame, positive: str, unit: str = "mm") -> Plot:
    """Draw every measure of image quality: a row per origin, the classes by colour.

    Parameters
    ----------
    table : DataFrame
        label, origin, measure, value, and subject where it is known; one row per image and measure.
    positive : str
        The pathology class, drawn last.
    unit : str
        Of lengths: ``mm``, or ``pixels``.

    Returns
    -------
    Plot
        Measures that no image has are left out.
    """
    known = table.dropna(subset=["value"]).reset_index(drop=True)
    inks = class_inks(ordered_labels(known["label"], positive))
    # Rows are those of all measures: not every image has every one.
    places = origin_rows(known["origin"])
    # Of an origin that holds several classes each has its own half of the row.
    shared = bool((known.groupby("origin")["label"].nunique() > 1).any())
    step = 0.8 / len(inks) if shared else 0.0
    aside = {label: step * (place - (len(inks) - 1) / 2) for place, label in enumerate(inks)}
    dots = pd.DataFrame(
        {
            "value": known["value"].to_numpy(dtype=float),
            "place": places.place(known["origin"]) + known["label"].map(aside).to_numpy(dtype=float),
            "ink": known["label"].map(inks),
            "filled": True,
            "title": titles(known, "value", number),
        }
    )
    height = 12 * len(inks) + 4 if shared else 20
    panels = [
        strip_panel(
            dots[known["measure"] == measure], places.rows(), Strip(measure_name(measure, unit), row_height=height)
        )
        for measure in dict.fromkeys(known["measure"])
    ]
    keys = [Key("dot", ink, fitted(label, 240)) for label, ink in inks.items()]
    return plotted(panels, [*keys, MEDIAN])


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
