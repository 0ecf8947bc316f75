"""The command line: parse, call, exit code.

A command imports what it needs when it runs, so that help texts and typing errors do not wait for pydantic or torch.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from biasaudit import registry, terminal
from biasaudit.engine.jobs.interrupts import interrupts_kept
from biasaudit.errors import BiasauditError, DataError, InputError, UsageError
from biasaudit.resources import protocols_folder
from biasaudit.run_folder.finished import arm_of, finished_audit
from biasaudit.vocabulary import VERDICT_ORDER, VerdictWord

if TYPE_CHECKING:
    from biasaudit.protocol import Protocol

app = typer.Typer(
    help="Does a network discriminate pathology, or the signature of the dataset its images came from?",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
INTERRUPTED = 130


class Engine(StrEnum):
    """Where jobs run."""

    auto = "auto"
    local = "local"
    dask = "dask"


class FailOn(StrEnum):
    """The mildest verdict that fails the gate."""

    origin = "origin"
    mixed = "mixed"
    undetermined = "undetermined"

    @property
    def verdict(self) -> VerdictWord:
        """The verdict of that name."""
        return next(word for word in VERDICT_ORDER if word.lower() == self.value)


EngineOption = Annotated[Engine, typer.Option(help="local: in this process; dask: worker processes.")]
WorkersOption = Annotated[int | None, typer.Option(min=1, help="Worker processes; default: one per core.")]


def main() -> None:
    """Entry point: every error a user can cause ends in one line per fault and an exit code, not in a traceback."""
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        app(standalone_mode=True)
    except BiasauditError as error:
        for fault in error.faults if isinstance(error, InputError) else (error,):
            terminal.print_fault(str(fault))
        sys.exit(error.exit_code)


@app.command()
def run(
    protocol: Annotated[Path, typer.Argument(help="Protocol (YAML).")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run; an unfinished one is resumed.")] = Path(
        "out"
    ),
    engine: EngineOption = Engine.auto,
    workers: WorkersOption = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="List the jobs and an estimate; run nothing.")] = False,
    remedies: Annotated[
        bool, typer.Option("--with-remedies", help="Add arms that may rely less on the signature, and compare.")
    ] = False,
) -> None:
    """Audit a cohort: train, test, judge, report."""
    from biasaudit.protocol import load_protocol

    with _faults_of(protocol):
        plan = load_protocol(protocol)
        if remedies:
            from biasaudit.engine.remedies import with_remedies  # reads the cohort

            plan = with_remedies(plan)
        if dry_run:
            _dry_run(plan, workers)
        else:
            _run(plan, out, engine, workers)


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder of the run.")] = Path("out"),
    engine: EngineOption = Engine.auto,
    workers: WorkersOption = None,
    write_data: Annotated[
        Path | None, typer.Option(help="Instead of an audit, write the simulated cohort as BIDS datasets.")
    ] = None,
    layout: Annotated[
        str,
        typer.Option(
            help="With --write-data: files as a ready protocol expects them, and that protocol: alzheimer, chest-xray, "
            "features, ms or tumour."
        ),
    ] = "",
    subjects: Annotated[int | None, typer.Option(min=24, help="With --write-data: how many to simulate.")] = None,
) -> None:
    """Audit a simulated cohort with a planted signature."""
    from biasaudit.protocol import load_protocol

    plan = load_protocol(protocols_folder() / "demo.yaml")
    if write_data is None:
        if layout or subjects:
            raise UsageError("--layout and --subjects say what data are written; give a folder with --write-data")
        _run(plan, out, engine, workers)
        return
    if write_data.exists() and any(write_data.iterdir()):
        raise UsageError(f"{write_data} is not empty; give a new folder")
    if layout:
        _write_layout(layout, write_data, subjects)
    else:
        _write_data(plan, write_data, subjects)


@app.command()
def calibrate(
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder of the calibration; an unfinished one is resumed.")
    ] = (Path("calibration")),
    quick: Annotated[bool, typer.Option("--quick", help="About 10 minutes instead of hours.")] = False,
    cohorts: Annotated[
        int | None, typer.Option(min=1, help="Only the first so many cohorts, a fair sample of the grid.")
    ] = None,
    grid: Annotated[Path | None, typer.Option(help="Another grid than the published one.")] = None,
    engine: EngineOption = Engine.auto,
    workers: WorkersOption = None,
) -> None:
    """Measure the verdict's own error rates on simulated cohorts whose truth is known."""
    with _resumable("cohorts"):
        from biasaudit.calibration.grid import cells, load_grid
        from biasaudit.calibration.run import Workers, calibrate_grid  # imports torch

        chosen = load_grid(grid or protocols_folder() / "calibration.yaml")
        count = workers or os.cpu_count() or 1
        with terminal.shown_progress("cohorts") as progress:
            asked = cells(chosen, quick=quick)[:cohorts]
            page = calibrate_grid(chosen, asked, out, Workers(_engine(engine, count), count), progress)
    terminal.print_line(f"summary: {page}")


@app.command()
def init(
    table: Annotated[Path | None, typer.Argument(help="Table with one row per image (CSV or TSV).")] = None,
    bids: Annotated[list[Path] | None, typer.Option(help="BIDS dataset; may be given several times.")] = None,
    model: Annotated[str, typer.Option(help="Your network: my_network.py:function.")] = "",
    weights: Annotated[Path | None, typer.Option(help="Weights of your network, already trained.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="Protocol to write.")] = Path("protocol.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Overwrite the protocol.")] = False,
) -> None:
    """Look at the data, say what is there, and draft a protocol."""
    from biasaudit.drafting.initialise import initialise, model_of  # looking needs nibabel and pandas

    if (table is None) == (not bids):
        raise UsageError("give a table, or one or more BIDS datasets with --bids")
    source = [table] if table is not None else bids or []
    look = initialise(source, model_of(model, weights, out.parent), out, bids=bool(bids), force=force)
    terminal.print_first_look(look)
    if look.faults:
        terminal.print_to_stderr(f"wrote {out}, which needs {len(look.faults)} correction(s):")
        raise DataError(look.faults)
    terminal.print_success(f"wrote {out}; next: biasaudit validate {out}")


@app.command()
def validate(protocol: Annotated[Path, typer.Argument(help="Protocol (YAML).")]) -> None:
    """Check a protocol and every file it names; train nothing, write nothing."""
    from biasaudit.engine.validation.situate import situate  # imports torch
    from biasaudit.protocol import load_protocol

    with _faults_of(protocol):
        situation, _ = situate(load_protocol(protocol))
    terminal.print_success(f"{protocol}: sound")
    terminal.print_cohort(situation.cohort)


@app.command()
def report(run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")]) -> None:
    """Rebuild the report of a run from what is stored."""
    from biasaudit.report.render import write_report

    finished_audit(run_folder)
    terminal.print_line(str(write_report(run_folder)))


@app.command()
def gate(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    arm: Annotated[str | None, typer.Option(help="Default: the primary arm.")] = None,
    fail_on: Annotated[FailOn, typer.Option(help="Exit 1 at this verdict or worse.")] = FailOn.undetermined,
) -> None:
    """Judge a run for CI: exit 0 or 1."""
    audit = finished_audit(run_folder)
    record = arm_of(audit, arm)
    failed = VERDICT_ORDER.index(record["verdict"]) >= VERDICT_ORDER.index(fail_on.verdict)
    terminal.print_line(
        f"{'FAILED' if failed else 'passed'}: arm {record['name']} is {record['verdict']} "
        + (f"for {record['contrast']} against the rest " if record.get("contrast") else "")
        + f"(fails at {fail_on.value} or worse)"
    )
    if failed:
        raise typer.Exit(1)


@app.command()
def compare(
    first: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    second: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of another.")],
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Page to write (HTML).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")] = False,
) -> None:
    """Put two finished audits side by side: verdicts, estimates, paired differences, findings and settings."""
    from biasaudit.comparison.runs import compare_runs  # reads tables with pandas
    from biasaudit.report.side_by_side import sections, write_comparison_page

    record = compare_runs(first, second).to_dict()
    if as_json:
        sys.stdout.write(json.dumps(record, indent=2) + "\n")
    else:
        terminal.print_sections(sections(record))
    if output is not None:
        terminal.print_to_stderr(f"page: {write_comparison_page(record, output)}")


@app.command()
def predict(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    table: Annotated[Path, typer.Argument(help="Manifest of images (CSV or TSV).")],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="TSV to write; default: standard output.")] = None,
    arm: Annotated[str | None, typer.Option(help="Default: the primary arm.")] = None,
) -> None:
    """Put images through the trained target; subjects of the audit by the fold that held them out."""
    from biasaudit.engine.predict import predict as predict_table  # imports torch

    text = predict_table(run_folder, table, arm, terminal.print_note_to_stderr).to_csv(sep="\t", index=False)
    if out is None:
        sys.stdout.write(text)
    else:
        out.write_text(text, encoding="utf-8")


@app.command()
def probe(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    table: Annotated[
        Path, typer.Argument(help="Images that the run has never seen, with label and origin (CSV, TSV).")
    ],
    max_prevalence: Annotated[
        float | None,
        typer.Option(min=0, max=0.99, help="Largest share of patients among rows without a label."),
    ] = None,
) -> None:
    """Score a few images of a missing cell, such as healthy ones of the patients' source, and judge again."""
    with _resumable("jobs"):
        from biasaudit.engine.audit import Options, run_audit  # these import torch
        from biasaudit.engine.probe import changes, kept_if_it_fails, with_probes
        from biasaudit.report.render import write_report

        plan, before = with_probes(run_folder, table, max_prevalence), finished_audit(run_folder)
        with kept_if_it_fails(run_folder), terminal.shown_progress() as progress:
            after = run_audit(plan, run_folder, Options(), progress)
        page = write_report(run_folder)
    for line in changes(before, after):
        terminal.print_line(line)
    terminal.print_line(f"report: {page}")


@app.command()
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
) -> None:
    """Write attribution maps of single subjects, with a page of figures."""
    # These import torch.
    from biasaudit.engine.explain.network import TrainedNetwork, explain_network
    from biasaudit.engine.explain.request import Request
    from biasaudit.engine.explain.run import explain_run
    from biasaudit.report.explanations import write_explained_page

    request = Request(tuple(subject or ()), method, arm, out)
    caution = None
    if (network is None) != (weights is None):
        raise UsageError("--network and --weights belong together: the factory of a network, and its weights")
    if network is not None and weights is not None:
        explain_network(TrainedNetwork(network, weights), source, spacing, request)
    elif spacing is not None:
        raise UsageError("--spacing belongs to --network; a run has its own grid")
    else:
        caution = explain_run(source, request)
    if caution is not None:
        terminal.print_line(f"caution: {caution}", style="yellow")
    terminal.print_line(f"page: {write_explained_page(out)}")


@app.command("list")
def list_components() -> None:
    """List the registered checks, representations, networks, attributions, readers and report sections."""
    for kind in sorted(registry.KINDS):
        rows = [(name, registry.described(kind, name)) for name in registry.listed(kind)]
        if rows:
            terminal.print_components(kind, rows)


def _run(plan: Protocol, out: Path, engine: Engine, workers: int | None) -> None:
    count = workers or os.cpu_count() or 1
    with _resumable("jobs"):
        from biasaudit.engine.audit import Options, run_audit  # imports torch
        from biasaudit.report.render import write_report

        with terminal.shown_progress() as progress:
            run_audit(plan, out, Options(_engine(engine, count), count), progress)
        page = write_report(out)
    terminal.print_verdicts(finished_audit(out))
    terminal.print_line(f"report: {page}")


@contextmanager
def _faults_of(protocol: Path) -> Iterator[None]:
    """Name the line of the protocol in faults that are found in what it asks for."""
    try:
        yield
    except InputError as error:
        if not protocol.is_file():
            raise
        from biasaudit.protocol import with_lines

        raise type(error)(with_lines(error.faults, protocol)) from None


@contextmanager
def _resumable(what: str) -> Iterator[None]:
    """Let an interrupt end the command with its own exit code, even one that an import of the block swallowed."""
    try:
        with interrupts_kept():
            yield
    except KeyboardInterrupt:
        terminal.print_to_stderr(f"interrupted; finished {what} are kept, the same command resumes")
        raise typer.Exit(INTERRUPTED) from None


def _engine(engine: Engine, workers: int) -> str:
    if engine is not Engine.auto:
        return engine.value
    return "dask" if workers > 1 and find_spec("distributed") is not None else "local"


def _dry_run(plan: Protocol, workers: int | None) -> None:
    from biasaudit.engine.estimate import estimate_seconds
    from biasaudit.engine.plan import expected_plan  # imports torch
    from biasaudit.engine.situation.situation import single_origin_notes
    from biasaudit.engine.validation.situate import situate

    situation, _ = situate(plan)
    jobs = expected_plan(situation).jobs
    count = workers or os.cpu_count() or 1
    terminal.print_plan(jobs, estimate_seconds(situation, jobs) / count, count)
    terminal.print_notes(single_origin_notes(situation.cohort))
    if situation.confirms:
        terminal.print_line(
            "An arm that would be PATHOLOGY is then put to the spike-in test (G3): two more networks for each fold."
        )


def _write_data(plan: Protocol, folder: Path, subjects: int | None) -> None:
    from biasaudit.cohort.images.export import write_bids
    from biasaudit.cohort.readers.phantom import PhantomReader
    from biasaudit.protocol import PhantomCohort

    assert isinstance(plan.cohort, PhantomCohort)
    phantom = plan.cohort.phantom.model_copy(update={"n": subjects} if subjects else {})
    reader = PhantomReader()
    cohort = reader.read(plan.cohort.model_copy(update={"phantom": phantom}))
    grid = reader.grid(cohort, plan.grid)
    write_bids(cohort, lambda sample: reader.load(sample, grid, "auto"), grid, folder)
    terminal.print_line(f"wrote {len(cohort.samples)} subjects below {folder}")


def _write_layout(name: str, folder: Path, subjects: int | None) -> None:
    from biasaudit.cohort.layouts import write_layout

    count = write_layout(name, folder, {"n": subjects} if subjects else None)
    protocol = folder / f"{name}.yaml"
    shutil.copyfile(protocols_folder() / protocol.name, protocol)
    terminal.print_line(f"wrote {count} subjects below {folder}; next: biasaudit run {protocol}")


def _interrupt(signal_number: int, frame: Any) -> None:
    raise KeyboardInterrupt
