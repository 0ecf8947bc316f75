"""Components found by folder and name.

A component is one file in one of the component packages, with one ``@register(kind, name)``. The engine reaches it
through `get`; nothing else imports it.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from typing import Any, TypeVar

from biasaudit.errors import UsageError, suggestion

__all__ = ["KINDS", "get", "names", "register"]

Component = TypeVar("Component")

KINDS = {
    "attribution": "biasaudit.attributions",
    "check": "biasaudit.checks",
    "network": "biasaudit.networks",
    "reader": "biasaudit.cohort.readers",
    "representation": "biasaudit.representations",
}
"""Kind of component -> package whose modules are searched for it."""

_components: dict[tuple[str, str], Any] = {}


def register(kind: str, name: str) -> Callable[[Component], Component]:
    """Class or function decorator that makes a component known under `name`.

    Raises
    ------
    ValueError
        If `kind` is unknown, or another component of that kind has the name.
    """
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is no kind of component; {suggestion(kind, KINDS)}")

    def add(component: Component) -> Component:
        known = _components.get((kind, name))
        if known is not None and _origin(known) != _origin(component):
            raise ValueError(f"two components are registered as {kind} {name!r}")
        _components[kind, name] = component
        return component

    return add


def get(kind: str, name: str) -> Any:
    """Return the component of that kind and name.

    Raises
    ------
    UsageError
        If there is none, with the name that was probably meant.
    """
    _load_file(kind, name)
    if (kind, name) not in _components:
        _load(kind)
    try:
        return _components[kind, name]
    except KeyError:
        raise UsageError(f"no {kind} is called {name!r}; {suggestion(name, names(kind))}") from None


def names(kind: str) -> list[str]:
    """Names of all components of one kind, sorted."""
    _load(kind)
    return sorted(name for known_kind, name in _components if known_kind == kind)


def _load_file(kind: str, name: str) -> None:
    """Import the file that is called like the component, if there is one, and nothing that its siblings need."""
    package = importlib.import_module(KINDS[kind])
    if any(module.name == name for module in pkgutil.iter_modules(package.__path__)):
        importlib.import_module(f"{package.__name__}.{name}")


def _load(kind: str) -> None:
    package = importlib.import_module(KINDS[kind])
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")


def _origin(component: Any) -> tuple[str, str]:
    return component.__module__, component.__qualname__
