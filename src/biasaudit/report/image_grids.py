"""All grids of images of a run, in the order in which they are drawn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from biasaudit.attributions.meaning import Meaning
from biasaudit.report.grids import GridPicture
from biasaudit.report.grids_cohort import input_grids, mosaic_grids
from biasaudit.report.grids_differences import difference_grids
from biasaudit.report.grids_gallery import gallery_grids
from biasaudit.report.grids_overlays import Reading, overlay_grids
from biasaudit.report.grids_pairs import pair_grids
from biasaudit.report.own_words import knows_class
from biasaudit.run_folder.reading import RunRecords, positive_class, untested

__all__ = ["image_grids"]


def image_grids(records: RunRecords, meaning: Meaning) -> Iterator[GridPicture]:
    """Plan every grid that a run has pictures for.

    Parameters
    ----------
    records : RunRecords
    meaning : Meaning
        How the maps of the run are read.
    """
    arms = tuple(str(arm["name"]) for arm in records.audit["arms"])
    positive, cohort = positive_class(records), records.audit["cohort"]
    total = cohort.get("images") or cohort["n"]
    yield from mosaic_grids(records.thumbnails, records.thumbnail_pictures.get("thumbnails"), positive, total)
    yield from input_grids(records.inputs, records.input_pictures)
    yield from pair_grids(_pairs(records), records.pair_pictures)
    reading = Reading(positive, meaning.ends, untested(records.findings), arms)
    yield from overlay_grids(records.overlays, records.pictures, reading)
    yield from difference_grids(records.differences, records.difference_pictures)
    yield from gallery_grids(records.gallery, records.pictures, arms, knows_class(records))


def _pairs(records: RunRecords) -> list[tuple[str, str, str]]:
    """Pairs that may be one subject twice, each once: the two names, and how alike they are."""
    found: dict[tuple[str, str], Any] = {}
    for finding in records.audit["design"].get("findings") or ():
        for pair in finding["details"].get("pairs", ()) if finding["code"] == "D3" else ():
            found.setdefault((str(pair["subjects"][0]), str(pair["subjects"][1])), pair)
    return [
        (first, second, "equal files" if pair["same_file"] else f"r = {pair['correlation']:.2f}")
        for (first, second), pair in found.items()
    ]
