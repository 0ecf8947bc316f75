"""The command that lists what is registered."""

from __future__ import annotations

from biasaudit import registry, terminal

__all__ = ["list_components"]


def list_components() -> None:
    """List the registered checks, representations, networks, attributions, readers, report sections and trackers."""
    for kind in sorted(registry.KINDS):
        rows = [(name, registry.described(kind, name)) for name in registry.listed(kind)]
        if rows:
            terminal.print_components(kind, rows)
