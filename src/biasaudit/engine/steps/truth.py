"""Step `truth`: score held-out subjects of a simulated cohort as rendered at every site."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import numpy as np
from torch import nn

from biasaudit.cohort.images.file_state import as_it_was
from biasaudit.cohort.readers.reader import Renders
from biasaudit.engine.arguments.edits import TruthArguments
from biasaudit.engine.arguments.networks import MODELS
from biasaudit.engine.jobs.job import Folders
from biasaudit.engine.steps.represent import transform
from biasaudit.engine.steps.score import predict_rows
from biasaudit.engine.steps.train import load_networks
from biasaudit.records import FloatArray, Sample
from biasaudit.registry import get, register

__all__ = ["truth"]


@register("step", "truth")
def truth(arguments: TruthArguments, needs: Folders, folder: Path) -> None:
    """Score simulated held-out subjects at every site, with and without pathology.

    Parameters
    ----------
    arguments : TruthArguments
    needs : Folders
        `MODELS`: the networks that held them out.
    folder : Path
        Gets ``margins.npy`` (subjects, 2, sites): without and with pathology.
    """
    networks, reader = load_networks(needs[MODELS]), cast(Renders, get("reader", arguments.reader)())
    with as_it_was(arguments.hashes):
        margins = [_margins(arguments, reader, sample, networks) for sample in arguments.samples]
    np.save(folder / "margins.npy", np.stack(margins))


def _margins(arguments: TruthArguments, reader: Renders, sample: Sample, networks: Sequence[nn.Module]) -> FloatArray:
    """Margins (2, sites) of one subject."""
    rendered = (volume for _, _, volume in reader.counterfactuals(sample, arguments.grid, arguments.foreground))
    images = [transform(arguments.representation, volume, arguments.grid, arguments.own) for volume in rendered]
    return np.asarray(predict_rows(networks, np.stack(images))[:, 0].reshape(2, -1))
