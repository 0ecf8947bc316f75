"""Networks by name: built in, from MONAI, or the user's own factory."""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from torch import nn

from biasaudit.errors import UsageError
from biasaudit.networks.contract import require_contract, require_named_soundly
from biasaudit.registry import get

__all__ = ["NetworkSizes", "build_network", "imported_function", "network_factory"]

_MONAI_NAMES = {"out_channels": "num_classes", "in_channels": "n_input_channels"}
"""Our names of a network's sizes, and what some networks of MONAI call them."""

_OURS = frozenset({"biasaudit.engine.user_code.network:build", "biasaudit.engine.steps.log_odds:class_odds"})
"""Factories of a layer above: each makes a network round another one, which it looks up here in turn."""
"""Import string of the factory that trained and adopted networks of the user's are rebuilt by."""

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
    factory = network_factory(name)
    spatial_dims, in_channels, out_channels = sizes
    try:
        network = factory(spatial_dims=spatial_dims, in_channels=in_channels, out_channels=out_channels, **arguments)
    except TypeError as error:
        raise UsageError(f"target.network: {name} cannot be called as {_SIGNATURE}: {error}") from error
    except (OSError, ValueError, LookupError, AttributeError, RuntimeError, SystemExit) as error:
        reason = (str(error).splitlines() or [""])[0]
        raise UsageError(f"target.network: {name} failed: {type(error).__name__}: {reason}") from error
    if not isinstance(network, nn.Module):
        raise UsageError(f"target.network: {name} returned {type(network).__name__}, expected a torch.nn.Module")
    return network


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
    return imported_function(name, "target.network")


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
    except (Exception, SystemExit) as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise UsageError(f"{key}: {module} cannot be imported: {reason}") from error
    if not callable(found):
        expected = f"; expected {_SIGNATURE}" if key == "target.network" else ""
        raise UsageError(f"{key}: module {module} has no function {attribute!r}{expected}")
    require_contract(found, name, key)
    return found  # type: ignore[no-any-return]


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
