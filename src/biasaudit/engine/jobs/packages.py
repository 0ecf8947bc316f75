"""Which installed packages code imports, and in which versions: their results may differ from version to version."""

from __future__ import annotations

import ast
import importlib.metadata
import sys
from collections.abc import Iterable, Iterator
from functools import cache

__all__ = ["installed_versions", "packages_named"]

_CALLED = {"PIL": "pillow", "ruamel": "ruamel.yaml", "sklearn": "scikit-learn", "skimage": "scikit-image"}
"""Distributions of packages with another name."""


def packages_named(node: ast.AST) -> Iterator[str]:
    """Name the top-level packages, those of the standard library aside, that a statement imports."""
    if isinstance(node, ast.Import):
        names = [alias.name for alias in node.names]
    elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
        names = [node.module]
    else:
        return
    yield from {name.partition(".")[0] for name in names} - sys.stdlib_module_names


def installed_versions(packages: Iterable[str]) -> list[tuple[str, str]]:
    """Look up the versions of what some top-level packages were installed by.

    Parameters
    ----------
    packages : iterable of str
        Names as they are imported: ``sklearn``, ``PIL``. One that was not installed, such as a folder on the path, is
        left out.

    Returns
    -------
    list of (distribution, version)
        Sorted, each once.
    """
    return sorted({pair for package in packages for pair in _versions(package)})


@cache
def _versions(package: str) -> tuple[tuple[str, str], ...]:
    """Look up a package by its own name, which costs little, else in the list of what every distribution brings."""
    name = _CALLED.get(package, package)
    try:
        return ((name, importlib.metadata.version(name)),)
    except importlib.metadata.PackageNotFoundError:
        names = sorted(set(_distributions().get(package, ())))
        return tuple((name, importlib.metadata.version(name)) for name in names)


@cache
def _distributions() -> dict[str, list[str]]:
    return dict(importlib.metadata.packages_distributions())
