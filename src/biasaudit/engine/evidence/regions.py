"""Evidence `regions`: the regions in which maps are summed up."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from biasaudit.attributions.regions import supervoxels
from biasaudit.cohort.images.atlas import read_atlas
from biasaudit.cohort.images.file_state import as_it_was, file_sha256
from biasaudit.engine.arguments.inputs import READ
from biasaudit.engine.arguments.maps import Atlas, Supervoxels
from biasaudit.engine.evidence.kind import Asked, Columns, Fields, Planned, Planning
from biasaudit.engine.evidence.subjects import Rows
from biasaudit.engine.jobs.job import Folders
from biasaudit.engine.jobs.stack import Stack
from biasaudit.engine.situation.limits import without_network, without_pixels
from biasaudit.engine.situation.situation import Situation
from biasaudit.records import ArmEvidence, Maps
from biasaudit.registry import register

__all__ = ["Regions", "known_atlas", "map_regions"]


@register("evidence", "regions")
class Regions(Columns):
    """Atlas regions, or supervoxels of the mean image; a check names them after `maps`, which they belong to."""

    name = "regions"
    after = ("maps",)
    free = True

    def impossible(self, situation: Situation) -> str:
        """Give the reason where there are no places in an image, or no network to explain."""
        return without_pixels(situation) or without_network(situation)

    def plan(self, planning: Planning, asked: Asked) -> Planned:
        """Take the atlas that the protocol names, else make supervoxels."""
        known = known_atlas(planning.outline.situation)
        return Planned(
            {READ: planning.outline.reads}, known or Supervoxels(planning.outline.protocol.attribution.patch)
        )

    def gather(self, about: Atlas | Supervoxels, folders: Folders, evidence: ArmEvidence, rows: Rows) -> Fields:
        """Say of every voxel of the maps which region it lies in."""
        if evidence.maps is None:
            return {}
        images = Stack.of(folders[READ], "image")
        return {"maps": replace(evidence.maps, regions=map_regions(about, images, evidence.maps))}


def known_atlas(situation: Situation) -> Atlas | None:
    """Return the atlas that the protocol names with the hash of its content, if it names one."""
    path = situation.protocol.attribution.atlas
    if path is None:
        return None
    return Atlas(str(path), file_sha256(path), situation.grid)


def map_regions(regions: Atlas | Supervoxels, images: Stack, maps: Maps) -> npt.NDArray[np.intp]:
    """Region of every voxel of the maps.

    Parameters
    ----------
    regions : Atlas or Supervoxels
    images : Stack (n, channels, *shape)
    maps : Maps
        Supervoxels follow the mean of the first channels of the mapped images (red of pictures in colour), which knows
        neither class nor origin.

    Returns
    -------
    int (voxels,)
        From 1; 0 is none.
    """
    assert maps.inside is not None
    if isinstance(regions, Atlas):
        with as_it_was({regions.path: regions.sha256}):
            return read_atlas(regions.path, regions.grid)[maps.inside].astype(np.intp)
    mean = np.mean([images[row][0] for row in maps.rows.tolist()], axis=0)
    return supervoxels(mean, regions.side)[maps.inside].astype(np.intp)
