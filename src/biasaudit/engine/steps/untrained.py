"""Step `untrained`: the network before it has learned anything, for comparison with what it has learned."""

from __future__ import annotations

from pathlib import Path

import torch

from biasaudit.engine.arguments.inputs import INPUTS
from biasaudit.engine.arguments.networks import UntrainedArguments
from biasaudit.engine.jobs.job import Folders
from biasaudit.engine.jobs.stack import Stack
from biasaudit.engine.steps.train import save_network
from biasaudit.networks.factory import NetworkSizes, build_network
from biasaudit.networks.preparation import initialised
from biasaudit.registry import register

__all__ = ["untrained"]


@register("step", "untrained")
def untrained(arguments: UntrainedArguments, needs: Folders, folder: Path) -> None:
    """Build one network with fresh weights and keep it as if it had been trained.

    Parameters
    ----------
    arguments : UntrainedArguments
    needs : Folders
        `INPUTS`: for the number of channels and dimensions.
    folder : Path
        Gets ``model.safetensors`` and ``model.json``.
    """
    inputs = Stack.of(needs[INPUTS], arguments.variant)
    sizes = NetworkSizes(len(inputs.shape) - 2, inputs.shape[1], arguments.outputs)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(arguments.seed)
        network = build_network(arguments.factory.name, sizes, arguments.factory.arguments)
        network = initialised(network, inputs.shape[1:])
    save_network(network, arguments.factory, sizes, folder)
