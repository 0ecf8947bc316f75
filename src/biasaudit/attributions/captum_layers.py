"""The layer or neuron that a method looks at, and a layer's map laid over the image."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from biasaudit.errors import UsageError, suggestion

__all__ = ["layer_named", "neuron_of", "spread_over"]

_CONVOLUTIONS = (nn.Conv2d, nn.Conv3d)


def layer_named(network: nn.Module, name: object, image: torch.Tensor, *, spatial: bool) -> nn.Module:
    """Find a layer of a network.

    Parameters
    ----------
    network : Module
        With the names that its factory gave.
    name : object
        As the user states it; None takes the last convolution.
    image : tensor (1, channels, *shape)
    spatial : bool
        Whether it must return maps.

    Raises
    ------
    UsageError
        If there is no such layer, it is not used, or returns no maps.
    """
    modules = {own: module for own, module in network.named_modules() if own}
    if name is None:
        convolutions = [own for own, module in modules.items() if isinstance(module, _CONVOLUTIONS)]
        if not convolutions:
            raise UsageError("the network has no convolution; name a layer by `attribution.arguments: {layer: ...}`")
        name = convolutions[-1]
    if name not in modules:
        raise UsageError(f"attribution.arguments: the network has no layer {name!r}; {suggestion(str(name), modules)}")
    made = _output(network, modules[str(name)], image)
    if made is None:
        raise UsageError(f"attribution.arguments: the layer {name!r} is not used, or returns no single tensor")
    if spatial and made.ndim != image.ndim:
        raise UsageError(
            f"attribution.arguments: the layer {name!r} returns shape {list(made.shape)}, no maps that could be laid "
            "over the image; name an earlier one"
        )
    found: nn.Module = modules[str(name)]
    return found


def neuron_of(answer: nn.Module, layer: nn.Module | None, image: torch.Tensor, stated: Any) -> int | tuple[Any, ...]:
    """Say which neuron is meant: a place in the layer, or all of a channel.

    Raises
    ------
    UsageError
        If the layer has no such neuron.
    """
    assert layer is not None
    made = _output(answer, layer, image)
    assert made is not None
    place = tuple(stated) if isinstance(stated, list | tuple) else (stated,)
    axes = made.shape[1:]
    fits = len(place) in (1, len(axes)) and all(isinstance(one, int) and not isinstance(one, bool) for one in place)
    if not fits or not all(0 <= one < size for one, size in zip(place, axes, strict=False)):
        raise UsageError(
            f"attribution.arguments: neuron {stated!r} is not in the layer, which has {list(axes)}; give a channel, or "
            "one number for each of these"
        )
    if len(axes) == 1:
        return int(place[0])
    return place if len(place) == len(axes) else (place[0], *[slice(None)] * (len(axes) - 1))


def spread_over(found: torch.Tensor, image: torch.Tensor) -> torch.Tensor:
    """Share the relevance of each place of a layer among the voxels that it stands for; the sum stays.

    Parameters
    ----------
    found : tensor (1, channels of the layer, *its shape)
    image : tensor (1, channels, *shape)

    Returns
    -------
    tensor (1, channels, *shape)
        The same in every channel.
    """
    spread = found.sum(1, keepdim=True)
    for axis, size in enumerate(image.shape[2:], start=2):
        cells = spread.shape[axis]
        if cells > size:
            spread = torch.stack([part.sum(axis) for part in torch.tensor_split(spread, size, axis)], axis)
            continue
        cell = torch.arange(size, device=found.device) * cells // size
        share = torch.bincount(cell, minlength=cells).clamp(min=1)[cell]
        spread = spread.index_select(axis, cell) / share.reshape(-1, *[1] * (image.ndim - 1 - axis))
    return spread.expand_as(image) / image.shape[1]


@torch.no_grad()
def _output(network: nn.Module, layer: nn.Module, image: torch.Tensor) -> torch.Tensor | None:
    made: list[object] = []
    hook = layer.register_forward_hook(lambda own, given, output: made.append(output))
    try:
        network(image.clone())
    finally:
        hook.remove()
    return made[-1] if made and isinstance(made[-1], torch.Tensor) else None
