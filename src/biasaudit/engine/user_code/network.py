"""The user's own network: built by any factory, and made to return logits in the order of the cohort's classes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from biasaudit.engine.user_code.convention import POOL, require_tensor
from biasaudit.engine.user_code.functions import find, takes
from biasaudit.engine.user_code.network_description import OutputConvention, OwnNetwork
from biasaudit.engine.user_code.sources import is_own
from biasaudit.errors import UsageError
from biasaudit.networks.factory import NetworkSizes, build_network, made_by, network_factory
from biasaudit.networks.preparation import is_lazy

__all__ = ["adapted", "build", "build_own", "keeps_layout", "make_network"]

SATURATED = 1e-6
"""Probabilities nearer to 0 or 1 than this have no finite logit and are cut."""

_KEY = "target.network"


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
    return adapted(network, replace(own, convention=known), wanted)


def adapted(network: nn.Module, own: OwnNetwork, wanted: int) -> nn.Module:
    """Give a network what its input needs, and let it return logits (batch, `wanted`).

    Parameters
    ----------
    network : Module
        As its factory made it.
    own : OwnNetwork
        What it needs and returns.
    wanted : int
        Logits.

    Returns
    -------
    Module
        The same, with hooks.
    """
    if own.cares:
        network.register_forward_pre_hook(_InputCare(own.cares))
    if own.converted:
        network.register_forward_hook(_conversion(own.convention, own.order, single=wanted == 1))
    return network


def keeps_layout(network: nn.Module) -> bool:
    """Whether a network looks at its input with ``view``, so that nothing may be laid out channels last."""
    hooks = [hook for module in network.modules() for hook in module._forward_pre_hooks.values()]
    return any(isinstance(hook, _InputCare) and "contiguous" in hook.cares for hook in hooks)


class _InputCare:
    """A hook that gives a network its input as it needs it.

    Parameters
    ----------
    cares : sequence of str
        Of `CARES`.
    """

    def __init__(self, cares: Sequence[str]) -> None:
        self.cares = tuple(cares)

    def __call__(self, module: nn.Module, inputs: tuple[Any, ...]) -> tuple[Any, ...]:
        images, *others = inputs
        if "contiguous" in self.cares:
            images = images.contiguous(memory_format=torch.contiguous_format)
        return (images.clone() if "copied" in self.cares else images, *others)


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
    return made_by(factory, name, {**wanted, **arguments})


def _conversion(known: OutputConvention, order: Sequence[int], *, single: bool) -> Callable[..., torch.Tensor]:
    columns = list(order)

    def convert(module: nn.Module, inputs: Any, output: torch.Tensor) -> torch.Tensor:
        logits = _in_rows(require_tensor(output), len(inputs[0]), known.outputs)
        if known.scale == "sigmoid":
            logits = torch.logit(logits, eps=SATURATED)
        elif known.scale == "softmax":
            logits = torch.log(logits.clamp_min(SATURATED))
        if columns:
            logits = logits[:, columns]
        return logits[:, 1:] - logits[:, :1] if single and logits.shape[1] == 2 else logits

    return convert


def _in_rows(output: torch.Tensor, batch: int, outputs: int) -> torch.Tensor:
    """Give the outputs their two axes back, which ``squeeze`` may have taken from a batch of one or a single output."""
    if output.ndim == 2 and len(output) == batch:
        return output
    if output.numel() != batch * outputs:
        seen = f"{_KEY}: it returns shape {list(output.shape)} for {batch} images, expected ({batch}, {outputs})"
        raise UsageError(f"{seen}; {POOL}")
    return output.reshape(batch, outputs)


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
    bias = old.bias is not None
    new = nn.LazyLinear(wanted, bias) if is_lazy(old) else nn.Linear(old.in_features, wanted, bias)
    setattr(network.get_submodule(parent), name, new)


def _found(name: str) -> Callable[..., Any]:
    return find(name, _KEY) if is_own(name) else network_factory(name)
