"""The figures of a run: which are drawn, under which section of the page, and in what words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from biasaudit.attributions.meaning import Meaning, meaning
from biasaudit.report.charts import charts
from biasaudit.report.contact_sheet import contact_sheet
from biasaudit.report.grids import grid_markup
from biasaudit.report.image_grids import image_grids
from biasaudit.report.panels import inline, panel_style, standalone
from biasaudit.run_folder.reading import RunRecords

__all__ = ["SECTIONS", "Picture", "illustrate", "map_meaning"]

_LEARNED = ("units", "embedding", "gallery")
SECTIONS = (
    "mosaic",
    "inputs",
    "pairs",
    "quality",
    "comparison",
    "scores",
    "waterfall",
    "nulls",
    "caterpillar",
    "overlays",
    "relevance",
    "differences",
    "truth",
    "training",
    *_LEARNED,
)


@dataclass(frozen=True)
class Picture:
    """A figure inside the page.

    Attributes
    ----------
    markup : Markup
        What the page shows: an image, an SVG, or a grid of small images with their words.
    alt : str
        What a reader who cannot see it should know.
    arm : str
        Arm shown, or empty.
    note : str
        For the caption; may be empty.
    """

    markup: Markup
    alt: str
    arm: str = ""
    note: str = ""


def illustrate(records: RunRecords) -> tuple[dict[str, list[Picture]], dict[str, bytes]]:
    """Draw every figure.

    Parameters
    ----------
    records : RunRecords

    Returns
    -------
    pictures : dict of str to list of Picture
        For the page, by section.
    files : dict of str to bytes
        For the run folder, by relative path.
    """
    pictures: dict[str, list[Picture]] = {section: [] for section in SECTIONS}
    files: dict[str, bytes] = {}
    for chart in charts(records):
        with panel_style():
            plot = chart.draw()
        files[f"figures/{chart.name}.svg"] = standalone(plot)
        pictures[chart.section].append(Picture(inline(plot, chart.alt), chart.alt, chart.arm, chart.note))
    for own in image_grids(records, map_meaning(records)):
        pictures[own.section].append(Picture(grid_markup(own.grid), own.alt, own.arm, own.note))
        if own.grid.rows:
            files[f"figures/{own.name}.png"] = contact_sheet(own.grid)
    return pictures, files


def map_meaning(records: RunRecords) -> Meaning:
    """Tell how to read the maps of this run."""
    settings: Mapping[str, Any] = records.audit["settings"].get("attribution") or {}
    return meaning(str(settings.get("method")), settings.get("arguments") or {})
