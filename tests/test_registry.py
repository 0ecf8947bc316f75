from __future__ import annotations

import pytest

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


@pytest.mark.parametrize("kind", ["representation", "network", "attribution", "reader"])
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
