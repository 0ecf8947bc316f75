"""Wrap a network that is not trained any more, so that the margin of one of its classes can be explained."""

from __future__ import annotations

import inspect
from copy import deepcopy

import torch
from torch import fx, nn

from biasaudit.attributions.tracing import AFFINE, folded, split_graph, works_in_place
from biasaudit.errors import UsageError

__all__ = ["Explained", "Margin", "gradient", "layer_of_batch_statistics", "packed"]

_TOLERANCE = 1e-3
_REMEDY = "wrap the network in a module that takes one image batch and returns one tensor of logits"


class Explained(nn.Module):
    """A copy of a network that stands still: evaluation mode, frozen weights, batch normalisation folded.

    The network handed in is not touched, whatever mode it is in. The copy is cut behind its first affine layers, since
    along a straight path of images their output is a straight path too and need not be computed at every point.

    Parameters
    ----------
    network : Module
        Takes (n, channels, *shape) and returns logits (n, outputs).
    example : tensor (1, channels, *shape)
        An image to try the network on.

    Attributes
    ----------
    stem, tail : Module
        ``tail(stem(images))`` are the logits; `stem` is affine and may be empty.
    graph : GraphModule or None
        The folded network as a graph, where it can be traced.
    in_place : bool
        Whether the network may change what it is given.

    Raises
    ------
    UsageError
        If the network takes several inputs, returns anything but one tensor of logits, or normalises by statistics of
        the batch, so that its answer for one image would depend on the others.
    """

    def __init__(self, network: nn.Module, example: torch.Tensor) -> None:
        super().__init__()
        _require_one_input(network)
        _require_own_statistics(network)
        resting = _at_rest(network)
        expected = _logits(resting, example)
        self.outputs = int(expected.shape[1])
        self._resting = (resting,)  # in a tuple, since its layers belong to `network` as well
        self.network = _checked(folded(resting), resting, example, expected)
        self.graph: fx.GraphModule | None = None
        if isinstance(self.network, fx.GraphModule) and self.network is not resting:
            self.graph = self.network
        self.stem, self.tail = (
            (nn.Sequential(), self.network) if self.graph is None else split_graph(self.graph, _affine)
        )
        self.in_place = self.graph is None or works_in_place(self.graph)

    @property
    def resting(self) -> nn.Module:
        """The network as its factory made it, its layers under their own names."""
        return self._resting[0]

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits (n, outputs)."""
        return self.tail(self.stem(images))  # type: ignore[no-any-return]


class Margin(nn.Module):
    """Logit of one class less the mean of the others; of a single logit the logit itself, or its negative.

    Parameters
    ----------
    explained : Explained
    output : int or None
        Class; None is the pathology class of a single logit. A single logit is that of class 1 of two.
    """

    def __init__(self, explained: Explained, output: int | None = None) -> None:
        super().__init__()
        self.explained = explained
        self.output = output
        self.coefficients = _coefficients(explained.outputs, output)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Margins (n,) of images (n, channels, *shape)."""
        return self.of_hidden(self.explained.stem(images))

    def of_hidden(self, hidden: torch.Tensor) -> torch.Tensor:
        """Margins (n,) of what the stem makes of images."""
        return self.of_logits(self.explained.tail(hidden))

    def of_logits(self, logits: torch.Tensor) -> torch.Tensor:
        """Margins (n,) of logits (n, outputs)."""
        return logits @ self.coefficients.to(logits)

    def opposite(self) -> Margin:
        """Return the same margin with its sign turned."""
        turned = Margin(self.explained, self.output)
        turned.coefficients = -self.coefficients
        return turned


def gradient(margins: torch.Tensor, at: torch.Tensor) -> torch.Tensor:
    """Gradient of the sum of margins; zero where they do not depend on `at` at all, as those of a constant network."""
    if not margins.requires_grad:
        return torch.zeros_like(at)
    (found,) = torch.autograd.grad(margins.sum(), at, allow_unused=True)
    return torch.zeros_like(at) if found is None else found


def packed(batch: torch.Tensor) -> torch.Tensor:
    """Lay a batch of pictures or volumes out channels last, which convolutions of few channels are fastest in."""
    if batch.ndim not in (4, 5):
        return batch
    return batch.contiguous(memory_format=torch.channels_last_3d if batch.ndim == 5 else torch.channels_last)


def _at_rest(network: nn.Module) -> nn.Module:
    resting = deepcopy(network).eval().requires_grad_(False)
    for module in resting.modules():
        if getattr(module, "inplace", False):
            module.inplace = False  # type: ignore[assignment]
    return resting


@torch.no_grad()
def _checked(candidate: nn.Module, resting: nn.Module, example: torch.Tensor, expected: torch.Tensor) -> nn.Module:
    """Take the folded network only if it answers as before: tracing fixes what depends on values of the input."""
    layout = torch.channels_last_3d if example.ndim == 5 else torch.channels_last
    if candidate is resting:
        return resting
    same = torch.allclose(candidate(example), expected, rtol=_TOLERANCE, atol=_TOLERANCE)
    if not same:
        return resting
    return candidate.to(memory_format=layout) if example.ndim in (4, 5) else candidate  # type: ignore[call-overload]


@torch.no_grad()
def _logits(network: nn.Module, example: torch.Tensor) -> torch.Tensor:
    found = network(example)
    if not isinstance(found, torch.Tensor):
        raise UsageError(f"the network returns {type(found).__name__}, expected one tensor of logits; {_REMEDY}")
    if found.ndim != 2 or len(found) != len(example):
        raise UsageError(
            f"the network returns shape {tuple(found.shape)} for one image, expected (1, outputs); {_REMEDY}"
        )
    return found


def _require_one_input(network: nn.Module) -> None:
    parameters = inspect.signature(network.forward).parameters.values()
    needed = [p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
    if len(needed) > 1:
        raise UsageError(f"the network takes {len(needed)} inputs ({', '.join(needed)}), expected one; {_REMEDY}")


def layer_of_batch_statistics(network: nn.Module) -> str:
    """Name a layer that normalises by statistics of the batch, with the remedy; empty where there is none."""
    for name, module in network.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and module.running_mean is None:
            return (
                f"the layer {name} normalises by statistics of the batch (track_running_stats=False), so one image's "
                "answer depends on the others; train it with running statistics"
            )
    return ""


def _require_own_statistics(network: nn.Module) -> None:
    reason = layer_of_batch_statistics(network)
    if reason:
        raise UsageError(reason)


def _affine(layer: nn.Module) -> bool:
    return isinstance(layer, AFFINE)


def _coefficients(outputs: int, output: int | None) -> torch.Tensor:
    if outputs == 1:
        return torch.tensor([1.0 if output in (None, 1) else -1.0])
    if output is None:
        raise UsageError(f"the network has {outputs} outputs; say which class is explained")
    others = torch.full((outputs,), -1.0 / (outputs - 1))
    others[output] = 1.0
    return others
