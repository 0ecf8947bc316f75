"""Compute which outputs of a layer an input voxel reaches, and which inputs an output is computed from."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from biasaudit.attributions.explained import Explained
from biasaudit.attributions.tracing import split_graph

__all__ = ["Box", "Interval", "Layer", "local_layers"]

_CONVOLUTIONS = (nn.Conv2d, nn.Conv3d)
_POOLINGS = (nn.MaxPool2d, nn.MaxPool3d)
_VOXELWISE = (
    nn.BatchNorm2d,
    nn.BatchNorm3d,
    nn.ReLU,
    nn.LeakyReLU,
    nn.ELU,
    nn.GELU,
    nn.SiLU,
    nn.Sigmoid,
    nn.Tanh,
    nn.Softplus,
    nn.Identity,
    nn.Dropout,
)

Interval = tuple[int, int]
Window = tuple[int, int, int, int]
Box = tuple[Interval, ...]
"""Begin and end along every axis."""


class Layer:
    """A layer whose outputs depend on a few neighbouring inputs.

    Called on padded inputs it computes without padding of its own.

    Parameters
    ----------
    module : Module
        A convolution or a maximum over windows.
    then : sequence of Module
        Voxel-wise layers after it.
    axes : int
    """

    def __init__(self, module: nn.Module, then: Sequence[nn.Module], axes: int) -> None:
        self._module = module
        self._then = then
        self._windows = _windows(module, axes)
        self.padding = tuple(pad for _, _, pad, _ in self._windows)
        self._outside = float("-inf") if isinstance(module, _POOLINGS) else 0.0

    def __call__(self, padded: torch.Tensor) -> torch.Tensor:
        """Compute outputs (n, channels, *shape) of padded inputs."""
        made = _without_padding(self._module, padded)
        for layer in self._then:
            made = layer(made)
        return made

    def padded(self, inputs: torch.Tensor) -> torch.Tensor:
        """Put the layer's own padding around inputs (n, channels, *shape)."""
        widths = [width for pad in reversed(self.padding) for width in (pad, pad)]
        return functional.pad(inputs, widths, value=self._outside) if any(widths) else inputs

    def reached(self, box: Box, shape: tuple[int, ...]) -> Box:
        """Find the outputs that depend on any input in a box."""
        return tuple(_reached(*each) for each in zip(box, shape, self._windows, strict=True))

    def field(self, box: Box) -> Box:
        """Find the padded inputs that the outputs in a box are computed from."""
        return tuple(_field(*each) for each in zip(box, self._windows, strict=True))


# Cubes on a grid share their intervals along every axis, so few of these are ever computed.
@lru_cache(maxsize=4096)
def _reached(interval: Interval, size: int, window: Window) -> Interval:
    kernel, stride, pad, dilation = window
    width = (kernel - 1) * dilation
    outputs = (size + 2 * pad - width - 1) // stride + 1
    first = min(max(0, -(-(interval[0] + pad - width) // stride)), outputs)
    return first, max(first, min(outputs, (interval[1] - 1 + pad) // stride + 1))


@lru_cache(maxsize=4096)
def _field(interval: Interval, window: Window) -> Interval:
    kernel, stride, _, dilation = window
    return interval[0] * stride, (interval[1] - 1) * stride + (kernel - 1) * dilation + 1


def local_layers(explained: Explained) -> tuple[list[Layer], nn.Module]:
    """Divide a network into the local layers it begins with and the rest; none where it cannot be traced."""
    if explained.graph is None:
        return [], explained.network
    chain, rest = split_graph(explained.graph, _is_local)
    modules = list(chain)
    if not modules or not isinstance(modules[0], _CONVOLUTIONS + _POOLINGS):
        return [], explained.network
    starts = [place for place, module in enumerate(modules) if isinstance(module, _CONVOLUTIONS + _POOLINGS)]
    ends = [*starts[1:], len(modules)]
    return [
        Layer(modules[start], modules[start + 1 : end], _axes(modules[start]))
        for start, end in zip(starts, ends, strict=True)
    ], rest


def _is_local(module: nn.Module) -> bool:
    if isinstance(module, _CONVOLUTIONS):
        return module.padding_mode == "zeros" and not isinstance(module.padding, str)
    if isinstance(module, _POOLINGS):
        return not module.ceil_mode and not module.return_indices
    return isinstance(module, _VOXELWISE)


def _axes(module: nn.Module) -> int:
    return 3 if isinstance(module, nn.Conv3d | nn.MaxPool3d) else 2


def _windows(module: Any, axes: int) -> tuple[Window, ...]:
    """Kernel, stride, padding and dilation along every axis."""
    given = (module.kernel_size, module.stride, module.padding, module.dilation)
    spread = [(value,) * axes if isinstance(value, int) else tuple(value) for value in given]
    return tuple(zip(*spread, strict=True))


def _without_padding(module: Any, padded: torch.Tensor) -> torch.Tensor:
    if isinstance(module, _POOLINGS):
        pool = functional.max_pool3d if isinstance(module, nn.MaxPool3d) else functional.max_pool2d
        return pool(padded, module.kernel_size, module.stride, 0, module.dilation)
    convolve = functional.conv3d if isinstance(module, nn.Conv3d) else functional.conv2d
    return convolve(padded, module.weight, module.bias, module.stride, 0, module.dilation, module.groups)
