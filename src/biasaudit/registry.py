"""Components found by folder and name, those of this package and those of plug-ins.

A component is one file with one ``@register(kind, name)``, in the folder of its kind or in any installed package that
names it as an entry point. The engine reaches it through `get`; nothing else imports it. The entry points of plug-ins
are grouped by kind (``biasaudit.checks``, see `group_of`); the name of one is the component's, its value the module.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from biasaudit.errors import UsageError, suggestion

if TYPE_CHECKING:  # what a type checker knows of the components; this layer imports none of theirs
    from torch import nn

    from biasaudit.attributions.method import Attribution
    from biasaudit.checks.check import Check
    from biasaudit.cohort.readers.reader import Reader
    from biasaudit.engine.evidence.kind import EvidenceKind
    from biasaudit.report.sections.section import Section
    from biasaudit.representations.representation import Representation
    from biasaudit.trackers.tracker import Tracker

__all__ = [
    "KINDS",
    "NAMED_IN_PROTOCOL",
    "get",
    "group_of",
    "has_plug_ins",
    "is_named_by_users",
    "listed",
    "module_of",
    "modules",
    "names",
    "plug_in_of",
    "register",
]

Component = TypeVar("Component")

KINDS = {
    "attribution": "biasaudit.attributions",
    "check": "biasaudit.checks",
    "evidence": "biasaudit.engine.evidence",
    "network": "biasaudit.networks",
    "reader": "biasaudit.cohort.readers",
    "representation": "biasaudit.representations",
    "section": "biasaudit.report.sections",
    "step": "biasaudit.engine.steps",
    "tracker": "biasaudit.trackers",
}
"""Kind of component -> package whose modules are searched for it."""

NAMED_IN_PROTOCOL = ("attribution", "check", "network", "reader", "representation")
"""Kinds that a protocol asks for by name; the others follow from what it asks."""

_NAMED_BY_USERS = (*NAMED_IN_PROTOCOL, "tracker")

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
            both = f"{_origin(known)} and {_origin(component)}"
            raise ValueError(f"two components are registered as {kind} {name!r}: {both}")
        _components[kind, name] = component
        return component

    return add


@overload
def get(kind: Literal["attribution"], name: str) -> type[Attribution]: ...
@overload
def get(kind: Literal["check"], name: str) -> type[Check]: ...
@overload
def get(kind: Literal["evidence"], name: str) -> type[EvidenceKind]: ...
@overload
def get(kind: Literal["network"], name: str) -> Callable[..., nn.Module]: ...
@overload
def get(kind: Literal["reader"], name: str) -> type[Reader[Any]]: ...
@overload
def get(kind: Literal["representation"], name: str) -> type[Representation]: ...
@overload
def get(kind: Literal["section"], name: str) -> type[Section]: ...
@overload
def get(kind: Literal["tracker"], name: str) -> type[Tracker]: ...
@overload
def get(kind: str, name: str) -> Any: ...
def get(kind: str, name: str) -> Any:
    """Return the component of that kind and name.

    A file that is called like the component is imported alone, so that what its siblings need is not waited for.

    Raises
    ------
    UsageError
        If there is none, with the name that was probably meant; or a plug-in cannot be used.
    """
    alike = f"{KINDS[kind]}.{name}"
    if alike in _own_modules(kind):
        importlib.import_module(alike)
    _load_plug_ins(own for own in _plug_ins()[kind] if own.name == name)
    if (kind, name) not in _components:
        _load(kind)
    try:
        return _components[kind, name]
    except KeyError:
        raise UsageError(f"no {kind} is called {name!r}; {suggestion(name, names(kind))}") from None


def names(kind: str) -> list[str]:
    """Names of all components of one kind, sorted.

    Raises
    ------
    UsageError
        If a plug-in cannot be used.
    """
    _load(kind)
    return sorted(name for known_kind, name in _components if known_kind == kind)


def modules(kind: str) -> list[str]:
    """Names of the modules that are searched for components of one kind; nothing is imported but their package."""
    return [*_own_modules(kind), *(own.module for own in _plug_ins()[kind])]


def module_of(kind: str, name: str) -> str:
    """Name of the module that a component lies in; it is imported only where it is not called like its module.

    Raises
    ------
    UsageError
        If there is none, with the name that was probably meant.
    """
    alike = f"{KINDS[kind]}.{name}"
    if alike in _own_modules(kind):
        return alike
    plugged = next((own.module for own in _plug_ins()[kind] if own.name == name), None)
    return plugged or str(get(kind, name).__module__)


def group_of(kind: str) -> str:
    """Name the group of entry points in which plug-ins list their components of one kind: ``biasaudit.checks``."""
    return f"biasaudit.{KINDS[kind].rpartition('.')[2]}"


def plug_in_of(kind: str, name: str) -> str | None:
    """Name the installed distribution that a component comes from, with its version; None for our own."""
    return next((_distribution(own) for own in _plug_ins()[kind] if own.name == name), None)


def has_plug_ins(kind: str) -> bool:
    """Say whether an installed package adds components of a kind."""
    return bool(_plug_ins()[kind])


def is_named_by_users(kind: str) -> bool:
    """Say whether users ask for components of a kind by name; what others there are follows from what they ask."""
    return kind in _NAMED_BY_USERS


def listed(kind: str) -> list[str]:
    """Names of the components of one kind that a user asks for by name, or has installed."""
    return [name for name in names(kind) if is_named_by_users(kind) or plug_in_of(kind, name) is not None]


def _load(kind: str) -> None:
    for module in _own_modules(kind):
        importlib.import_module(module)
    _load_plug_ins(_plug_ins()[kind])


def _own_modules(kind: str) -> tuple[str, ...]:
    return _modules_in(KINDS[kind])


@cache
def _modules_in(package: str) -> tuple[str, ...]:
    folders = importlib.import_module(package).__path__
    return tuple(f"{package}.{module.name}" for module in pkgutil.iter_modules(folders))


@cache
def _plug_ins() -> Mapping[str, tuple[EntryPoint, ...]]:
    """Entry points by kind; the metadata of what is installed are read once for all of them."""
    known = entry_points()
    return {kind: tuple(known.select(group=group_of(kind))) for kind in KINDS}


def _load_plug_ins(plug_ins: Iterable[EntryPoint]) -> None:
    """Import plug-ins; of those that cannot be used each gets one line."""
    faults = [fault for own in plug_ins if (fault := _why_not(own))]
    if faults:
        raise UsageError("\n".join(faults))


def _why_not(plug_in: EntryPoint) -> str:
    """Import a plug-in, and say why it cannot be used; empty if it can."""
    kind = next(kind for kind in KINDS if group_of(kind) == plug_in.group)
    where = f"the plug-in {plug_in.name!r} of {_distribution(plug_in)} ({plug_in.group}, {plug_in.value})"
    try:
        plug_in.load()
    except (Exception, SystemExit) as error:  # whatever somebody else's module raises is said in one line
        reason = " ".join(str(error).split()) or "no reason given"
        return f"{where} cannot be used: {type(error).__name__}: {reason}"
    if (kind, plug_in.name) not in _components:
        return f'{where} cannot be used: it has no @register("{kind}", "{plug_in.name}")'
    return ""


def _distribution(plug_in: EntryPoint) -> str:
    return f"{plug_in.dist.name} {plug_in.dist.version}" if plug_in.dist else "an unknown distribution"


def _origin(component: Any) -> str:
    return f"{component.__module__}.{component.__qualname__}"
