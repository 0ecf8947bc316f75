"""Step `probe_twins`: which probes are as like an audited image as only images of one subject are."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

from biasaudit.engine.arguments.data import ProbeTwinsArguments
from biasaudit.engine.arguments.inputs import READ
from biasaudit.engine.jobs.job import Folders, Role
from biasaudit.engine.jobs.json_files import write_json
from biasaudit.engine.steps.leakage import small_images
from biasaudit.engine.steps.stored_volumes import StoredVolumes
from biasaudit.registry import register
from biasaudit.stats.twins import outlying_pairs, similarities

__all__ = ["probe_twins"]

_PROBES = Role("probes")


@register("step", "probe_twins")
def probe_twins(arguments: ProbeTwinsArguments, needs: Folders, folder: Path) -> None:
    """Compare every probe with every audited image, as images of the cohort are compared with each other.

    Parameters
    ----------
    arguments : ProbeTwinsArguments
    needs : Folders
        `READ`: all blocks of the cohort, and those of the probes under ``probes``.
    folder : Path
        Gets ``twins.json``: one record for each such probe, with the row of the audited image most like it.
    """
    small = chain(*(small_images(StoredVolumes(needs[role], images_only=True)) for role in (READ, _PROBES)))
    similarity = similarities(small, (*arguments.origins, *arguments.probe_origins))
    audited = len(arguments.origins)
    pairs = outlying_pairs(similarity, arguments.height, arguments.correlation)
    found: dict[int, int] = {}
    for first, second in pairs.tolist():  # the most alike first
        if first < audited <= second:
            found.setdefault(second - audited, first)
    write_json(folder / "twins.json", [{"probe": probe, "row": row} for probe, row in sorted(found.items())])
