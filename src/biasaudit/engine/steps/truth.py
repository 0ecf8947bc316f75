"""Step `truth`: score held-out anatomies of a simulated cohort as rendered at every site."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from biasaudit.cohort.simulation.phantom import counterfactuals
from biasaudit.engine.arguments.edits import TruthArguments
from biasaudit.engine.arguments.networks import MODELS
from biasaudit.engine.jobs.job import Folders
from biasaudit.engine.steps.represent import transform
from biasaudit.engine.steps.score import predict_rows
from biasaudit.engine.steps.train import load_networks
from biasaudit.registry import register

__all__ = ["truth"]


@register("step", "truth")
def truth(arguments: TruthArguments, needs: Folders, folder: Path) -> None:
    """Score simulated held-out anatomies at every site, with and without pathology.

    Parameters
    ----------
    arguments : TruthArguments
    needs : Folders
        `MODELS`: the networks that held them out.
    folder : Path
        Gets ``margins.npy`` (anatomies, 2, sites): without and with pathology.
    """
    networks = load_networks(needs[MODELS])
    margins = []
    for sample in arguments.samples:
        rendered = [volume for _, _, volume in counterfactuals(sample, arguments.grid)]
        images = [transform(arguments.representation, volume, arguments.grid, arguments.own) for volume in rendered]
        margins.append(predict_rows(networks, np.stack(images))[:, 0].reshape(2, -1))
    np.save(folder / "margins.npy", np.stack(margins))
