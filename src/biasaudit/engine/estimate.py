"""Estimate how long a run will take: one real training step is timed, the rest is arithmetic."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch

from biasaudit.engine.arguments.edits import SpikeInArguments
from biasaudit.engine.arguments.hidden_layers import LearnedArguments
from biasaudit.engine.arguments.inputs import ReadArguments, RepresentArguments
from biasaudit.engine.arguments.maps import AttributeArguments
from biasaudit.engine.arguments.networks import LogOddsArguments, ScoreArguments, TrainArguments
from biasaudit.engine.jobs.job import Job
from biasaudit.engine.jobs.threads import one_thread
from biasaudit.engine.situation.situation import Situation
from biasaudit.engine.steps.train import device, to_device
from biasaudit.networks.factory import NetworkSizes, build_network
from biasaudit.networks.preparation import initialised

__all__ = ["estimate_seconds"]

# Seconds per megavoxel, measured once: reading and resampling a file, segmenting or in-painting it.
_READ, _REPRESENT = 0.5, 0.3
_JUDGE = 2.0
_AIMS = 8  # preferred images, roughly: classes and a few units


def estimate_seconds(situation: Situation, jobs: Sequence[Job]) -> float:
    """Estimate the work of some jobs on one worker, in seconds.

    Training is a forward and a backward pass per image and epoch, scoring a third of one, a map two per step.
    """
    if not situation.cohort.channels:
        return _JUDGE * len(jobs)
    megavoxels = torch.Size(situation.grid.shape).numel() / 1e6
    step = _seconds_per_image(situation)
    return sum(_seconds(job, step, megavoxels) for job in jobs)


def _seconds(job: Job, step: float, megavoxels: float) -> float:
    match job.arguments:
        case TrainArguments(rows=rows, training=training):
            return step * len(rows) * training.epochs
        case ScoreArguments(rows=rows, variants=variants):
            return step / 3 * len(rows) * len(variants)
        case AttributeArguments(rows=rows, settings=settings):
            return step * len(rows) * settings.steps
        case LearnedArguments(rows=rows, gallery=gallery, steps=steps):
            return step * (len(rows) / 3 + (_AIMS * steps if gallery else 0))
        case LogOddsArguments():
            return 0.0
        case ReadArguments(samples=samples):
            return _READ * megavoxels * len(samples)
        case SpikeInArguments(planted=planted):
            return _REPRESENT * megavoxels * len(planted) * 3
        case RepresentArguments(rows=rows):
            return _REPRESENT * megavoxels * len(rows) * 2
    return _JUDGE


def _seconds_per_image(situation: Situation) -> float:
    """Time one training step of the protocol's own network on an empty batch."""
    channels = situation.channels(situation.protocol.arms[0].recipe)
    name, arguments = situation.factory
    network = build_network(name, NetworkSizes(situation.grid.dimensions, channels, 1), arguments)
    network = to_device(initialised(network, (channels, *situation.grid.shape)))
    images = torch.zeros((2, channels, *situation.grid.shape), device=device())
    with one_thread():
        network(images).sum().backward()
        started = time.perf_counter()
        network(images).sum().backward()
    return (time.perf_counter() - started) / len(images)
