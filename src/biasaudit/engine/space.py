"""Estimate how much disk a run will take: images, inputs and maps; whatever else it stores is small."""

from __future__ import annotations

import math
from collections.abc import Sequence

from biasaudit.engine.arguments.edits import SpikeInArguments
from biasaudit.engine.arguments.inputs import HarmoniseArguments, ReadArguments, RepresentArguments
from biasaudit.engine.arguments.maps import AttributeArguments, FaithfulnessArguments
from biasaudit.engine.arguments.networks import TrainArguments
from biasaudit.engine.jobs.job import Job
from biasaudit.engine.situation.situation import Situation
from biasaudit.run_folder.contract import MOST_THUMBNAILS

__all__ = ["estimate_bytes"]

_HALF = 2.0
"""Bytes of a number: all are stored as float16, or rounded to as many bits."""
_MASKS = 0.3
"""Bytes of foreground and mask in a voxel, compressed."""
_KEPT = 0.7
"""Share of a number that compression leaves where images are not stripped."""
_RANDOM_NETWORKS = 3
_WEIGHTS, _SMALL = 50_000, 5_000
_REPORT = 400_000
"""Bytes of tables and report, but for what follows."""
_THUMBNAIL = 4_000
"""Bytes of a thumbnail in the results and in the report, in colour."""


def estimate_bytes(situation: Situation, jobs: Sequence[Job]) -> float:
    """Estimate what some jobs store, in bytes; and the results that are made from them."""
    voxels = math.prod(situation.grid.shape) if situation.cohort.channels else 0
    channels = max((situation.channels(arm.recipe) for arm in situation.protocol.arms), default=1) if voxels else 0
    thumbnails = min(MOST_THUMBNAILS, len(situation.cohort.samples)) * _THUMBNAIL if voxels else 0
    return _REPORT + thumbnails + sum(_small(job) + voxels * _KEPT * _HALF * _numbers(job, channels) for job in jobs)


def _numbers(job: Job, channels: int) -> float:
    """Count the numbers that a job stores in every voxel."""
    match job.arguments:
        case ReadArguments(samples=samples, channels=own):
            return len(samples) * (own + _MASKS / _HALF / _KEPT)
        case RepresentArguments(rows=rows, mask_donors=donors):
            return channels * len(rows) * (1 if donors is None else 2)
        case HarmoniseArguments(origin=origin):
            return channels * len(origin)
        case SpikeInArguments(planted=planted):
            return channels * len(planted) * 3
        case AttributeArguments(rows=rows):
            return len(rows)
        case FaithfulnessArguments(places=places):
            return len(places) * _RANDOM_NETWORKS
    return 0


def _small(job: Job) -> float:
    """Bytes of what does not grow with the images; weights lie in a job and in the results."""
    return 2 * _WEIGHTS if isinstance(job.arguments, TrainArguments) else _SMALL
