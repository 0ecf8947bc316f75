"""The files that a user's function is made of: its own module and what that imports from the user's folder."""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import importlib.util
import os
import sysconfig
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from biasaudit.engine.jobs.json_files import digest
from biasaudit.engine.jobs.packages import installed_versions, packages_named
from biasaudit.regular_files import read_regular

__all__ = ["code_hash", "file_hash", "is_own", "own_sources", "own_version"]

_MOST = 10_000_000
"""Bytes of the text of a module."""


@dataclass(frozen=True)
class _Modules:
    """Where a user's modules are looked for, and which of them are the user's.

    Attributes
    ----------
    folder : Path
        That holds the modules and packages by their name.
    package : str
        Only modules of this top-level package are followed; empty follows all that lie in the folder.
    """

    folder: Path
    package: str = ""

    def files(self, module: str) -> Iterator[Path]:
        """Yield the file of a module and those of the packages that are imported with it."""
        parts = module.split(".")
        if not module or (self.package and parts[0] != self.package):
            return
        for end in range(1, len(parts) + 1):
            place = self.folder.joinpath(*parts[:end])
            for file in (place.with_name(f"{place.name}.py"), place / "__init__.py"):
                if os.path.isfile(file):
                    yield file

    def siblings(self, module: str) -> Iterator[Path]:
        """Yield every module of a package, since ``from package import *`` may import any."""
        place = self.folder.joinpath(*module.split("."))
        if next(self.files(module), None) and place.is_dir():
            yield from sorted(place.glob("*.py"))

    def enclosing(self, file: Path, level: int) -> str:
        """Name the package that a relative import of a file starts from."""
        packages = file.relative_to(self.folder).parts[:-1]
        return ".".join(packages[: max(0, len(packages) - (level - 1))])


def is_own(name: str) -> bool:
    """Whether a function is named by its file: ``own.py:function``."""
    file, colon, _ = name.rpartition(":")
    return bool(colon) and file.endswith(".py")


def own_sources(name: str) -> tuple[Path, ...]:
    """Find the files that a function of the user's is made of.

    Imports are read from the text, also those inside functions; nothing is executed. A helper that is missing, cannot
    be read or is no Python is no fault here: whoever imports it will say so.

    Parameters
    ----------
    name : str
        ``own.py:function`` or ``package.module:function``. Of a file, what it imports from its own folder and the
        folders below is followed; of an installed module, what it imports from its own top-level package.

    Returns
    -------
    tuple of Path
        In the order of their names; empty for what is built in.
    """
    module, colon, _ = name.rpartition(":")
    if not colon or module == "monai":
        return ()
    modules, waiting = _own_file(Path(module)) if is_own(name) else _imported_module(module)
    found: set[Path] = set()
    while waiting:
        file = waiting.pop()
        if file not in found:
            found.add(file)
            waiting.extend(_imports(file, modules))
    return tuple(sorted(found))


def own_version(name: str) -> str:
    """Hash the files that a function of the user's is made of, so that any change of them is noticed.

    Of an installed distribution the record of its files stands for them, since a package such as torch has thousands;
    of the packages that the files import the versions count.

    Parameters
    ----------
    name : str
        As `own_sources` takes it.

    Returns
    -------
    str
        The same wherever the folder lies; empty for what is built in.
    """
    installed = "" if is_own(name) else _installed_version(name.rpartition(":")[0])
    if installed:
        return installed
    sources = own_sources(name)
    if not sources:
        return ""
    content = _content(name, sources)
    # What the outputs of the user's networks are turned into is decided beside this file.
    builder = [file_hash(Path(__file__).with_name("network.py"))] if is_own(name) else []
    return digest([*content, *builder, installed_versions(_packages(sources))])


def code_hash(name: str) -> str:
    """Hash the code of a function of the user's alone, whatever it imports from elsewhere and runs under.

    Parameters
    ----------
    name : str
        As `own_sources` takes it.

    Returns
    -------
    str
        The same wherever the folder lies; empty where nothing is found.
    """
    installed = "" if is_own(name) else _installed_version(name.rpartition(":")[0])
    sources = own_sources(name)
    return installed or (digest(_content(name, sources)) if sources else "")


def _content(name: str, sources: tuple[Path, ...]) -> list[list[str]]:
    """Name and hash of every file of a function, as seen from their folder."""
    folder = Path(name.rpartition(":")[0]).parent if is_own(name) else _common_folder(sources)
    return [[file.relative_to(folder).as_posix(), file_hash(file)] for file in sources]


def _installed_version(module: str) -> str:
    """Hash a module and the record of the distribution that it was installed by; empty if it was not installed."""
    if not module or module == "monai":
        return ""
    modules, files = _imported_module(module)
    if not modules.package:
        return ""
    names = importlib.metadata.packages_distributions().get(modules.package, ())
    records = [importlib.metadata.distribution(name).read_text("RECORD") for name in sorted(set(names))]
    return digest([records, [file_hash(file) for file in files]]) if any(records) else ""


def file_hash(file: Path) -> str:
    """Hash the text of a file; one that cannot be read has a hash too."""
    try:
        return hashlib.sha256(read_regular(file)).hexdigest()
    except OSError:
        return "unreadable"


def _own_file(file: Path) -> tuple[_Modules, list[Path]]:
    return _Modules(file.parent), [file] if os.path.isfile(file) else []


def _imported_module(module: str) -> tuple[_Modules, list[Path]]:
    """Look for a module where Python would, and then in the current folder, as when it is imported."""
    here = _Modules(Path.cwd())
    top = module.partition(".")[0]
    try:
        specification = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        specification = None
    if specification is None or specification.origin is None:
        return here, list(here.files(module))
    origin = Path(specification.origin)
    folder = origin.parent.parent if specification.submodule_search_locations else origin.parent
    modules = _Modules(folder, top if _is_installed(folder) else "")
    return modules, list(modules.files(module))


def _is_installed(folder: Path) -> bool:
    """Whether a folder is one of the interpreter's, whose modules do not belong together."""
    return str(folder) in {sysconfig.get_path(kind) for kind in ("stdlib", "platstdlib", "purelib", "platlib")}


def _common_folder(sources: tuple[Path, ...]) -> Path:
    """Return the deepest folder that holds all files."""
    shared = set(sources[0].parents).intersection(*(file.parents for file in sources))
    return max(shared, key=lambda folder: len(folder.parts))


def _packages(sources: Iterable[Path]) -> set[str]:
    """Name the packages that some files import; whichever of them is the user's own was not installed."""
    return {name for file in sources for node in ast.walk(_parsed(file)) for name in packages_named(node)}


def _imports(file: Path, modules: _Modules) -> Iterator[Path]:
    """Yield the user's files that one of them imports."""
    for node in ast.walk(_parsed(file)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from modules.files(alias.name)
        elif isinstance(node, ast.ImportFrom):
            yield from _imported_from(node, file, modules)


def _imported_from(node: ast.ImportFrom, file: Path, modules: _Modules) -> Iterator[Path]:
    start = modules.enclosing(file, node.level) if node.level else ""
    module = ".".join(filter(None, (start, node.module)))
    yield from modules.files(module)
    for alias in node.names:
        if alias.name == "*":
            yield from modules.siblings(module)
        else:
            yield from modules.files(".".join(filter(None, (module, alias.name))))


def _parsed(file: Path) -> ast.AST:
    try:
        return ast.parse(read_regular(file, _MOST))
    except (OSError, SyntaxError, ValueError, RecursionError):
        return ast.Module(body=[], type_ignores=[])
