"""The figures of a run: which are drawn, under which section of the page, and in what words."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure

from biasaudit.attributions.meaning import Meaning, meaning
from biasaudit.report import figures, figures_learned, figures_maps, figures_pairs
from biasaudit.report.charts import charts
from biasaudit.report.encoding import data_uri, drawing, pixels, png_bytes, webp_bytes
from biasaudit.report.own_words import knows_class
from biasaudit.report.panels import inline, panel_style, standalone
from biasaudit.report.views import arm_views
from biasaudit.report.words import signed
from biasaudit.run_folder.reading import RunRecords, positive_class

__all__ = ["SECTIONS", "Picture", "illustrate", "map_meaning"]

_LARGEST_GROUP = 6
_LEARNED = ("units", "embedding", "gallery")
SECTIONS = (
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


@dataclass(frozen=True)
class _Plan:
    """Pictures to draw: their section and file name, the function of `narrow` that draws them, and their words."""

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
    for chart in charts(records):
        with panel_style():
            plot = chart.draw()
        files[f"figures/{chart.name}.svg"] = standalone(plot)
        pictures[chart.section].append(Picture(inline(plot, chart.alt), chart.alt, chart.arm, chart.note))
    with drawing():
        for plan in _plans(records):
            wide, narrow = plan.draw(False), plan.draw(True)
            files[f"figures/{plan.name}.png"], uris = _raster(wide, narrow)
            markup = _markup(uris, wide, plan.alt)
            pictures[plan.section].append(Picture(markup, plan.alt, plan.arm, plan.note))
    return pictures, files


def _markup(uris: tuple[str, str], wide: Figure, alt: str) -> Markup:
    """Show the wide figure, or on a phone the narrow one."""
    width, height = (round(96 * float(inches)) for inches in wide.get_size_inches())
    return Markup(
        '<picture><source media="screen and (max-width: 700px)" srcset="{}">'
        '<img src="{}" width="{}" height="{}" alt="{}"></picture>'
    ).format(uris[1], uris[0], width, height, alt)


def _raster(wide: Figure, narrow: Figure) -> tuple[bytes, tuple[str, str]]:
    """Encode a figure for its file, and both for the page."""
    drawn = pixels(wide)
    return png_bytes(drawn), (data_uri(webp_bytes(drawn), "webp"), data_uri(webp_bytes(pixels(narrow)), "webp"))


def _plans(records: RunRecords) -> Iterator[_Plan]:
    yield from _pair_plans(records)
    for arm in arm_views(records):
        yield from _overlay_plans(records, arm.name, arm.anchor)
        yield from _difference_plans(records, arm.name, arm.anchor)
        yield from _gallery_plans(records, arm.name, arm.anchor)


def _pair_plans(records: RunRecords) -> Iterator[_Plan]:
    """Plan the pairs that may be one subject twice, as far as their pictures are stored."""
    found: dict[tuple[str, str], Any] = {}
    for finding in records.audit["design"].get("findings") or ():
        for pair in finding["details"].get("pairs", ()) if finding["code"] == "D3" else ():
            found.setdefault((str(pair["subjects"][0]), str(pair["subjects"][1])), pair)
    names = [
        (first, second, "equal files" if pair["same_file"] else f"r = {pair['correlation']:.2f}")
        for place, ((first, second), pair) in enumerate(found.items())
        if f"{place}__0" in records.pair_pictures
    ]
    if names:
        alt = f"Pairs that may be one subject twice: {'; '.join(f'{a} and {b}' for a, b, _ in names)}."
        pictures = records.pair_pictures
        yield _Plan("pairs", "pairs", lambda narrow: figures_pairs.pairs(names, pictures, narrow), alt)


def map_meaning(records: RunRecords) -> Meaning:
    """Tell how to read the maps of this run."""
    settings: Mapping[str, Any] = records.audit["settings"].get("attribution") or {}
    return meaning(str(settings.get("method")), settings.get("arguments") or {})


def _overlay_plans(records: RunRecords, arm: str, anchor: str) -> Iterator[_Plan]:
    table = _of_arm(records.overlays, arm)
    drawable = table["key"].map(lambda key: any(name.startswith(f"{key}__") for name in records.pictures)).astype(bool)
    table = table[drawable].groupby("label", sort=False).head(_LARGEST_GROUP)
    if table.empty:
        return
    blue, red = map_meaning(records).ends
    table = table.assign(blue=blue, red=red)
    positive, limit = positive_class(records), float(table["limit"].max())
    people = "; ".join(
        f"{row['subject']} ({row['label']}, {row['role']}, logit {signed(row['logit'])})"
        for row in table.to_dict("records")
    )
    yield _Plan(
        section="overlays",
        name=f"overlays_{anchor}",
        draw=lambda narrow: figures.overlays(table, records.pictures, positive, narrow),
        alt=f"Signed relevance on anatomy, {arm} arm: {people}.",
        arm=arm,
        note=f"{limit:.2g}",
    )


def _gallery_plans(records: RunRecords, arm: str, anchor: str) -> Iterator[_Plan]:
    """Plan the gallery of what the network learned: only what has its pictures."""
    knows = knows_class(records)
    aims = _of_arm(records.gallery, arm)
    aims = aims[[f"{key}__preferred" in records.pictures for key in aims["key"]]]
    if len(aims):
        alt = f"Preferred images of the classes and of the units that know most, {arm} arm."
        pictures = records.pictures
        yield _Plan(
            section="gallery",
            name=f"gallery_{anchor}",
            draw=lambda narrow: figures_learned.gallery(aims, pictures, narrow, knows),
            alt=alt,
            arm=arm,
            note=knows,
        )


def _difference_plans(records: RunRecords, arm: str, anchor: str) -> Iterator[_Plan]:
    """Plan the comparisons whose slices are there."""
    table = _of_arm(records.differences, arm)
    stored = {name.split("__")[0] for name in records.difference_pictures}
    table = table[table["key"].isin(stored)]
    if table.empty:
        return
    words = "; ".join(f"{row['compared']}, p {row['p_value']:.2g}" for row in table.to_dict("records"))
    yield _Plan(
        section="differences",
        name=f"differences_{anchor}",
        draw=lambda narrow: figures_maps.differences(table, records.difference_pictures, narrow),
        alt=f"Voxelwise comparisons of attribution maps, {arm} arm: {words}.",
        arm=arm,
    )


def _of_arm(table: pd.DataFrame, arm: str) -> pd.DataFrame:
    return table[table["arm"] == arm].reset_index(drop=True)
