"""The figures of a run: which are drawn, under which section of the page, and in what words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure

from biasaudit.attributions.meaning import Meaning, meaning
from biasaudit.report import figures, figures_learned, figures_quality
from biasaudit.report.contact_sheet import contact_sheet
from biasaudit.report.encoding import data_uri, drawing, svg_bytes
from biasaudit.report.grids import grid_markup
from biasaudit.report.image_grids import image_grids
from biasaudit.report.own_words import is_framed, knows_class, masks_given
from biasaudit.report.views import arm_views, truth_rows
from biasaudit.run_folder.reading import (
    RunRecords,
    contrasts,
    estimate_table,
    positive_class,
    score_table,
)

__all__ = ["SECTIONS", "Picture", "illustrate", "map_meaning"]

_LEARNED = ("units", "embedding", "gallery")
SECTIONS = (
    "mosaic",
    "inputs",
    "pairs",
    "quality",
    "comparison",
    "scores",
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


@dataclass(frozen=True)
class _Plan:
    """A figure to draw: its section and file name, the function of `narrow` that draws it, and its words."""

    section: str
    name: str
    draw: Callable[[bool], Figure]
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
    with drawing():
        for plan in _plans(records):
            wide, narrow = plan.draw(False), plan.draw(True)
            files[f"figures/{plan.name}.svg"], uris = _vector(wide, narrow)
            markup = _markup(uris, wide, plan.alt)
            pictures[plan.section].append(Picture(markup, plan.alt, plan.arm, plan.note))
    for own in image_grids(records, map_meaning(records)):
        pictures[own.section].append(Picture(grid_markup(own.grid), own.alt, own.arm, own.note))
        if own.grid.rows:
            files[f"figures/{own.name}.png"] = contact_sheet(own.grid)
    return pictures, files


def _markup(uris: tuple[str, str], wide: Figure, alt: str) -> Markup:
    """Show the wide figure, or on a phone the narrow one."""
    width, height = (round(96 * float(inches)) for inches in wide.get_size_inches())
    return Markup(
        '<picture><source media="screen and (max-width: 700px)" srcset="{}">'
        '<img src="{}" width="{}" height="{}" alt="{}"></picture>'
    ).format(uris[1], uris[0], width, height, alt)


def _vector(wide: Figure, narrow: Figure) -> tuple[bytes, tuple[str, str]]:
    """Encode a figure for its file, and both for the page."""
    content = svg_bytes(wide)
    return content, (data_uri(content, "svg"), data_uri(svg_bytes(narrow), "svg"))


def _plans(records: RunRecords) -> Iterator[_Plan]:
    yield from _quality_plans(records)
    yield from _comparison_plans(records)
    for arm in arm_views(records):
        yield from _arm_plans(records, arm.name, arm.anchor)


def _quality_plans(records: RunRecords) -> Iterator[_Plan]:
    """Plan the measures of image quality, once for all arms: no network is asked."""
    positive, table = positive_class(records), records.image_quality
    if table["value"].notna().any():
        alt = "Measures of image quality by class and origin; tables/image_quality.tsv holds the numbers."
        unit = "pixels" if records.audit["cohort"].get("dimensions") == 2 else "mm"
        drawn = _bound(lambda table, narrow: figures_quality.quality_by_origin(table, positive, narrow, unit), table)
        yield _Plan("quality", "image_quality", drawn, alt, note=_unmeasured(table))


def _unmeasured(table: pd.DataFrame) -> str:
    """Name the measures that no image has, so that nobody looks for their panels."""
    known = table.groupby("measure", sort=False)["value"].count()
    without = [figures_quality.measure_name(str(name)) for name in known.index[known == 0]]
    if not without:
        return ""
    reason = "; the ratio of foreground to background has no meaning in stripped images" if "FBER" in without[0] else ""
    return f"Not shown, since no image has it: {', '.join(without)}{reason}."


def _comparison_plans(records: RunRecords) -> Iterator[_Plan]:
    estimates, truth = estimate_table(records), truth_rows(records)
    if len(records.audit["arms"]) > 1 and set(estimates["quantity"]) - {"truth"}:
        alt = "Estimates of every arm with intervals, and their paired differences; the table above holds the numbers."
        yield _Plan(
            "comparison", "comparison", lambda narrow: figures.forest(estimates, records.comparisons, narrow), alt
        )
    known = truth.dropna(subset=["estimate", "omega"])
    if len(known):
        alt = "Estimated reliance beside the planted truth; the table holds the numbers."
        yield _Plan("truth", "truth", lambda narrow: figures.truth_against_estimate(known, narrow), alt)


def _arm_plans(records: RunRecords, arm: str, anchor: str) -> Iterator[_Plan]:
    positive = positive_class(records)
    yield from _score_plans(records, arm, anchor)
    tables = {
        "relevance": _of_arm(_regions_there(records), arm),
        "training": _of_arm(records.training, arm),
    }
    draws: dict[str, tuple[Callable[[pd.DataFrame, bool], Figure], str]] = {
        "relevance": (
            lambda table, narrow: figures.relevance_by_region(table, positive, narrow),
            "Share of the absolute relevance by region and class",
        ),
        "training": (figures.training_curves, "Training and validation loss by epoch, one line per fold"),
    }
    for section, (draw, alt) in draws.items():
        table = tables[section]
        if len(table):
            drawn = _bound(draw, table)
            yield _Plan(section, f"{section}_{anchor}", drawn, f"{alt}, {arm} arm.", arm)
    yield from _learned_plans(records, arm, anchor)


def _score_plans(records: RunRecords, arm: str, anchor: str) -> Iterator[_Plan]:
    """Plan one figure, or one for every contrast."""
    factor = next(iter(records.audit["cohort"]["origins"]), "")
    names = contrasts(records)
    for place, contrast in enumerate(names or (None,)):
        table = _of_arm(score_table(records, factor, contrast), arm)
        if table.empty:
            continue
        towards = _towards(records, contrast, place)
        name = f"scores_{anchor}" + (f"_contrast-{place + 1}" if names else "")
        note = "" if contrast is None else f"log odds of {towards}"
        alt = f"Held-out logits by class and {factor}, {f'{note}, ' if note else ''}{arm} arm."
        yield _Plan("scores", name, _bound(_score_figure(towards), table), alt, arm, note)


def _towards(records: RunRecords, contrast: str | None, place: int) -> str:
    """Name of the side that a high score speaks for; the healthy contrast is turned."""
    if contrast is None:
        return positive_class(records)
    return f"not {contrast}" if place == 0 else contrast


def _score_figure(towards: str) -> Callable[[pd.DataFrame, bool], Figure]:
    return lambda table, narrow: figures.scores(table, towards, narrow)


def _bound(draw: Callable[[pd.DataFrame, bool], Figure], table: pd.DataFrame) -> Callable[[bool], Figure]:
    return lambda narrow: draw(table, narrow)


def _regions_there(records: RunRecords) -> pd.DataFrame:
    """Leave out the region of the pathology where none is marked, and call a frame a frame."""
    table = records.relevance
    if not masks_given(records):
        table = table[table["region"] != "pathology"]
    return table.replace({"region": {"background": "frame"}}) if is_framed(records) else table


def map_meaning(records: RunRecords) -> Meaning:
    """Tell how to read the maps of this run."""
    settings: Mapping[str, Any] = records.audit["settings"].get("attribution") or {}
    return meaning(str(settings.get("method")), settings.get("arguments") or {})


def _learned_plans(records: RunRecords, arm: str, anchor: str) -> Iterator[_Plan]:
    """Plan what the network learned, but for its gallery."""
    positive, knows = positive_class(records), knows_class(records)
    units, places = _of_arm(records.units, arm), _of_arm(records.embedding, arm)
    if len(units.dropna(subset=["origin_share", "pathology_share"])):
        alt = f"What each hidden unit knows of the origin and of the {knows}, {arm} arm; tables/units.tsv holds it."
        held = "" if (units["held"] == "origin").all() else "over all origins, since no origin holds both classes, and "
        yield _Plan(
            "units",
            f"units_{anchor}",
            _bound(lambda table, narrow: figures_learned.units(table, narrow, knows), units),
            alt,
            arm,
            held,
        )
    if len(places):
        alt = f"Held-out subjects by the last hidden features, coloured by class and by origin, {arm} arm."
        drawn = _bound(lambda table, narrow: figures_learned.embedding(table, positive, narrow), places)
        yield _Plan("embedding", f"embedding_{anchor}", drawn, alt, arm)


def _of_arm(table: pd.DataFrame, arm: str) -> pd.DataFrame:
    return table[table["arm"] == arm].reset_index(drop=True)
