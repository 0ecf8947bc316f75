"""What every step keeps to, and the proof that the version of its code follows all that it runs."""

from __future__ import annotations

import json
import subprocess
import sys
import typing
from collections.abc import Iterator
from dataclasses import is_dataclass, replace
from importlib import import_module
from pathlib import Path

import pytest

from biasaudit import registry
from biasaudit.engine import arguments
from biasaudit.engine.jobs import code_version as versions
from biasaudit.engine.jobs.code_version import code_version, source_hash, sources_of_step
from biasaudit.engine.jobs.job import Arguments, Folders

NAMES = registry.names("step")
EMPTY = source_hash("")

NOT_RUN = {"biasaudit": "imports nothing of its own until it is asked for"}
"""Modules that Python loads with a step although no result depends on them, and why."""

LOAD = """
import importlib, json, sys
found = {}
for step in json.loads(sys.argv[1]):
    for name in [name for name in sys.modules if name.startswith("biasaudit")]:
        del sys.modules[name]
    importlib.import_module(f"biasaudit.engine.steps.{step}")
    found[step] = sorted(name for name in sys.modules if name.startswith("biasaudit"))
print(json.dumps(found))
"""
"""Import every step as if it were the first; other packages stay, which is faster than a process for each."""


def records() -> dict[str, list[type[Arguments]]]:
    """The records of arguments by step: those of this folder, and those that stand beside a kind of evidence."""
    folder = Path(str(arguments.__file__)).parent
    here = [f"biasaudit.engine.arguments.{file.stem}" for file in sorted(folder.glob("*.py"))]
    modules = {*here, *registry.modules("evidence")}
    for module in sorted(modules):
        import_module(module)
    found: dict[str, list[type[Arguments]]] = {}
    for own in Arguments.__subclasses__():
        if own.__module__ in modules:  # tests and layers above bring records of their own
            found.setdefault(own.step, []).append(own)
    return found


RECORDS = records()


def path_of(module: str) -> Path:
    path = versions._path_of(module)
    assert path is not None, module
    return path


@pytest.fixture
def changed(monkeypatch) -> Iterator[typing.Callable[[str, str], None]]:
    """Let one module be read with another text."""
    read = versions._source

    def change(module: str, text: str) -> None:
        own = replace(read(module), version=source_hash(text))
        monkeypatch.setattr(versions, "_source", lambda name: own if name == module else read(name))

    return change


@pytest.mark.parametrize("name", NAMES)
def test_it_is_called_like_its_module_and_its_function(name):
    step = registry.get("step", name)
    assert (step.__module__, step.__name__) == (f"biasaudit.engine.steps.{name}", name)


def test_every_record_is_that_of_a_step_and_every_step_has_one():
    assert {name: len(own) for name, own in RECORDS.items()} == dict.fromkeys(NAMES, 1)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_handed_its_own_record_and_folders(name):
    hints = typing.get_type_hints(registry.get("step", name))
    (own,) = RECORDS[name]
    assert list(hints.items())[:3] == [("arguments", own), ("needs", Folders), ("folder", Path)]
    assert is_dataclass(own)
    assert own.__dataclass_params__.frozen  # type: ignore[attr-defined]


@pytest.mark.parametrize("name", NAMES)
def test_its_version_changes_with_every_module_that_it_runs(name, changed):
    before = code_version.__wrapped__(name)
    for module in sources_of_step(name):
        changed(module, path_of(module).read_text("utf-8") + "\nchanged = True\n")
        assert code_version.__wrapped__(name) != before, module


@pytest.mark.parametrize("name", NAMES)
def test_its_version_stays_when_a_docstring_or_a_comment_changes(name, changed):
    before = code_version.__wrapped__(name)
    text = path_of(f"biasaudit.engine.steps.{name}").read_text("utf-8")
    assert text.startswith('"""')
    changed(f"biasaudit.engine.steps.{name}", text.replace('"""', '"""Other words. ', 1) + "\n# a comment\n")
    assert code_version.__wrapped__(name) == before


@pytest.fixture(scope="module")
def loaded() -> dict[str, list[str]]:
    """The modules of the package that Python has loaded when a step has been imported, by step."""
    done = subprocess.run([sys.executable, "-c", LOAD, json.dumps(NAMES)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)  # type: ignore[no-any-return]


@pytest.mark.parametrize("name", NAMES)
def test_whatever_python_loads_with_it_is_part_of_its_version(name, loaded):
    known = set(sources_of_step(name))
    missing = [own for own in loaded[name] if own not in known and own not in NOT_RUN]
    # A package that only holds a docstring has nothing to run.
    assert [own for own in missing if source_hash(path_of(own).read_text("utf-8")) != EMPTY] == []
