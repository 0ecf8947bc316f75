"""Whether a network has only layers that a method of Captum has rules for: it hooks modules and sees nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

import torch
from torch import nn

from biasaudit.errors import UsageError

__all__ = ["require_complete", "require_rules"]

_INCOMPLETE, _FLOOR = 0.05, 0.1

_INSTEAD = "use integrated_gradients, which asks nothing of the layers"
_DIFFERENCES: Mapping[str, tuple[type[nn.Module], ...]] = {
    "Relu": (nn.ReLU,),
    "Elu": (nn.ELU,),
    "LeakyRelu": (nn.LeakyReLU,),
    "Sigmoid": (nn.Sigmoid,),
    "Tanh": (nn.Tanh,),
    "Softplus": (nn.Softplus,),
    "MaxPool2DWithIndices": (nn.MaxPool2d,),
    "MaxPool3DWithIndices": (nn.MaxPool3d,),
}
"""Operations that DeepLIFT has a rule for, as autograd calls them, and the modules that it must find them in."""
_CURVED = frozenset(
    [
        *(own for own in _DIFFERENCES if own != "Relu" and "Pool" not in own),
        *("Gelu", "Silu", "Hardtanh", "Clamp", "ClampMin", "ClampMax", "Softmax", "LogSoftmax", "Hardswish", "Mish"),
        *("Hardsigmoid", "PreluKernel", "Celu", "LogSigmoid", "Threshold", "Exp", "Log", "Abs", "Pow", "Sqrt"),
        *("Amax", "Amin", "Max", "Min", "Maximum", "Minimum", "AdaptiveMaxPool2D", "AdaptiveMaxPool3D"),
    ]
)
"""Operations that are not linear, beside the rectifier and the maximum over windows."""
_LINEAR_2D: tuple[tuple[tuple[type[nn.Module], ...], tuple[str, ...]], ...] = (
    ((nn.Conv2d,), ("Convolution",)),
    ((nn.Linear,), ("Addmm", "Mm")),
    ((nn.ReLU,), ("Relu",)),
    ((nn.Tanh,), ("Tanh",)),
    ((nn.MaxPool2d,), ("MaxPool2DWithIndices",)),
    ((nn.AvgPool2d, nn.AdaptiveAvgPool2d), ("AvgPool2D", "AdaptiveAvgPool2D", "Mean")),
)
"""Modules that layer-wise relevance propagation has rules for, and the operations that they are to autograd."""
_SHAPES = (
    "View",
    "UnsafeView",
    "ReshapeAlias",
    "T",
    "Transpose",
    "Clone",
    "AccumulateGrad",
    "Select",
    "Squeeze",
    "Copy",
    "AsStrided",
)


def require_rules(answer: nn.Module, image: torch.Tensor, rule: str, name: str) -> None:
    """Refuse a network that a method would be silently wrong about.

    Parameters
    ----------
    answer : Module
        Maps images to answers (n,).
    image : tensor (1, channels, *shape)
    rule : {"differences", "relu", "lrp"}
    name : str
        Of the method, for messages.

    Raises
    ------
    UsageError
    """
    operations, modules = _used(answer, image)
    if rule == "differences":
        fault = _difference_fault(operations, modules)
    else:
        fault = _relu_fault(operations, modules) if rule == "relu" else _lrp_fault(operations, modules, image)
    if fault:
        raise UsageError(f"{name} would be silently wrong about this network: {fault}; {_INSTEAD}")


def require_complete(found: torch.Tensor, change: torch.Tensor, name: str) -> None:
    """Refuse a map of differences that does not sum to the change of the answer: some layer broke the rules.

    Parameters
    ----------
    found : tensor (n, channels, *shape)
    change : tensor (n,)
    name : str
        Of the method, for messages.

    Raises
    ------
    UsageError
    """
    error = (found.flatten(1).sum(1) - change).abs() / change.abs().clamp(min=_FLOOR)
    if not float(error.max()) <= _INCOMPLETE:
        raise UsageError(
            f"{name} misses the change of the answer by {100 * float(error.max()):.0f} %: it sees modules only, and an "
            f"activation of this network is a function, or a module that is used more than once; {_INSTEAD}"
        )


def _relu_fault(operations: Counter[str], modules: Counter[nn.Module]) -> str:
    curved = next((own for own in operations if own in _CURVED), "")
    if curved:
        return f"it has a rule for nn.ReLU alone, and the network uses {curved}"
    calls = sum(count for module, count in modules.items() if isinstance(module, nn.ReLU))
    if operations["Relu"] != calls:
        functions = operations["Relu"] - calls
        return f"{functions} of its {operations['Relu']} rectifiers are functions, and it sees modules only"
    return ""


def _difference_fault(operations: Counter[str], modules: Counter[nn.Module]) -> str:
    other = next((own for own in operations if own in _CURVED and own not in _DIFFERENCES), "")
    if other:
        return f"it has no rule for the operation {other}"
    for operation, kinds in _DIFFERENCES.items():
        own = [count for module, count in modules.items() if isinstance(module, kinds)]
        if operations[operation] != sum(own):
            return f"the operation {operation} is called as a function, and it sees modules only"
        if max(own, default=1) > 1:
            return f"a {kinds[0].__name__} is used more than once"
    return ""


def _lrp_fault(operations: Counter[str], modules: Counter[nn.Module], image: torch.Tensor) -> str:
    if image.ndim == 5:
        return "it has no rule for layers of three dimensions, such as Conv3d"
    reused = next((module for module, count in modules.items() if count > 1), None)
    if reused is not None:
        return f"a {type(reused).__name__} is used more than once"
    known = [own for _, names in _LINEAR_2D for own in names]
    other = next((own for own in operations if own not in known and own not in _SHAPES), "")
    if other:
        return f"it has no rule for the operation {other}"
    for kinds, names in _LINEAR_2D:
        calls = sum(isinstance(module, kinds) for module in modules)
        if sum(operations[own] for own in names) != calls:
            return f"the operation {names[0]} is called as a function, and it sees modules only"
    return ""


def _used(answer: nn.Module, image: torch.Tensor) -> tuple[Counter[str], Counter[nn.Module]]:
    """Count the operations of an answer as autograd names them, and the calls of modules without children."""
    calls: Counter[nn.Module] = Counter()
    leaves = [module for module in answer.modules() if not list(module.children())]
    hooks = [module.register_forward_pre_hook(lambda own, given: calls.update([own])) for module in leaves]
    try:
        made = answer(image.detach().clone().requires_grad_(True))
    finally:
        for hook in hooks:
            hook.remove()
    return Counter(_operations(made)), calls


def _operations(made: torch.Tensor) -> Iterator[str]:
    waiting = [made.grad_fn]
    seen = set()
    while waiting:
        node = waiting.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        yield node.name().rpartition("::")[2].removesuffix("0").removesuffix("1").removesuffix("Backward")
        waiting.extend(following for following, _ in node.next_functions)
