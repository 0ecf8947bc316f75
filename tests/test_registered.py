"""A list of components that is read from the source says what the registry says once all is imported."""

from __future__ import annotations

import importlib
import inspect
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from plug_ins import write_plug_in

from biasaudit import registered, registry
from biasaudit.errors import UsageError
from biasaudit.registered import Described, described

OTHERWISE = """
from biasaudit.registry import register

for name in ("one", "two"):
    register("tracker", name)(type(name, (), {"__doc__": f"The {name}."}))
"""
PLUG_IN = """
from biasaudit.registry import register

@register("tracker", "far")
class Far:
    \"\"\"A tracker from elsewhere.

    More of it.
    \"\"\"
"""


def of_the_registry(kind: str) -> list[Described]:
    found = []
    for name in registry.listed(kind):
        component: Any = registry.get(kind, name)
        first = inspect.cleandoc(component.__doc__ or "").partition("\n")[0]
        found.append(Described(name, getattr(component, "question", None) or first, registry.plug_in_of(kind, name)))
    return found


@pytest.mark.parametrize("kind", sorted(registry.KINDS))
def test_what_is_read_is_what_is_registered(kind: str) -> None:
    assert described(kind) == of_the_registry(kind)


def test_nothing_heavy_is_imported_to_list_it() -> None:
    program = (
        "import sys; from biasaudit import registry; from biasaudit.registered import described\n"
        "assert all(described(kind) for kind in registry.NAMED_IN_PROTOCOL)\n"
        "print({'torch', 'numpy', 'pandas', 'captum'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Search a folder of one file for trackers, for the time of a test."""

    def searched(source: str) -> list[Described] | None:
        (tmp_path / "scratch_trackers.py").write_text(source, encoding="utf-8")
        monkeypatch.syspath_prepend(str(tmp_path))
        importlib.invalidate_caches()
        return registered._in_module("tracker", "scratch_trackers")

    return searched


@pytest.mark.parametrize(
    "source",
    [
        OTHERWISE,
        "@register('tracker', NAME)\nclass Own:\n    'A tracker.'\n",
        "@register(KIND, 'own')\nclass Own:\n    'A tracker.'\n",
        "@register('tracker', 'own')\nclass Own:\n    pass\n",
        "if True:\n    @register('tracker', 'own')\n    class Own:\n        'A tracker.'\n",
        "@register('tracker', 'own')\nclass Own:\n    'A tracker.'\n\nregister('tracker', 'other')(Own)\n",
    ],
)
def test_what_cannot_be_read_is_left_to_the_registry(folder: Any, source: str) -> None:
    assert folder(source) is None


TWO_KINDS = '''
@register("reader", "a")
class A:
    "A reader."

@register("tracker", "b")
def b():
    """One.

    More.
    """
'''


def test_what_another_kind_registers_is_left_out(folder: Any) -> None:
    assert folder(TWO_KINDS) == [Described("b", "One.")]


def test_a_kind_that_cannot_be_read_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registered, "_in_module", lambda kind, module: None)
    assert described("tracker") == of_the_registry("tracker")


@pytest.fixture
def plug_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    monkeypatch.setattr(registry, "_components", dict(registry._components))

    def install(source: str) -> None:
        points = {"biasaudit.trackers": {"far": "scratch_far.one"}}
        write_plug_in(tmp_path, {"scratch_far/__init__.py": "", "scratch_far/one.py": source}, points)
        monkeypatch.syspath_prepend(str(tmp_path))
        importlib.invalidate_caches()
        registry._plug_ins.cache_clear()

    yield install
    registry._plug_ins.cache_clear()
    for module in [own for own in sys.modules if own.startswith("scratch_far")]:
        del sys.modules[module]


def test_a_plug_in_is_listed_with_its_distribution(plug_in: Any) -> None:
    plug_in(PLUG_IN)
    assert [own.name for own in described("tracker")] == ["far", "mlflow"]
    far = described("tracker")[0]
    assert far.plug_in == "scratch 1.2"
    assert far.told == "A tracker from elsewhere. (from scratch 1.2)"


def test_a_plug_in_that_cannot_be_used_is_said(plug_in: Any) -> None:
    plug_in("import no_such_module")
    with pytest.raises(UsageError, match=r"'far' of scratch 1\.2"):
        described("tracker")
    assert described("network")
