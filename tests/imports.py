"""What modules and tests import of the package, read from their text."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "biasaudit"


def file_of(module: str) -> Path | None:
    """Return the file of a module such as ``stats.effects``; None where there is none."""
    place = PACKAGE.joinpath(*module.split(".")) if module else PACKAGE
    candidates = (place / "__init__.py", place.with_suffix(".py"))
    return next((path for path in candidates if path.is_file()), None)


@cache
def imported(path: Path) -> frozenset[str]:
    """Return the modules of the package that a file imports, at its top or inside its functions."""
    return frozenset(_imported(ast.parse(path.read_text("utf-8"))))


def _imported(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (_inside(alias.name) for alias in node.names if _is_ours(alias.name))
        elif isinstance(node, ast.ImportFrom) and node.module and _is_ours(node.module):
            yield from (_origin(_inside(node.module), alias.name) for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _is_ours(node.value):
            yield _inside(node.value.partition(":")[0])  # a module that is imported by its name, or a function of one


def _is_ours(name: str) -> bool:
    return name == "biasaudit" or name.startswith("biasaudit.")


def _inside(name: str) -> str:
    return name.removeprefix("biasaudit").removeprefix(".")


@cache
def _origin(module: str, name: str) -> str:
    """Return the module that a name comes from: a package may pass on the names of its modules."""
    inner = f"{module}.{name}".lstrip(".")
    if file_of(inner) is not None:
        return inner
    path = file_of(module)
    if path is None or path.name != "__init__.py":
        return module
    passed_on = (
        _inside(node.module)
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.ImportFrom) and node.module and _is_ours(node.module)
        for alias in node.names
        if name in (alias.name, alias.asname)
    )
    return next((_origin(source, name) for source in passed_on if source != module), module)


@cache
def defines_something(path: Path) -> bool:
    """Say whether a file holds a function or class, not only names, constants and calls of others."""
    body = ast.parse(path.read_text("utf-8")).body
    return any(isinstance(node, ast.FunctionDef | ast.ClassDef) for node in body)


@cache
def registered_kinds(path: Path) -> frozenset[str]:
    """Return the kinds of components that a module registers."""
    calls = (node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call))
    return frozenset(
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Name | ast.Attribute)
        and (call.func.id if isinstance(call.func, ast.Name) else call.func.attr) == "register"
        and call.args
        and isinstance(call.args[0], ast.Constant)
    )
