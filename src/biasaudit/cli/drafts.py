"""The command that looks at data and drafts a protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from biasaudit import terminal
from biasaudit.cli.answers import JsonOption, QuietOption, answered, look_answer
from biasaudit.errors import DataError, UsageError

__all__ = ["init"]


def init(
    table: Annotated[Path | None, typer.Argument(help="Table with one row per image (CSV or TSV).")] = None,
    bids: Annotated[list[Path] | None, typer.Option(help="BIDS dataset; may be given several times.")] = None,
    model: Annotated[str, typer.Option(help="Your network: my_network.py:function.")] = "",
    weights: Annotated[Path | None, typer.Option(help="Weights of your network, already trained.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Protocol to write.")] = Path("protocol.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite the protocol.")] = False,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Look at the data, say what is there, and draft a protocol."""
    from biasaudit.drafting.initialise import initialise, model_of  # looking needs nibabel and pandas

    with answered(as_json=as_json) as answer:
        if (table is None) == (not bids):
            raise UsageError("give a table, or one or more BIDS datasets with --bids")
        source = [table] if table is not None else bids or []
        look = initialise(source, model_of(model, weights, out.parent), out, bids=bool(bids), force=force)
        answer |= {"protocol": str(out), **look_answer(look)}
        terminal.print_first_look(look)
        if look.faults:
            terminal.print_to_stderr(f"wrote {out}, which needs {len(look.faults)} correction(s):")
            raise DataError(look.faults)
        terminal.print_success(f"wrote {out}; next: biasaudit validate {out}")
