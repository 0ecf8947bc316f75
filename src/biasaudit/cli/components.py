"""The command that lists what is registered."""

from __future__ import annotations

from biasaudit import registry, terminal
from biasaudit.cli.answers import JsonOption, QuietOption, answered
from biasaudit.registered import described

__all__ = ["list_components"]


def list_components(as_json: JsonOption = False, quiet: QuietOption = False) -> None:
    """List checks, representations, networks, attributions, readers and trackers, and what plug-ins add."""
    with answered(as_json=as_json) as answer:
        found = {kind: described(kind) for kind in sorted(registry.KINDS)}
        answer["components"] = {
            kind: [{"name": own.name, "what": own.what, "plug_in": own.plug_in} for own in rows]
            for kind, rows in found.items()
            if rows
        }
        if not as_json:
            for kind, rows in found.items():
                if rows:
                    terminal.print_components(kind, [(own.name, own.told) for own in rows])
