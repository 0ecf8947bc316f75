"""The operations of a network as a graph, and the network cut in two where its first layers end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from torch import fx, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

__all__ = ["AFFINE", "folded", "split_graph", "trace", "works_in_place"]

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d)
_NORMALISATIONS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)

AFFINE = (
    *_CONVOLUTIONS,
    *_NORMALISATIONS,
    nn.Linear,
    nn.Identity,
    nn.Dropout,
    nn.Dropout2d,
    nn.Dropout3d,
)
"""Modules that are affine in their input once the network is in evaluation mode."""

_OVERWRITING = ("iadd", "isub", "imul", "itruediv", "setitem")


def trace(network: nn.Module) -> fx.GraphModule | None:
    """Write a network down as a graph of operations on one image batch; None where it cannot be done.

    Python code that asks for values (`if hidden.sum() > 0`) cannot be written down.
    """
    try:
        # Inside a container, so that hooks on the network itself, which may convert its outputs, are written down too.
        graph = fx.symbolic_trace(nn.Sequential(network))
    except Exception:  # the network's own code runs on stand-ins and may raise anything
        return None
    inputs = [node for node in graph.graph.nodes if node.op == "placeholder"]
    return graph if len(inputs) == 1 else None


def folded(network: nn.Module) -> nn.Module:
    """Fold batch normalisation into the convolutions before it; the network itself where it cannot be traced.

    In evaluation mode a normalisation is one factor and one shift per channel, which the weights can carry.
    """
    graph = trace(network)
    if graph is None:
        return network
    calls = Counter(node.target for node in graph.graph.nodes if node.op == "call_module")
    for node in list(graph.graph.nodes):
        before = node.args[0] if node.op == "call_module" and node.args else None
        if not isinstance(before, fx.Node) or before.op != "call_module" or len(before.users) > 1:
            continue
        # A layer that is called twice carries two different foldings; it keeps its own weights.
        if max(calls[node.target], calls[before.target]) > 1:
            continue
        convolution, normalisation = (graph.get_submodule(str(each.target)) for each in (before, node))
        if isinstance(convolution, _CONVOLUTIONS) and isinstance(normalisation, _NORMALISATIONS):
            graph.set_submodule(str(before.target), fuse_conv_bn_eval(convolution, normalisation))
            node.replace_all_uses_with(before)
            graph.graph.erase_node(node)
    graph.recompile()
    return graph


def split_graph(graph: fx.GraphModule, belongs: Callable[[nn.Module], bool]) -> tuple[nn.Sequential, nn.Module]:
    """Cut a network behind the longest chain of first layers that all belong.

    Parameters
    ----------
    graph : GraphModule
        From `trace`.
    belongs : callable
        Whether a layer may be part of the chain.

    Returns
    -------
    chain : Sequential
        May be empty.
    rest : Module
        ``rest(chain(images))`` equals ``graph(images)``.
    """
    (node,) = (each for each in graph.graph.nodes if each.op == "placeholder")
    chain: list[nn.Module] = []
    passed = {node}
    while (following := _only_layer_after(node)) is not None:
        layer = graph.get_submodule(str(following.target))
        if not belongs(layer):
            break
        chain.append(layer)
        node = following
        passed.add(node)
    return nn.Sequential(*chain), _rest(graph, node, passed)


def works_in_place(graph: fx.GraphModule) -> bool:
    """Whether a function of the graph may overwrite its input, as ``relu_`` and ``relu(inplace=True)`` do."""
    for node in graph.graph.nodes:
        name = node.target if isinstance(node.target, str) else getattr(node.target, "__name__", "")
        overwrites = name.endswith("_") or name.startswith("__i") or name in _OVERWRITING
        if node.op in ("call_function", "call_method") and (overwrites or node.kwargs.get("inplace")):
            return True
    return False


def _only_layer_after(node: fx.Node) -> fx.Node | None:
    if len(node.users) != 1:
        return None
    (user,) = node.users
    return user if user.op == "call_module" and user.args == (node,) and not user.kwargs else None


def _rest(graph: fx.GraphModule, last: fx.Node, passed: set[fx.Node]) -> nn.Module:
    rest = fx.Graph()
    made = {last: rest.placeholder("hidden")}
    for node in graph.graph.nodes:
        if node not in passed:
            made[node] = rest.node_copy(node, made.__getitem__)
    return fx.GraphModule(graph, rest)
