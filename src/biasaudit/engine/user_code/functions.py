"""The user's own functions: found by import string, and handed the arguments that they have parameters for."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from biasaudit.engine.user_code.sources import file_hash, is_own, own_sources
from biasaudit.errors import UsageError, failure, told
from biasaudit.networks.factory import imported_function

__all__ = ["RAISED", "call", "find", "takes"]

RAISED = (Exception, SystemExit)
"""What the user's code may raise and is told of in a line: to end the program is not its business."""

_PREFIX = "_biasaudit_own_"
_READ = "_biasaudit_read_from"


def find(name: str, key: str) -> Callable[..., Any]:
    """Find a function or class of the user's.

    Parameters
    ----------
    name : str
        ``own.py:function`` or ``package.module:function``.
    key : str
        Field of the protocol, for messages.

    Raises
    ------
    UsageError
        If there is none, with the remedy.
    """
    return _from_file(name, key) if is_own(name) else imported_function(name, key)


def takes(function: Callable[..., Any], name: str) -> bool:
    """Whether a function has a parameter of that name, or takes any."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        return True
    return any(own.name == name or own.kind is inspect.Parameter.VAR_KEYWORD for own in parameters)


def call(function: Callable[..., Any], key: str, name: str, offered: Mapping[str, object]) -> Any:
    """Call a function with those of the arguments offered that it has parameters for.

    Parameters
    ----------
    function : callable
    key, name : str
        Field of the protocol and import string, for messages.
    offered : mapping
        By the name of the parameter.

    Raises
    ------
    UsageError
        If it asks for more, or fails; what it raised is named.
    """
    try:
        return function(**{parameter: value for parameter, value in offered.items() if takes(function, parameter)})
    except UsageError:
        raise
    except RAISED as error:
        unknown = _unknown(function, offered)
        if unknown:
            message = f"{name} asks for {', '.join(unknown)}; it is offered {', '.join(offered)}"
            raise UsageError(f"{key}: {message}") from error
        raise UsageError(f"{key}: {name} failed: {failure(error)}") from error


def _unknown(function: Callable[..., Any], offered: Mapping[str, object]) -> list[str]:
    """Names of the parameters that a function cannot do without and is not offered."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        return []
    variadic = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
    return [
        own.name
        for own in parameters
        if own.default is inspect.Parameter.empty and own.kind not in variadic and own.name not in offered
    ]


def _from_file(name: str, key: str) -> Callable[..., Any]:
    file, _, attribute = name.rpartition(":")
    path = Path(file)
    if not os.path.isfile(path):
        raise UsageError(f"{key}: no such file {path}; it is looked for from the folder of the protocol")
    # A file may be named like a package, or like a file of another protocol.
    unique = f"{_PREFIX}{hashlib.sha256(str(path).encode()).hexdigest()[:12]}"
    specification = importlib.util.spec_from_file_location(unique, path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[unique] = module
    if str(path.parent) not in sys.path:
        sys.path.append(str(path.parent))  # what lies beside the file may be imported by it
    _forget_changed_helpers(name)
    with told(f"{key}: {path} cannot be imported"):
        specification.loader.exec_module(module)
    _mark_helpers(name)
    found = getattr(module, attribute, None)
    if not callable(found):
        raise UsageError(f"{key}: {path} has no function or class {attribute!r}")
    if inspect.isbuiltin(found):
        raise UsageError(f"{key}: {attribute} of {path} is a built-in function; call it in a function of your own")
    return found  # type: ignore[no-any-return]


def _forget_changed_helpers(name: str) -> None:
    """Have what a user's file imports imported anew if any of it has changed since, as it may in a notebook."""
    helpers = _imported_helpers(name)
    if any(vars(sys.modules[key]).get(_READ, file_hash(file)) != file_hash(file) for key, file in helpers.items()):
        for key in helpers:
            del sys.modules[key]
        importlib.invalidate_caches()


def _mark_helpers(name: str) -> None:
    """Note in the modules that a user's file imports which text they were read from."""
    for key, file in _imported_helpers(name).items():
        vars(sys.modules[key]).setdefault(_READ, file_hash(file))


def _imported_helpers(name: str) -> dict[str, Path]:
    """Return the file of every module that a user's file has imported from its own folder, by the module's name."""
    own = {str(file): file for file in own_sources(name)}
    files = {key: getattr(module, "__file__", None) for key, module in sys.modules.items()}
    return {key: own[file] for key, file in files.items() if file in own and not key.startswith(_PREFIX)}
