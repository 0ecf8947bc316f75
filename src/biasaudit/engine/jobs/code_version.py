"""The version of the code that a job runs: a hash of the step's module and of all that it imports of this package.

Nothing is listed by hand. Imports are read from the source, those inside functions too; components that are looked up
by name (``registry.get("check", ...)``) are followed as far as the job says which ones it uses, else all of their
kind. Comments and docstrings do not count. Of the installed packages that these modules import (NumPy, torch ...) the
versions count.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from biasaudit import registry
from biasaudit.engine.jobs.job import Component
from biasaudit.engine.jobs.json_files import digest
from biasaudit.engine.jobs.packages import installed_versions, packages_named

__all__ = ["code_version", "source_hash", "sources_of_step"]


_LOOKED_UP = re.compile(r"(?<!\.)\b(?:registry\.)?(?:get|names)\(\s*\"(\w+)\"")
"""A call that looks a component up by name."""


@dataclass(frozen=True)
class _Source:
    """One module: a hash of its code, what it imports, the kinds of component it looks up by name.

    Attributes
    ----------
    version : str
    imports : frozenset of str
        Modules of the same package, and of biasaudit.
    packages : frozenset of str
        Other packages.
    kinds : frozenset of str
    """

    version: str = ""
    imports: frozenset[str] = frozenset()
    packages: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()


@cache
def code_version(step: str, components: tuple[Component, ...] = ()) -> str:
    """Hash the code that a step runs, so that its results are computed again when any of it changes.

    Parameters
    ----------
    step : str
        Registered name, or ``module:function``.
    components : tuple of Component
        What the job looks up by name; a kind of which none is named counts in full.

    Returns
    -------
    str
        12 hexadecimal digits.
    """
    modules = sources_of_step(step, components)
    packages = {package for module in modules for package in _source(module).packages}
    return digest([[[module, _source(module).version] for module in modules], installed_versions(packages)])[:12]


def sources_of_step(step: str, components: Iterable[Component] = ()) -> list[str]:
    """Name the modules that a step runs, sorted: its own, and whatever they import of the same package."""
    used = tuple(components)
    start = {step.partition(":")[0]} if ":" in step else {registry.module_of("step", step)}
    waiting = start | {registry.module_of(own.kind, own.name) for own in used}
    named = {own.kind for own in used}
    seen: set[str] = set()
    while waiting:
        module = waiting.pop()
        seen.add(module)
        source = _source(module)
        looked_up = {found for kind in source.kinds - named for found in registry.modules(kind)}
        waiting |= (source.imports | looked_up) - seen
    return sorted(seen)


def source_hash(text: str) -> str:
    """Hash Python code without its comments, docstrings and blank lines; of text that is no Python all of it."""
    try:
        return _hash_of_code(text, ast.parse(text))
    except SyntaxError:
        return _hash_of_code(text, ast.Module([], []))


def _hash_of_code(text: str, tree: ast.Module) -> str:
    documentation = {line for start, end in _docstrings(tree) for line in range(start, end + 1)}
    lines = [line.rstrip() for number, line in enumerate(text.splitlines(), start=1) if number not in documentation]
    code = [line for line in lines if line and not line.lstrip().startswith("#")]
    return hashlib.sha256("\n".join(code).encode()).hexdigest()


def _docstrings(tree: ast.Module) -> Iterator[tuple[int, int]]:
    """Give the first and last line of every docstring that has its lines for itself."""
    for node in (tree, *_statements(tree)):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        if not node.body:
            continue
        first, *others = node.body
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            alone = isinstance(node, ast.Module) or first.lineno > node.lineno
            if alone and not (others and others[0].lineno == first.end_lineno):
                yield first.lineno, first.end_lineno or first.lineno


@cache
def _source(module: str) -> _Source:
    path = _path_of(module)
    if path is None:
        return _Source()
    text = path.read_text(encoding="utf-8")
    tree = ast.parse(text)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    statements = list(_statements(tree))
    imports = {name for node in statements for name in _imported(node, package)}
    others = {name for node in statements for name in packages_named(node)} - _ours(package)
    kinds = {kind for kind in _LOOKED_UP.findall(text) if kind in registry.KINDS}
    return _Source(_hash_of_code(text, tree), frozenset(imports), frozenset(others), frozenset(kinds))


@cache
def _path_of(module: str) -> Path | None:
    """Find the file of a module; None for what is no file of Python, such as an extension."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return None
    if spec is None or spec.origin is None or not spec.origin.endswith(".py"):
        return None
    return Path(spec.origin)


def _statements(tree: ast.AST) -> Iterator[ast.AST]:
    """Walk over all statements but those that only a type checker sees."""
    for field in ("body", "orelse", "finalbody", "handlers", "cases"):
        for node in getattr(tree, field, ()):
            if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
                continue
            yield node
            yield from _statements(node)


def _imported(node: ast.AST, package: str) -> Iterator[str]:
    """Name the modules of the same top-level package, or of biasaudit, that a statement imports."""
    ours = _ours(package)
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name.partition(".")[0] in ours)
    elif isinstance(node, ast.ImportFrom):
        parent = package.rsplit(".", node.level - 1)[0] if node.level else ""
        module = ".".join(part for part in (parent, node.module or "") if part)
        if module.partition(".")[0] in ours:
            yield from _from(module, [alias.name for alias in node.names])


def _ours(package: str) -> set[str]:
    """Top-level packages whose modules are followed one by one."""
    return {package.partition(".")[0], "biasaudit"}


def _from(module: str, names: Iterable[str]) -> Iterator[str]:
    """Tell submodules from names: a package is run for its names only where some are no submodules."""
    for name in names:
        submodule = f"{module}.{name}"
        yield submodule if _is_package(module) and _path_of(submodule) is not None else module


def _is_package(module: str) -> bool:
    path = _path_of(module)
    return path is not None and path.name == "__init__.py"
