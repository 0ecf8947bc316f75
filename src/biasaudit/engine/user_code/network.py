"""The user's own network: built by any factory, and made to return logits in the order of the cohort's classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from biasaudit.engine.user_code.functions import RAISED, failure, find, takes
from biasaudit.engine.user_code.network_description import OutputConvention, OwnNetwork
from biasaudit.engine.user_code.sources import is_own
from biasaudit.errors import UsageError
from biasaudit.networks.factory import NetworkSizes, build_network, network_factory

__all__ = ["build", "build_own", "convention", "make_network"]

SATURATED = 1e-6
"""Probabilities nearer to 0 or 1 than this have no finite logit and are cut."""

_KEY = "target.network"
_SUM_TOLERANCE = 1e-3
_PROBE_SCALES = (0.1, 1.0, 10.0, 100.0)
_PROBES = 4


def build(spatial_dims: int, in_channels: int, out_channels: int, **description: Any) -> nn.Module:
    """Build the user's network from the arguments of a job or of a stored model.

    Parameters
    ----------
    spatial_dims, in_channels, out_channels : int
    description : Any
        `OwnNetwork` as JSON.
    """
    return build_own(OwnNetwork.from_json(description), NetworkSizes(spatial_dims, in_channels, out_channels))


def build_own(own: OwnNetwork, sizes: NetworkSizes) -> nn.Module:
    """Build the user's network so that it returns as many logits as `sizes` says.

    Module names stay the user's own: what is returned is converted by a hook, not by a wrapper.
    """
    network = make_network(own.factory, sizes, own.arguments)
    known, wanted = own.convention, sizes.out_channels
    if _follows(own.factory, own.arguments):
        known = replace(known, outputs=wanted)
    if known.outputs != wanted and not (known.outputs == 2 and wanted == 1):
        _replace_head(network, known.outputs, wanted)
        known = replace(known, outputs=wanted)
    if own.converted:
        network.register_forward_hook(_conversion(known, own.order, single=wanted == 1))
    return network


def _follows(name: str, arguments: Mapping[str, Any]) -> bool:
    """Whether the factory makes as many outputs as it is asked for."""
    if {"out_channels", "num_classes"} & arguments.keys():
        return False
    return ":" not in name or takes(_found(name), "out_channels")


def make_network(name: str, sizes: NetworkSizes, arguments: Mapping[str, Any]) -> nn.Module:
    """Call a factory with the sizes that it asks for; arguments that the user states go before them.

    Raises
    ------
    UsageError
        If there is no such factory, or it fails, or returns no module.
    """
    if not is_own(name) and ":" not in name:
        return build_network(name, sizes, arguments)
    factory = _found(name)
    wanted = {key: value for key, value in sizes._asdict().items() if takes(factory, key)}
    try:
        network = factory(**{**wanted, **arguments})
    except RAISED as error:
        raise UsageError(f"{_KEY}: {name} failed: {failure(error)}") from error
    if not isinstance(network, nn.Module):
        raise UsageError(f"target.network: {name} returned {type(network).__name__}, expected a torch.nn.Module")
    return network


def convention(network: nn.Module, shape: Sequence[int], stated: str) -> OutputConvention:
    """Find out what a network returns by showing it noise of several strengths.

    Parameters
    ----------
    network : Module
    shape : sequence of int
        Channels and voxels of an input.
    stated : {"auto", "logits", "probabilities"}

    Raises
    ------
    UsageError
        If it cannot take such an input, or returns anything but (batch, outputs).
    """
    chance = torch.Generator().manual_seed(0)
    noise = torch.cat([scale * torch.randn((_PROBES, *shape), generator=chance) for scale in _PROBE_SCALES])
    network.eval()
    try:
        with torch.no_grad():
            output = network(noise)
    except RAISED as error:
        shown = " x ".join(str(size) for size in shape)
        reason = failure(error) if isinstance(error, SystemExit) else (str(error).splitlines() or [failure(error)])[0]
        raise UsageError(
            f"target.network: it cannot take an input of shape batch x {shown} ({reason}); "
            "set `grid` and channels as it was trained"
        ) from error
    return _convention(output, len(noise), stated)


def _convention(output: object, batch: int, stated: str) -> OutputConvention:
    if not isinstance(output, torch.Tensor):
        raise UsageError(
            f"target.network: it returns a {type(output).__name__}, expected a tensor (batch, outputs); "
            "let the factory return a module whose forward gives the logits alone"
        )
    if output.ndim == 1 and len(output) == batch:
        output = output[:, None]
    if output.ndim != 2 or len(output) != batch:
        raise UsageError(
            f"target.network: it returns shape {list(output.shape)} for {batch} images, expected (batch, outputs); "
            "pool over space and flatten"
        )
    inside = bool(((output >= 0) & (output <= 1)).all())
    if stated == "logits" or (stated == "auto" and not inside):
        return OutputConvention(output.shape[1], "logits")
    if not inside:
        low, high = float(output.min()), float(output.max())
        raise UsageError(
            f"target.outputs: probabilities are stated, but the network returns {low:.3g} to {high:.3g}; "
            "state logits, or auto"
        )
    if output.shape[1] == 1:
        return OutputConvention(1, "sigmoid")
    sums = bool(((output.sum(1) - 1).abs() < _SUM_TOLERANCE).all())
    if stated == "probabilities" and not sums:
        raise UsageError(
            "target.outputs: probabilities are stated, but those of the classes do not sum to 1; "
            "let the factory return logits"
        )
    return OutputConvention(output.shape[1], "softmax" if sums else "logits")


def _conversion(known: OutputConvention, order: Sequence[int], *, single: bool) -> Callable[..., torch.Tensor]:
    columns = list(order)

    def convert(module: nn.Module, inputs: Any, output: torch.Tensor) -> torch.Tensor:
        logits = output[:, None] if output.ndim == 1 else output
        if known.scale == "sigmoid":
            logits = torch.logit(logits, eps=SATURATED)
        elif known.scale == "softmax":
            logits = torch.log(logits.clamp_min(SATURATED))
        if columns:
            logits = logits[:, columns]
        return logits[:, 1:] - logits[:, :1] if single and logits.shape[1] == 2 else logits

    return convert


def _replace_head(network: nn.Module, outputs: int, wanted: int) -> None:
    """Give the last linear layer another number of outputs, as is done to train a network for another question."""
    heads = [n for n, m in network.named_modules() if isinstance(m, nn.Linear) and m.out_features == outputs]
    if not heads:
        raise UsageError(
            f"target.network: its {outputs} outputs cannot be made {wanted} for a control, since no linear layer "
            "returns them; give the factory a parameter `out_channels`"
        )
    parent, _, name = heads[-1].rpartition(".")
    old = network.get_submodule(heads[-1])
    assert isinstance(old, nn.Linear)
    setattr(network.get_submodule(parent), name, nn.Linear(old.in_features, wanted, bias=old.bias is not None))


def _found(name: str) -> Callable[..., Any]:
    return find(name, _KEY) if is_own(name) else network_factory(name)
