"""Step `truth`: score held-out anatomies of a simulated cohort as rendered at every site."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from biasaudit.cohort.simulation.phantom import counterfactuals
from biasaudit.engine.steps.represent import transform
from biasaudit.engine.steps.score import Needs, predict_rows
from biasaudit.engine.steps.train import load_network
from biasaudit.records import Grid, Sample
from biasaudit.registry import register

__all__ = ["truth"]


@register("step", "truth")
def truth(arguments: Mapping[str, Any], needs: Needs, folder: Path) -> None:
    """Score simulated held-out anatomies at every site, with and without pathology.

    Parameters
    ----------
    arguments : mapping
        ``samples`` (records), ``grid``, ``representation``, ``own`` (function of the user's).
    folder : Path
        Gets ``margins.npy`` (anatomies, 2, sites): without and with pathology.
    """
    networks = [load_network(model / "model.safetensors") for model in needs["models"]]
    grid, own = Grid.from_dict(arguments["grid"]), arguments.get("own")
    margins = []
    for record in arguments["samples"]:
        rendered = [volume for _, _, volume in counterfactuals(Sample.from_dict(record), grid)]
        images = np.stack([transform(arguments["representation"], volume, grid, own) for volume in rendered])
        margins.append(predict_rows(networks, images)[:, 0].reshape(2, -1))
    np.save(folder / "margins.npy", np.stack(margins))
