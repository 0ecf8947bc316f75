from __future__ import annotations

import importlib
import subprocess
import sys

import pytest
from plug_ins import write_plug_in

from biasaudit import registry
from biasaudit.errors import UsageError


@pytest.fixture
def components(monkeypatch):
    """Registrations of a test are forgotten after it."""
    monkeypatch.setattr(registry, "_components", dict(registry._components))
    return registry._components


def test_components_are_found_by_folder():
    assert {"intensity", "tissue", "background", "silhouette"} <= set(registry.names("representation"))
    assert "cnn" in registry.names("network")
    assert {"integrated_gradients", "input_x_gradient"} <= set(registry.names("attribution"))
    assert {"bids", "table", "phantom"} <= set(registry.names("reader"))


@pytest.mark.parametrize("kind", sorted(registry.KINDS))
def test_names_are_sorted_and_every_one_can_be_got(kind):
    names = registry.names(kind)
    assert names == sorted(set(names))
    assert all(callable(registry.get(kind, name)) for name in names)


def test_a_wrong_name_is_answered_with_the_right_one():
    with pytest.raises(UsageError, match="no representation is called 'intensty'; did you mean 'intensity'"):
        registry.get("representation", "intensty")


def test_two_components_of_one_name_are_refused(components):
    registry.register("network", "double")(lambda: 1)

    def other() -> int:
        return 2

    with pytest.raises(ValueError, match="two components are registered as network 'double'"):
        registry.register("network", "double")(other)


def test_the_same_component_may_be_registered_again(components):
    def again() -> int:
        return 1

    assert registry.register("network", "again")(again) is again
    assert registry.register("network", "again")(again) is again
    assert registry.get("network", "again") is again


def test_one_name_may_be_used_by_two_kinds(components):
    registry.register("network", "same")(len)
    registry.register("attribution", "same")(abs)
    assert registry.get("network", "same") is len
    assert registry.get("attribution", "same") is abs


def test_an_unknown_kind_is_refused():
    with pytest.raises(ValueError, match="did you mean 'network'"):
        registry.register("netwrk", "x")


def test_a_component_that_is_called_like_its_file_is_imported_alone():
    program = (
        "import sys; from biasaudit import registry; registry.get('representation', 'silhouette'); "
        "print('biasaudit.representations.tissue' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("kind", sorted(registry.KINDS))
def test_the_module_of_a_component_is_among_those_searched(kind):
    searched = registry.modules(kind)
    assert all(registry.module_of(kind, name) in searched for name in registry.names(kind))


# -- plug-ins --------------------------------------------------------------------------------------------------------

NETWORK = """
from biasaudit.registry import register

@register("network", "{name}")
def make(spatial_dims, in_channels, out_channels):
    "A network from elsewhere."
"""


@pytest.fixture
def plug_in(components, monkeypatch, tmp_path):
    """Install a package with one network, for the time of a test."""

    def install(name, source):
        write_plug_in(
            tmp_path,
            {"scratch_networks/__init__.py": "", "scratch_networks/one.py": source},
            {"biasaudit.networks": {name: "scratch_networks.one"}},
        )
        monkeypatch.syspath_prepend(str(tmp_path))
        importlib.invalidate_caches()
        registry._plug_ins.cache_clear()

    yield install
    registry._plug_ins.cache_clear()
    for module in [own for own in sys.modules if own.startswith("scratch_networks")]:
        del sys.modules[module]


def test_a_plug_in_is_found_beside_the_folder(plug_in):
    plug_in("far", NETWORK.format(name="far"))
    assert registry.get("network", "far").__module__ == "scratch_networks.one"
    assert {"far", "cnn"} <= set(registry.names("network"))
    assert registry.module_of("network", "far") == "scratch_networks.one"
    assert "scratch_networks.one" in registry.modules("network")


def test_a_component_says_which_distribution_it_is_from(plug_in):
    plug_in("far", NETWORK.format(name="far"))
    assert registry.plug_in_of("network", "far") == "scratch 1.2"
    assert registry.plug_in_of("network", "cnn") is None


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise RuntimeError('two\\nlines')", "RuntimeError: two lines"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("", 'it has no @register("network", "far")'),
        (NETWORK.format(name="near"), 'it has no @register("network", "far")'),
    ],
)
def test_a_plug_in_that_cannot_be_used_is_one_line(plug_in, source, reason):
    plug_in("far", source)
    for ask in (lambda: registry.get("network", "far"), lambda: registry.names("network")):
        with pytest.raises(UsageError) as refused:
            ask()
        where = "the plug-in 'far' of scratch 1.2 (biasaudit.networks, scratch_networks.one) cannot be used: "
        assert str(refused.value) == where + reason


def test_a_plug_in_that_cannot_be_used_does_not_hide_the_others(plug_in):
    plug_in("far", "import no_such_module")
    assert registry.get("network", "cnn").__module__ == "biasaudit.networks.cnn"


def test_a_name_that_is_taken_is_refused_with_both_origins(plug_in):
    plug_in("cnn", NETWORK.format(name="cnn"))
    for _ in range(2):
        with pytest.raises(UsageError, match=r"biasaudit\.networks\.cnn\.\w+ and scratch_networks\.one\.make"):
            registry.get("network", "cnn")
    with pytest.raises(UsageError, match=r"'cnn' of scratch 1\.2"):
        registry.names("network")


def test_groups_are_named_by_their_folder():
    assert {registry.group_of(kind) for kind in registry.KINDS} >= {
        "biasaudit.checks",
        "biasaudit.evidence",
        "biasaudit.steps",
        "biasaudit.readers",
        "biasaudit.representations",
        "biasaudit.networks",
        "biasaudit.attributions",
        "biasaudit.sections",
    }
