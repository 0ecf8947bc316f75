"""The commands, and what every one of them ends in.

A command imports what it needs when it runs, so that help texts and typing errors do not wait for pydantic or torch.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.metadata import version as version_of
from typing import Annotated, Any

import typer

from biasaudit import terminal
from biasaudit.cli.components import list_components
from biasaudit.cli.drafts import init
from biasaudit.cli.endings import ended
from biasaudit.cli.examples import EXAMPLES
from biasaudit.cli.folders import clean, compare, gate, probe, report, verify
from biasaudit.cli.images import explain, predict
from biasaudit.cli.runs import run, validate
from biasaudit.cli.simulated import calibrate, demo
from biasaudit.errors import UsageError

__all__ = ["app", "main"]

_NAME = "biasaudit"


def _shown(examples: Sequence[str]) -> str:
    """Put examples below a help text, each in a line of its own, which is what an empty line between two makes."""
    return "\n\n".join(["Examples:", *examples])


app = typer.Typer(
    help="Does a network discriminate pathology, or the signature of the dataset its images came from?",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=_shown(["biasaudit demo -o out", "biasaudit init table.tsv", "biasaudit run protocol.yaml -o out"]),
)
for _command in (run, demo, calibrate, init, validate, report, verify, gate, clean, compare, predict, probe, explain):
    app.command(epilog=_shown(EXAMPLES[_command.__name__]))(_command)
app.command("list", epilog=_shown(EXAMPLES["list"]))(list_components)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        terminal.print_line(f"{_NAME} {version_of(_NAME)}")
    elif context.invoked_subcommand is None:
        terminal.print_line(context.get_help())
        raise typer.Exit(UsageError.exit_code)


def main() -> None:
    """Entry point: every error a user can cause ends in one line per fault and an exit code, not in a traceback."""
    ended(_called)


def _called() -> None:
    """Run the command that was typed; what cannot be understood of it is told in one line, without a frame around."""
    try:
        code = app(standalone_mode=False)
    except Exception as error:
        if not hasattr(error, "format_message"):  # typer's own, of which there is no public class
            raise
        raise UsageError(_misuse(error)) from None
    sys.exit(code if isinstance(code, int) else 0)


def _misuse(error: Any) -> str:
    """Say in one line what was typed wrong, and where to read what is expected."""
    context = getattr(error, "ctx", None)
    command = f"{_NAME} {context.info_name}" if context is not None and context.parent is not None else _NAME
    message = " ".join(error.format_message().replace("Value error, ", "").split()).rstrip(".")
    return f"{command}: {message[:1].lower()}{message[1:]}; see `{command} --help`"
