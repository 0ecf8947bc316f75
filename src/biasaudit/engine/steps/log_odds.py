"""Step `log_odds`: a network of several classes as one with a single logit, the log odds of one class.

What explains or edits takes networks with one logit; so the same code serves any number of classes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import nn

from biasaudit.engine.arguments.networks import MODEL, LogOddsArguments
from biasaudit.engine.jobs.job import Folders
from biasaudit.engine.user_code.network_description import CLASS_ODDS
from biasaudit.networks.factory import NetworkSizes, build_network
from biasaudit.protocol.places import Places
from biasaudit.registry import register
from biasaudit.regular_files import read_json_file

__all__ = ["ClassOdds", "class_odds", "log_odds"]


class ClassOdds(nn.Module):
    """Log odds of one class of a network, or against it.

    Parameters
    ----------
    network : Module
        Returns logits (n, k).
    index : int
        The class.
    against_class : bool
        Odds against the class.
    """

    def __init__(self, network: nn.Module, index: int, against_class: bool) -> None:
        super().__init__()
        self.network = network
        self.index = index
        self.against_class = against_class

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the log odds, (n, 1)."""
        logits = self.network(images)
        others = [column for column in range(logits.shape[1]) if column != self.index]
        odds: torch.Tensor = logits[:, self.index] - torch.logsumexp(logits[:, others], dim=1)
        return (-odds if self.against_class else odds)[:, None]


def class_odds(spatial_dims: int, in_channels: int, out_channels: int, **arguments: Any) -> ClassOdds:
    """Build the network behind a contrast and wrap it.

    Parameters
    ----------
    spatial_dims, in_channels, out_channels : int
        `out_channels` is 1, the log odds.
    arguments : Any
        ``network`` and ``network_arguments``, ``outputs``, ``index``, ``against_class``.
    """
    sizes = NetworkSizes(spatial_dims, in_channels, int(arguments["outputs"]))
    network = build_network(arguments["network"], sizes, arguments["network_arguments"])
    return ClassOdds(network, arguments["index"], arguments["against_class"])


@register("step", "log_odds")
def log_odds(arguments: LogOddsArguments, needs: Folders, folder: Path) -> None:
    """Wrap a trained network; nothing is trained.

    Parameters
    ----------
    arguments : LogOddsArguments
    needs : Folders
        `MODEL`: the trained network.
    folder : Path
        Gets ``model.safetensors`` and ``model.json``, as training writes them.
    """
    trained = needs.only(MODEL)
    stored = read_json_file(trained / "model.json")
    description = Places.of_run_above(trained / "model.json").absolute_code(stored)
    spatial_dims, in_channels, outputs = description.pop("sizes")
    chosen = {"index": arguments.index, "against_class": arguments.against_class}
    wrapped = {
        "network": CLASS_ODDS,
        "network_arguments": {**description, "outputs": outputs, **chosen},
        "sizes": [spatial_dims, in_channels, 1],
    }
    state = load_file(trained / "model.safetensors")
    (folder / "model.safetensors").write_bytes(save({f"network.{name}": value for name, value in state.items()}))
    (folder / "model.json").write_text(json.dumps(wrapped))
