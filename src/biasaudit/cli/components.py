"""The command that lists what is registered."""

from __future__ import annotations

from biasaudit import registry, terminal
from biasaudit.registered import described

__all__ = ["list_components"]


def list_components() -> None:
    """List the registered checks, representations, networks, attributions, readers, report sections and trackers."""
    for kind in sorted(registry.KINDS):
        found = described(kind)
        if found:
            terminal.print_components(kind, [(own.name, own.told) for own in found])
