"""DeepLIFT, where every layer has a rule."""

from __future__ import annotations

from collections.abc import Callable
from copy import deepcopy
from functools import partial
from typing import Any, ClassVar

import torch
from torch import fx, nn
from torch.nn import functional

from biasaudit.attributions.explained import Explained, Margin, gradient
from biasaudit.attributions.method import Effort, References, margin_change
from biasaudit.attributions.rescale import Maximum, Rescaled
from biasaudit.attributions.tracing import AFFINE
from biasaudit.errors import UsageError
from biasaudit.registry import register

__all__ = ["DeepLift", "with_rules"]

_INCOMPLETE = 0.05
_FLOOR = 0.1  # logits
_INSTEAD = "use integrated_gradients, which asks nothing of the layers"
_VOXELWISE = (nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Sigmoid, nn.Tanh, nn.Softplus)
_POOLS: dict[type[nn.Module], Callable[..., Any]] = {
    nn.MaxPool2d: functional.max_pool2d,
    nn.MaxPool3d: functional.max_pool3d,
}
_LINEAR = (
    *AFFINE,
    nn.AvgPool2d,
    nn.AvgPool3d,
    nn.AdaptiveAvgPool2d,
    nn.AdaptiveAvgPool3d,
    nn.Flatten,
)
_VOXELWISE_NAMES = frozenset(["relu", "relu_", "leaky_relu", "elu", "gelu", "silu", "sigmoid", "tanh", "softplus"])
_LINEAR_NAMES = frozenset(
    [
        *("add", "sub", "neg", "iadd", "isub", "cat", "mean", "sum", "pad"),
        *("flatten", "view", "reshape", "permute", "transpose", "squeeze", "unsqueeze", "contiguous", "expand"),
        *("getitem", "getattr", "size", "avg_pool2d", "avg_pool3d", "adaptive_avg_pool2d", "adaptive_avg_pool3d"),
    ]
)
_FACTORS = ("mul", "imul", "truediv", "itruediv", "div")


@register("attribution", "deep_lift")
class DeepLift:
    """Differences of activations from those of the baseline, led back layer by layer (rescale rule).

    Shrikumar et al. 2017 (arXiv:1704.02685). The rules are written into the graph of the network, so that functions and
    layers that are called twice have theirs too. A network that does anything else, or whose maps do not sum up, is
    refused. Not through Captum, whose DeepLIFT sees modules only and misses the sum where a maximum follows a
    rectifier, as it does in the built-in network.
    """

    faithful: ClassVar[bool] = True
    complete: ClassVar[bool] = True
    adaptive: ClassVar[bool] = False
    needs: ClassVar[str] = "baseline"

    def relevance(self, margin: Margin, images: torch.Tensor, references: References, effort: Effort) -> torch.Tensor:
        """Signed relevance (n, channels, *shape), summing to the change of the margin.

        Raises
        ------
        UsageError
            If a layer has no rule, or a map does not sum to the change of the margin.
        """
        network = with_rules(margin.explained)
        maps = []
        for row, image in enumerate(images):
            baseline = references.baseline[row % len(references.baseline)]
            both = torch.stack([image, baseline]).requires_grad_(True)
            led_back = gradient(margin.of_logits(network(both))[:1], both)
            maps.append((image - baseline) * led_back[0])
        found = torch.stack(maps)
        _require_complete(found, margin_change(self, margin, images, references))
        return found


def with_rules(explained: Explained) -> fx.GraphModule:
    """Write the rules of DeepLIFT into the graph of a network; it then takes images and baselines as one batch.

    Raises
    ------
    UsageError
        If the network cannot be traced, or does anything that has no rule.
    """
    if explained.graph is None:
        raise UsageError(f"deep_lift cannot see the layers of this network (its code cannot be traced); {_INSTEAD}")
    graph = deepcopy(explained.graph)
    for number, node in enumerate(list(graph.graph.nodes)):
        if node.op not in ("call_module", "call_function", "call_method"):
            continue
        rule = _module_rule(graph, node) if node.op == "call_module" else _function_rule(node)
        if rule is not None:
            _replace(graph, node, rule, f"rule_{number}")
    graph.recompile()
    return graph


def _module_rule(graph: fx.GraphModule, node: fx.Node) -> nn.Module | None:
    """Rule of a layer; None for a linear one, which needs none."""
    module = graph.get_submodule(str(node.target))
    if isinstance(module, _LINEAR):
        return None
    if isinstance(module, _VOXELWISE):
        return Rescaled(module)
    if isinstance(module, nn.MaxPool2d | nn.MaxPool3d):
        window = (module.kernel_size, module.stride, module.padding, module.dilation, module.ceil_mode)
        pool: Any = _POOLS[type(module)]
        return Maximum(lambda both: pool(both, *window, return_indices=True))
    raise _refusal(f"{str(node.target).removeprefix('0.')} ({type(module).__name__})")


def _function_rule(node: fx.Node) -> nn.Module | None:
    name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", str(node.target))
    if name in _LINEAR_NAMES or (name in _FACTORS and _one_varies(node, name)):
        return None
    if name in _VOXELWISE_NAMES and not any(isinstance(each, fx.Node) for each in node.args[1:]):
        return Rescaled(_as_function(node))
    if name == "amax" and not node.kwargs.get("keepdim") and len(node.args) < 3:
        return Maximum(partial(_largest, axes=node.args[1] if len(node.args) > 1 else node.kwargs.get("dim")))
    raise _refusal(f"the function {name}")


def _as_function(node: fx.Node) -> Callable[[torch.Tensor], torch.Tensor]:
    target: Any = node.target
    if isinstance(target, str):
        return lambda both: getattr(both, target)(*node.args[1:], **node.kwargs)
    return lambda both: target(both, *node.args[1:], **node.kwargs)


def _largest(both: torch.Tensor, axes: Any) -> tuple[torch.Tensor, torch.Tensor]:
    """Maximum over all of space and where it lies."""
    given = {int(axis) % both.ndim for axis in (axes if isinstance(axes, tuple | list) else (axes,))}
    if given != set(range(2, both.ndim)):
        raise _refusal("a maximum over anything but all of space")
    found = both.flatten(2).max(2)
    return found.values, found.indices


def _replace(graph: fx.GraphModule, node: fx.Node, rule: nn.Module, name: str) -> None:
    graph.add_submodule(name, rule)
    with graph.graph.inserting_after(node):
        new = graph.graph.call_module(name, (node.args[0],))
    node.replace_all_uses_with(new)
    graph.graph.erase_node(node)


def _one_varies(node: fx.Node, name: str) -> bool:
    """Whether a product has one factor that depends on the image, and a quotient has it above."""
    varies = [isinstance(argument, fx.Node) and argument.op != "get_attr" for argument in node.args]
    return sum(varies) == 1 and (varies[0] or "div" not in name)


def _refusal(what: str) -> UsageError:
    return UsageError(f"deep_lift has no rule for {what} of this network and would be silently wrong; {_INSTEAD}")


def _require_complete(found: torch.Tensor, change: torch.Tensor) -> None:
    error = (found.flatten(1).sum(1) - change).abs() / change.abs().clamp(min=_FLOOR)
    worst = float(error.max())
    if not worst <= _INCOMPLETE:
        raise UsageError(
            f"deep_lift misses the change of the margin by {100 * worst:.0f} %: some layer breaks its rules; {_INSTEAD}"
        )
