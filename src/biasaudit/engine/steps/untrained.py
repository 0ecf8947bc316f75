"""Step `untrained`: the network before it has learned anything, for comparison with what it has learned."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from biasaudit.engine.jobs.stack import Stack
from biasaudit.networks.factory import build_network
from biasaudit.registry import register

__all__ = ["untrained"]


@register("step", "untrained")
def untrained(arguments: Mapping[str, Any], needs: Mapping[str, Sequence[Path]], folder: Path) -> None:
    """Build one network with fresh weights and keep it as if it had been trained.

    Parameters
    ----------
    arguments : mapping
        ``network``, ``network_arguments``, ``variant``, ``outputs`` (number of logits), ``seed``.
    needs : mapping
        ``inputs``: folders of the represented blocks, for the number of channels and dimensions.
    folder : Path
        Gets ``model.safetensors`` and ``model.json``.
    """
    inputs = Stack([block / f"{arguments['variant']}.npy" for block in needs["inputs"]])
    sizes = (len(inputs.shape) - 2, inputs.shape[1], int(arguments["outputs"]))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(arguments["seed"])
        network = build_network(arguments["network"], sizes, arguments["network_arguments"])
    save_file({name: value.contiguous() for name, value in network.state_dict().items()}, folder / "model.safetensors")
    description = {"network": arguments["network"], "network_arguments": dict(arguments["network_arguments"])}
    (folder / "model.json").write_text(json.dumps({**description, "sizes": sizes}))
