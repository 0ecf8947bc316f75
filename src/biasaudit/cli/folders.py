"""Commands on the folders of finished runs."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from biasaudit import terminal
from biasaudit.cli.answers import JsonOption, QuietOption, answered
from biasaudit.cli.endings import print_code, resumable
from biasaudit.cli.options import ForceOption, RunArgument, TrustOption
from biasaudit.errors import UsageError
from biasaudit.run_folder.cleaning import clean as clean_run
from biasaudit.run_folder.contract import REPORT, VIEWER_PAGE
from biasaudit.run_folder.finished import arm_of, fails, finished_audit
from biasaudit.run_folder.place import require_new_file
from biasaudit.vocabulary import VERDICT_ORDER, VerdictWord

if TYPE_CHECKING:
    from biasaudit.run_folder.contract import ArmRecord

__all__ = ["FailOn", "clean", "compare", "gate", "probe", "report", "verify"]


class FailOn(StrEnum):
    """The mildest verdict that fails the gate."""

    origin = "origin"
    mixed = "mixed"
    undetermined = "undetermined"

    @property
    def verdict(self) -> VerdictWord:
        """The verdict of that name."""
        return next(word for word in VERDICT_ORDER if word.lower() == self.value)


def report(
    run_folder: RunArgument,
    viewer: Annotated[
        bool | None,
        typer.Option(
            "--viewer/--no-viewer", help="Write viewer.html, which works offline, or remove it; default: as it was."
        ),
    ] = None,
    quiet: QuietOption = False,
) -> None:
    """Rebuild the report of a run, and its viewer, from what is stored."""
    from biasaudit.report.documents import write_documents

    finished_audit(run_folder)
    page = run_folder / VIEWER_PAGE
    lack = write_documents(run_folder, page.is_file() if viewer is None else viewer)
    terminal.print_line(str(run_folder / REPORT))
    if lack and viewer:
        raise UsageError(lack)
    if page.is_file():
        terminal.print_line(str(page))


def verify(run_folder: RunArgument, quiet: QuietOption = False) -> None:
    """Check that all stored files and all inputs of a run are what they were: exit 0 or 3."""
    from biasaudit.engine.verify import verify as verify_run  # reads tables with pandas

    found = verify_run(run_folder)
    terminal.print_success(
        f"{run_folder}: all {found.files} files, {found.jobs} jobs and {found.inputs} inputs are what they were"
    )


def gate(
    run_folder: RunArgument,
    arm: Annotated[str | None, typer.Option(help="Default: the primary arm.")] = None,
    fail_on: Annotated[
        FailOn, typer.Option(help="Exit 1 at this verdict or worse; `mixed` also where a check flags.")
    ] = FailOn.undetermined,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Judge a run for CI: exit 0 or 1."""
    with answered(as_json=as_json) as answer:
        record = arm_of(finished_audit(run_folder), arm)
        failed = fails(record, fail_on.verdict)
        answer |= {
            "arm": record["name"],
            "verdict": record["verdict"],
            "contrast": record.get("contrast"),
            "flagged": record.get("flagged", []),
            "fail_on": fail_on.value,
            "passed": not failed,
        }
        terminal.print_line(_judged(record, fail_on, failed=failed))
        if failed:
            raise typer.Exit(1)


def _judged(record: ArmRecord, fail_on: FailOn, *, failed: bool) -> str:
    flagged = record.get("flagged", [])
    return (
        f"{'FAILED' if failed else 'passed'}: arm {record['name']} is {record['verdict']} "
        + (f"for {record['contrast']} against the rest " if record.get("contrast") else "")
        + (f"and flagged by {' and '.join(flagged)} " if flagged else "")
        + f"(fails at {fail_on.value} or worse)"
    )


def clean(
    run_folder: RunArgument,
    unfinished: Annotated[
        bool, typer.Option("--unfinished", help="Also a run that is not finished, which then begins anew.")
    ] = False,
    quiet: QuietOption = False,
) -> None:
    """Remove the stored results of jobs; report, tables, maps, models and protocol stay."""
    freed = clean_run(run_folder, unfinished=unfinished)
    what = f"{freed.size / 1e6:.1f} MB freed, {freed.jobs} job(s) removed"
    terminal.print_line(f"{what}; `run` and `probe` compute them anew")


def compare(
    first: RunArgument,
    second: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of another.")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Page to write (HTML).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")] = False,
    force: ForceOption = False,
    quiet: QuietOption = False,
    output: Annotated[Path | None, typer.Option("--output", hidden=True, help="As --out was called before.")] = None,
) -> None:
    """Put two finished audits side by side: verdicts, estimates, paired differences, findings and settings."""
    from biasaudit.comparison.runs import compare_runs  # reads tables with pandas
    from biasaudit.report.side_by_side import sections, write_comparison_page

    page = output if out is None else out
    if page is not None:
        require_new_file(page, force=force)
    record = compare_runs(first, second).to_dict()
    if as_json:
        terminal.print_json(record)
    else:
        terminal.print_sections(sections(record))
    if page is not None:
        terminal.print_to_stderr(f"page: {write_comparison_page(record, page)}")


def probe(
    run_folder: RunArgument,
    table: Annotated[
        Path, typer.Argument(help="Images that the run has never seen, with label and origin (CSV, TSV).")
    ],
    max_prevalence: Annotated[
        float | None,
        typer.Option(min=0, max=0.99, help="Largest share of patients among rows without a label."),
    ] = None,
    trust: TrustOption = False,
    quiet: QuietOption = False,
) -> None:
    """Score a few images of a missing cell, such as healthy ones of the patients' source, and judge again."""
    with resumable("jobs"):
        from biasaudit.engine.audit import Options, run_audit  # these import torch
        from biasaudit.engine.probe import changes, kept_if_it_fails, key_of_probes, with_probes
        from biasaudit.report.documents import kept_viewer, write_documents

        plan = with_probes(run_folder, table, max_prevalence, trust=trust)
        before = finished_audit(run_folder)
        print_code(plan)
        draw = partial(write_documents, viewer=kept_viewer(run_folder))
        with kept_if_it_fails(run_folder), terminal.shown_progress() as progress:
            options = Options(say=terminal.print_note_to_stderr, stage=progress.stage, draw=draw)
            after = run_audit(plan, run_folder, options, progress.show)
        for line in changes(before, after):
            terminal.print_line(line)
        for line in key_of_probes(run_folder, table, trust=trust):
            terminal.print_line(line)
    terminal.print_line(f"report: {run_folder / REPORT}")
