"""How the networks of an arm learned."""

from __future__ import annotations

import pandas as pd
from matplotlib.figure import Figure

from biasaudit.report.inks import INKS
from biasaudit.report.names import fitted, whole
from biasaudit.report.panels import Key, Margins, Plot, gridlines, panel, plotted, titled

__all__ = ["training_curves"]

_LOSSES = {"training_loss": "training", "validation_loss": "estimate"}


def training_curves(table: pd.DataFrame) -> Plot:
    """Draw the losses of every network of one arm, a panel per question and a line per fold.

    Parameters
    ----------
    table : DataFrame
        question, class, input, fold, epoch, training_loss, validation_loss; one arm.
    """
    named = table.assign(network=_network_names(table))
    panels = [_network(str(name), own) for name, own in named.groupby("network", sort=False)]
    return plotted(panels, [Key("line", "training", "training"), Key("line", "estimate", "validation")])


def _network(name: str, table: pd.DataFrame) -> Figure:
    figure, axes = panel(84, Margins(left=34))
    # seaborn's lines take 20 ms a panel, and an audit of five arms has sixty panels.
    for column, ink in _LOSSES.items():
        for fold, own in table.groupby("fold", sort=True):
            (line,) = axes.plot(own["epoch"], own[column], color=INKS[ink], linewidth=1.0)
            line.set_url(f"fold {fold}")
    axes.set(xlabel="epoch; upwards: loss")
    axes.set_ylim(bottom=0)
    axes.locator_params(axis="y", nbins=4)
    axes.locator_params(axis="x", nbins=5, integer=True)
    gridlines(axes, level=True)
    titled(axes, fitted(name, 250), whole(name))
    return figure


def _network_names(table: pd.DataFrame) -> list[str]:
    names = []
    for question, label, reduced in zip(table["question"], table["class"], table["input"], strict=True):
        within = f", {label}" if question == "origin" and label else ""
        names.append(f"{question}{within}" if reduced in ("original", "") else f"{question}, {reduced} only")
    return names
