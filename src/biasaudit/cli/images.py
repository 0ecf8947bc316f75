"""Commands that put images through the networks of a run, or through a network alone."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from biasaudit import terminal
from biasaudit.cli.answers import QuietOption
from biasaudit.cli.options import ForceOption, RunArgument, TrustOption
from biasaudit.errors import UsageError
from biasaudit.run_folder.checksums import write_flushed
from biasaudit.run_folder.place import require_new_file

__all__ = ["explain", "predict"]


def predict(
    run_folder: RunArgument,
    table: Annotated[Path, typer.Argument(help="Manifest of images (CSV or TSV).")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="TSV to write; default: standard output.")] = None,
    arm: Annotated[str | None, typer.Option(help="Default: the primary arm.")] = None,
    force: ForceOption = False,
    trust: TrustOption = False,
    quiet: QuietOption = False,
) -> None:
    """Put images through the trained target; subjects of the audit by the fold that held them out."""
    from biasaudit.engine.answer_key import answer_lines
    from biasaudit.engine.predict import predict as predict_table  # imports torch

    if out is not None:
        require_new_file(out, force=force)
    from biasaudit.run_folder.tsv import tsv_text

    predicted = predict_table(run_folder, table, arm, terminal.print_note_to_stderr, trust=trust)
    text = tsv_text(predicted.table)
    if out is None:
        sys.stdout.write(text)
    else:
        out.parent.mkdir(parents=True, exist_ok=True)
        write_flushed(out, text)
    said = [predicted.done, *([f"wrote {out}"] if out is not None else [])]
    for factor, scored in predicted.scored.items():
        said += answer_lines(scored, factor, predicted.positive)
    for line in said:
        terminal.print_to_stderr(line)


def explain(
    source: Annotated[
        Path, typer.Argument(metavar="RUN|TABLE", help="Folder of a finished run; with --network a manifest.")
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write.")] = Path("explained"),
    subject: Annotated[
        list[str] | None, typer.Option(help="Subject to explain, repeatable; default: those the report shows, or all.")
    ] = None,
    method: Annotated[str | None, typer.Option(help="Attribution method; default: that of the protocol.")] = None,
    arm: Annotated[str | None, typer.Option(help="Arm of the run; with --network the representation.")] = None,
    network: Annotated[str | None, typer.Option(help="Factory of a network without an audit: own.py:factory.")] = None,
    weights: Annotated[Path | None, typer.Option(help="Its weights: safetensors or a state dict.")] = None,
    spacing: Annotated[float | None, typer.Option(min=0.1, help="With --network: voxel size of its input, mm.")] = None,
    trust: TrustOption = False,
    quiet: QuietOption = False,
) -> None:
    """Write attribution maps of single subjects, with a page of figures."""
    # These import torch.
    from biasaudit.engine.explain.network import TrainedNetwork, explain_network
    from biasaudit.engine.explain.request import Request
    from biasaudit.engine.explain.run import explain_run
    from biasaudit.report.explanations import explained_line, write_explained_page

    request = Request(tuple(subject or ()), method, arm, out)
    caution = None
    if (network is None) != (weights is None):
        raise UsageError("--network and --weights belong together: the factory of a network, and its weights")
    if network is not None and weights is not None:
        explain_network(TrainedNetwork(network, weights), source, spacing, request)
    elif spacing is not None:
        raise UsageError("--spacing belongs to --network; a run has its own grid")
    else:
        caution = explain_run(source, request, terminal.print_note_to_stderr, trust=trust)
    if caution is not None:
        terminal.print_line(f"caution: {caution}", style="yellow")
    page = write_explained_page(out)
    terminal.print_line(explained_line(out))
    terminal.print_line(f"page: {page}")
