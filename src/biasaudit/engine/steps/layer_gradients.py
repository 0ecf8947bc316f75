"""Step `layer_gradients`: how the logit answers to every channel of the hidden layers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from biasaudit.engine.arguments.hidden_layers import LayerGradientsArguments
from biasaudit.engine.arguments.inputs import INPUTS
from biasaudit.engine.arguments.networks import MODELS
from biasaudit.engine.jobs.held_out import write_rows
from biasaudit.engine.jobs.job import Folders
from biasaudit.engine.jobs.stack import Stack
from biasaudit.engine.steps.log_odds import ClassOdds
from biasaudit.engine.steps.score import feature_layers
from biasaudit.engine.steps.train import device, load_networks
from biasaudit.registry import register

__all__ = ["layer_gradients"]


@register("step", "layer_gradients")
def layer_gradients(arguments: LayerGradientsArguments, needs: Folders, folder: Path) -> None:
    """Differentiate the logit of held-out rows with respect to the channels of the hidden layers.

    Parameters
    ----------
    arguments : LayerGradientsArguments
    needs : Folders
        `INPUTS`, and as `MODELS` one network with a single logit.
    folder : Path
        Gets ``rows.npy`` and ``gradients-<layer>.npy`` (rows, channels): the gradient summed over space, that is the
        logit's derivative to a shift of the whole channel.
    """
    (network,) = load_networks(needs[MODELS])
    inputs, size = Stack.of(needs[INPUTS], arguments.variant), arguments.batch_size
    # The odds of one class are taken of a network whose layers keep their own names.
    layers = feature_layers(network.network if isinstance(network, ClassOdds) else network, arguments.layers)
    found: dict[str, list[np.ndarray]] = {name: [] for name in layers}
    for start in range(0, len(arguments.rows), size):
        images = torch.from_numpy(inputs.take(arguments.rows[start : start + size])).to(device())
        with _activations(layers) as kept:
            logits = network(images)[:, 0]
        slopes = torch.autograd.grad(logits.sum(), list(kept.values()), allow_unused=True)
        for (name, activation), slope in zip(kept.items(), slopes, strict=True):
            known = torch.zeros_like(activation) if slope is None else slope
            found[name].append((known.flatten(2).sum(2) if known.ndim > 2 else known).cpu().numpy())
    write_rows(folder, arguments.rows)
    for name, parts in found.items():
        if parts:
            np.save(folder / f"gradients-{name}.npy", np.concatenate(parts))


@contextmanager
def _activations(layers: Mapping[str, nn.Module]) -> Iterator[dict[str, torch.Tensor]]:
    """Keep the layers' outputs, part of the graph; a copy is passed on, which an in-place successor may overwrite."""
    kept: dict[str, torch.Tensor] = {}

    def hook(name: str) -> Any:
        def keep(module: nn.Module, inputs: Any, output: torch.Tensor) -> torch.Tensor:
            kept[name] = output if output.requires_grad else output.requires_grad_(True)
            return kept[name].clone()

        return keep

    handles = [module.register_forward_hook(hook(name)) for name, module in layers.items()]
    try:
        yield kept
    finally:
        for handle in handles:
            handle.remove()
