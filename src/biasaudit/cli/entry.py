"""The commands, and what every one of them ends in.

A command imports what it needs when it runs, so that help texts and typing errors do not wait for pydantic or torch.
"""

from __future__ import annotations

import typer

from biasaudit.cli.components import list_components
from biasaudit.cli.drafts import init
from biasaudit.cli.endings import ended
from biasaudit.cli.folders import clean, compare, gate, probe, report, verify
from biasaudit.cli.images import explain, predict
from biasaudit.cli.runs import run, validate
from biasaudit.cli.simulated import calibrate, demo

__all__ = ["app", "main"]

app = typer.Typer(
    help="Does a network discriminate pathology, or the signature of the dataset its images came from?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
for _command in (run, demo, calibrate, init, validate, report, verify, gate, clean, compare, predict, probe, explain):
    app.command()(_command)
app.command("list")(list_components)


def main() -> None:
    """Entry point: every error a user can cause ends in one line per fault and an exit code, not in a traceback."""
    ended(lambda: app(standalone_mode=True))
