"""Networks by name: built in, from MONAI, or the user's own factory."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from torch import nn

from biasaudit.errors import UsageError, failure, suggestion, told
from biasaudit.networks.contract import require_contract, require_named_soundly
from biasaudit.networks.preparation import prepared
from biasaudit.registry import get

__all__ = ["NetworkSizes", "argument_fault", "build_network", "imported_function", "made_by", "network_factory"]

_MONAI_NAMES = {"out_channels": "num_classes", "in_channels": "n_input_channels"}
"""Our names of a network's sizes, and what some networks of MONAI call them."""

_OURS = frozenset({"biasaudit.engine.user_code.network:build", "biasaudit.engine.steps.log_odds:class_odds"})
"""Factories of a layer above, by which trained and adopted networks of the user's are rebuilt: each makes a network
round another one, which it looks up here in turn."""

_VARIADIC = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)

_SIGNATURE = "(spatial_dims, in_channels, out_channels) -> torch.nn.Module"


class NetworkSizes(NamedTuple):
    """Sizes that every network is made for: spatial dimensions, input channels, outputs."""

    spatial_dims: int
    in_channels: int
    out_channels: int


def build_network(name: str, sizes: NetworkSizes, arguments: Mapping[str, Any]) -> nn.Module:
    """Make a freshly initialised network.

    Parameters
    ----------
    name : str
        ``cnn``, ``monai:DenseNet121``, or ``package.module:factory``.
    sizes : NetworkSizes
    arguments : mapping
        Further keyword arguments of the factory.

    Raises
    ------
    UsageError
        If there is no such factory, or it refuses the arguments, or returns no module.
    """
    return made_by(network_factory(name), name, {**NetworkSizes(*sizes)._asdict(), **arguments})


def made_by(factory: Callable[..., Any], name: str, arguments: Mapping[str, Any]) -> nn.Module:
    """Call a factory; whatever it raises is told in a line.

    Parameters
    ----------
    factory : callable
    name : str
        Import string, for messages.
    arguments : mapping

    Returns
    -------
    Module
        Without wrappers for several devices, in single precision.

    Raises
    ------
    UsageError
        If it cannot be called so, fails, or returns no module.
    """
    fault = argument_fault(factory, arguments)
    if fault:
        raise UsageError(f"target.network: {name} {fault}")
    with told(f"target.network: {name} failed"):
        network = factory(**arguments)
    if not isinstance(network, nn.Module):
        raise UsageError(f"target.network: {name} returned {type(network).__name__}, expected a torch.nn.Module")
    return prepared(network)


def argument_fault(factory: Callable[..., Any], arguments: Mapping[str, Any]) -> str:
    """Say which arguments a factory does not take, or cannot do without; empty where they fit or none can tell."""
    try:
        parameters = inspect.signature(factory).parameters
    except (TypeError, ValueError):
        return ""
    kinds = {own.kind for own in parameters.values()}
    unknown = [] if inspect.Parameter.VAR_KEYWORD in kinds else [name for name in arguments if name not in parameters]
    if unknown:
        own = [name for name in parameters if name not in NetworkSizes._fields]
        sized = "" if unknown[0] not in NetworkSizes._fields else f"; expected {_SIGNATURE}"
        return f"takes no argument {unknown[0]!r} ({suggestion(unknown[0], own or parameters)}){sized}"
    needed = [name for name, one in parameters.items() if one.default is one.empty and one.kind not in _VARIADIC]
    missing = [name for name in needed if name not in arguments]
    if missing:
        return f"asks for {', '.join(missing)}, which has no default; state it in `target.network_arguments`"
    return ""


def network_factory(name: str) -> Callable[..., Any]:
    """Find the function that makes a network.

    Raises
    ------
    UsageError
        If there is none, with the remedy.
    """
    if ":" not in name:
        return get("network", name)
    module, _, attribute = name.partition(":")
    if module == "monai":
        return _monai(attribute)
    if name in _OURS:
        return getattr(importlib.import_module(module), attribute)  # type: ignore[no-any-return]
    found = imported_function(name, "target.network")
    return _for_pictures(found) if module.partition(".")[0] == "timm" else found


def imported_function(name: str, key: str) -> Callable[..., Any]:
    """Import a function or class by ``package.module:function``, if it is made for what it will be asked.

    Parameters
    ----------
    name : str
    key : str
        Field of the protocol, for messages.

    Raises
    ------
    UsageError
        If there is none, with the remedy.
    """
    require_named_soundly(name, key)
    module, _, attribute = name.partition(":")
    # The user's module may lie beside the protocol, in the folder the command is called from; it shadows no other.
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        found = getattr(importlib.import_module(module), attribute, None)
    except ImportError as error:
        raise UsageError(
            f"{key}: cannot import {module!r} for {name!r} ({error}); run from the folder that holds it, or install it"
        ) from error
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise UsageError(f"{key}: {module} cannot be imported: {failure(error)}") from error
    if not callable(found):
        expected = f"; expected {_SIGNATURE}" if key == "target.network" else ""
        raise UsageError(f"{key}: module {module} has no function {attribute!r}{expected}")
    require_contract(found, name, key)
    return found  # type: ignore[no-any-return]


def _for_pictures(found: Callable[..., Any]) -> Callable[..., Any]:
    """Let a factory of timm's be called by our names of channels and classes."""

    def factory(spatial_dims: int, in_channels: int, out_channels: int, **arguments: Any) -> Any:
        if spatial_dims != 2:
            raise ValueError(f"its networks are made for pictures, and these images have {spatial_dims} dimensions")
        return found(**{"in_chans": in_channels, "num_classes": out_channels, **arguments})

    return factory


def _monai(attribute: str) -> Callable[..., Any]:
    try:
        # MONAI is an optional extra and takes seconds to import.
        from monai.networks import nets
    except ImportError as error:
        raise UsageError("target.network: MONAI is not installed; pip install 'biasaudit[monai]'") from error
    found = getattr(nets, attribute, None)
    if inspect.isclass(found) and issubclass(found, nn.Module):
        return _by_our_names(found, found)
    if callable(found) and attribute.startswith("resnet"):
        return _by_our_names(found, nets.ResNet)
    raise UsageError(f"target.network: MONAI has no network {attribute!r}; for example monai:DenseNet121")


def _by_our_names(found: Callable[..., Any], made: type[nn.Module]) -> Callable[..., Any]:
    """Let a factory of MONAI's be called by our names where its class `made` has others for channels and classes."""
    parents = [own for own in made.__mro__ if "__init__" in vars(own) and own is not nn.Module]
    known = {name for own in parents for name in inspect.signature(own).parameters}
    renamed = {ours: theirs for ours, theirs in _MONAI_NAMES.items() if theirs in known and ours not in known}
    if not renamed:
        return found

    def factory(spatial_dims: int, in_channels: int, out_channels: int, **arguments: Any) -> Any:
        sizes = {"spatial_dims": spatial_dims, "in_channels": in_channels, "out_channels": out_channels}
        return found(**{**{renamed.get(name, name): size for name, size in sizes.items()}, **arguments})

    return factory
