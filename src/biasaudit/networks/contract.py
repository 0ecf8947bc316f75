"""What a function of a package must look like before it is called: a name in a text must not run just anything.

A function in a file of the user's own is the user's; one of an installed package may do whatever that package does, and
the protocol that names it may come from somebody else. So it must be a class or a function in Python that is made for
the purpose, by its base class or by the names of its parameters. Nothing of the standard library is.
"""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from biasaudit.errors import UsageError
from biasaudit.protocol.code import IMPORT, NEVER_RUN

__all__ = ["require_contract", "require_named_soundly"]

_SIZES = ("spatial_dims", "in_channels", "out_channels", "num_classes", "n_input_channels", "in_chans")
_OFFERED: dict[str, tuple[str, ...]] = {
    "target.network": _SIZES,
    "target.training.loss": (),
    "target.training.optimiser": ("lr", "weight_decay"),
    "target.training.augment": (),
    "target.training.fit": ("network", "images", "targets", "validation", "epochs", "learning_rate", "seed", "device"),
    "arms": ("image", "spacing", "foreground"),
}
"""Names of parameters by which a function shows that it is made for a key; empty where all are handed by position."""
_BASES: dict[str, type] = {
    "target.network": nn.Module,
    "target.training.loss": nn.Module,
    "target.training.optimiser": torch.optim.Optimizer,
    "target.training.augment": nn.Module,
}


def require_named_soundly(name: str, key: str) -> None:
    """Refuse an import string that is none, or of a module that makes no networks.

    Parameters
    ----------
    name : str
        ``package.module:function``.
    key : str
        Field of the protocol.

    Raises
    ------
    UsageError
    """
    if not IMPORT.fullmatch(name):
        raise UsageError(f"{key}: {name!r} is no import string, such as own.py:function or package.module:function")
    top = re.split("[.:]", name)[0]
    if top in NEVER_RUN:
        remedy = "put a function of your own in a file, own.py:function"
        raise UsageError(f"{key}: {name} is never run: {top} is no package of networks; {remedy}")


def require_contract(found: Callable[..., Any], name: str, key: str) -> None:
    """Refuse a function of a package that is not made for what its key asks for; nothing is called.

    Parameters
    ----------
    found : callable
    name, key : str
        Import string and field of the protocol.

    Raises
    ------
    UsageError
    """
    role = _role(key)
    if inspect.isclass(found):
        base = _BASES.get(role)
        if base is None or not issubclass(found, base):
            wanted = f"a {base.__module__}.{base.__name__}" if base else "a function"
            raise UsageError(f"{key}: {name} is a class, expected {wanted}")
        return
    if not inspect.isfunction(inspect.unwrap(found)):
        raise UsageError(f"{key}: {name} is a {type(found).__name__}, expected a function or class written in Python")
    names = {own.name for own in inspect.signature(found).parameters.values() if own.kind not in _VARIADIC}
    offered = _OFFERED.get(role, ())
    if offered and not names & {*offered} and not (role == "target.network" and _returns_network(found)):
        raise UsageError(f"{key}: {name} has no parameter for any of {', '.join(offered)}; it is not made for this")


_VARIADIC = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)


def _role(key: str) -> str:
    return "arms" if key.startswith("arms") else key


def _returns_network(function: Callable[..., Any]) -> bool:
    """Whether a function says that it returns a network."""
    try:
        returned = typing.get_type_hints(function).get("return")
    except Exception:  # whatever evaluating somebody's annotations raises: then it does not say so
        return False
    return inspect.isclass(returned) and issubclass(returned, nn.Module)
