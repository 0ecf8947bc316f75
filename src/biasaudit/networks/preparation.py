"""Make of what a factory returns a network that can be trained, stored and asked: bare, float32, nothing lazy."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn
from torch.nn.parameter import UninitializedBuffer, UninitializedParameter

from biasaudit.errors import told

__all__ = ["initialised", "is_lazy", "prepared", "shown_shape"]

_WRAPPERS = (nn.DataParallel, nn.parallel.DistributedDataParallel)


def prepared(network: nn.Module) -> nn.Module:
    """Take wrappers for several devices and compilers off a network, and bring its weights to single precision.

    Parameters
    ----------
    network : Module
        From a factory.

    Returns
    -------
    Module
        What was wrapped, float32; weights and buffers of integers stay as they are.
    """
    while isinstance(network, _WRAPPERS) or hasattr(network, "_orig_mod"):
        network = network.module if isinstance(network, _WRAPPERS) else network._orig_mod  # type: ignore[assignment]
    held = [*network.parameters(), *network.buffers()]
    return network.float() if any(one.is_floating_point() and one.dtype != torch.float32 for one in held) else network


def is_lazy(network: nn.Module) -> bool:
    """Whether some layer waits for a first image to know its size, as ``nn.LazyLinear`` does."""
    held = (*network.parameters(), *network.buffers())
    return any(isinstance(own, UninitializedParameter | UninitializedBuffer) for own in held)


def initialised(network: nn.Module, shape: Sequence[int]) -> nn.Module:
    """Show a network with lazy layers two empty images, so that these layers know their sizes; others are untouched.

    Parameters
    ----------
    network : Module
    shape : sequence of int
        Channels and voxels of an image.

    Returns
    -------
    Module
        The same.

    Raises
    ------
    UsageError
        If it cannot take such images.
    """
    if not is_lazy(network):
        return network
    mode = network.training
    with torch.no_grad(), told(f"target.network: its lazy layers cannot take images of {shown_shape(shape)}"):
        network.eval()(torch.zeros((2, *shape)))
    return network.train(mode)


def shown_shape(shape: Sequence[int]) -> str:
    """Sizes with a cross between them, ``1 x 32 x 40``."""
    return " x ".join(map(str, shape))
