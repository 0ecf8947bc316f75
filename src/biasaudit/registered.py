"""Names and first lines of what is registered, read from the source, so that a list of it does not wait for torch.

The registry knows a component once its file is imported. Here the file is read instead: every ``@register("kind",
"name")`` at its top level, and below it the question of a check or the first line of the docstring. A file that
registers in a loop says where its names stand (`ELSEWHERE`). What cannot be read so is imported after all, and so is a
kind that an installed plug-in adds to, since only the registry tells whether the two go together.
"""

from __future__ import annotations

import ast
import importlib
import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from biasaudit import registry

__all__ = ["ELSEWHERE", "Described", "described"]

ELSEWHERE = "REGISTERED_IN"
"""Name in a file that registers in a loop; its text names a light module with a function ``registered`` that tells of
every name what it is."""

_Definition = ast.ClassDef | ast.FunctionDef


@dataclass(frozen=True)
class Described:
    """A component, and what it is.

    Attributes
    ----------
    name : str
        As in a protocol.
    what : str
        Of a check its question, else the first line of the docstring.
    plug_in : str or None
        The installed distribution that it comes from, with its version; None for our own.
    """

    name: str
    what: str
    plug_in: str | None = None

    @property
    def told(self) -> str:
        """What it is, and which plug-in it comes from."""
        return f"{self.what} (from {self.plug_in})" if self.plug_in else self.what


def described(kind: str) -> list[Described]:
    """List the components of one kind that a user asks for by name, or has installed.

    Parameters
    ----------
    kind : str
        Of `registry.KINDS`.

    Returns
    -------
    list of Described
        By name.

    Raises
    ------
    UsageError
        If a plug-in cannot be used.
    """
    if not registry.has_plug_ins(kind):
        if not registry.is_named_by_users(kind):
            return []
        found = [_in_module(kind, module) for module in registry.modules(kind)]
        read = [own for each in found if each is not None for own in each]
        if None not in found:
            return sorted(read, key=lambda own: own.name)
    return [_of_component(kind, name) for name in registry.listed(kind)]


def _of_component(kind: str, name: str) -> Described:
    component: Any = registry.get(kind, name)
    what = getattr(component, "question", None) or _first_line(component.__doc__)
    return Described(name, what, registry.plug_in_of(kind, name))


def _in_module(kind: str, module: str) -> list[Described] | None:
    """Read what a module registers of a kind; None if that takes an import."""
    text = _source_of(module)
    if "register(" not in text:  # most files of a folder register nothing, and need not be parsed
        return []
    tree = ast.parse(text)
    elsewhere = _value(tree.body, ELSEWHERE)
    if elsewhere is not None:
        told = importlib.import_module(elsewhere).registered()
        return [Described(name, what) for name, what in told.items()]
    definitions = [node for node in tree.body if isinstance(node, _Definition)]
    pairs = [(definition, call) for definition in definitions for call in _decorators(definition)]
    # Walking through a whole file takes as long as parsing it, and most name `register` once, above what they register.
    calls = len(pairs) if text.count("register(") == len(pairs) else sum(map(_registers, ast.walk(tree)))
    found = [_of_definition(definition, call) for definition, call in pairs if _kind_of(call) in (kind, None)]
    if calls > len(pairs) or None in found:
        return None
    return [own for own in found if own is not None]


def _source_of(module: str) -> str:
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).read_text(encoding="utf-8")


def _decorators(definition: _Definition) -> Iterator[ast.Call]:
    for node in definition.decorator_list:
        if isinstance(node, ast.Call) and _registers(node):
            yield node


def _registers(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == registry.register.__name__


def _of_definition(definition: _Definition, call: ast.Call) -> Described | None:
    """Describe what is defined below a decorator; None where its words are not written there."""
    words = [_text(argument) for argument in call.args]
    if len(words) != 2 or words[0] is None or words[1] is None:
        return None
    is_check = words[0] == "check"
    what = _value(definition.body, "question") if is_check else _first_line(ast.get_docstring(definition))
    return Described(words[1], what) if what else None


def _kind_of(call: ast.Call) -> str | None:
    return _text(call.args[0]) if call.args else None


def _value(body: Sequence[ast.stmt], name: str) -> str | None:
    """Return the text that a name is given in a body; None where there is none."""
    for node in body:
        if isinstance(node, ast.Assign) and any(isinstance(own, ast.Name) and own.id == name for own in node.targets):
            return _text(node.value)
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.target.id == name:
            return None if node.value is None else _text(node.value)
    return None


def _text(node: ast.expr) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _first_line(docstring: str | None) -> str:
    return inspect.cleandoc(docstring or "").partition("\n")[0]
