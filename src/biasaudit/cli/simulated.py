"""Commands on simulated cohorts."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from biasaudit import terminal
from biasaudit.cli.answers import QuietOption
from biasaudit.cli.endings import faults_of, print_code, resumable
from biasaudit.cli.options import Engine, EngineOption, ViewerOption, WorkersOption, here
from biasaudit.cli.runs import audit_into
from biasaudit.errors import UsageError
from biasaudit.own_rates import rates_in_words
from biasaudit.resources import protocols_folder
from biasaudit.run_folder.place import require_empty

if TYPE_CHECKING:
    from biasaudit.engine.jobs.where import Where
    from biasaudit.protocol import Protocol

__all__ = ["calibrate", "demo"]


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
    viewer: ViewerOption = None,
    quiet: QuietOption = False,
) -> None:
    """Audit a simulated cohort with a planted signature."""
    from biasaudit.protocol import load_protocol

    plan = load_protocol(protocols_folder() / "demo.yaml")
    if write_data is None:
        if layout or subjects:
            raise UsageError("--layout and --subjects say what data are written; give a folder with --write-data")
        audit_into(plan, out, here(engine, workers), viewer=viewer)
        return
    require_empty(write_data)
    if layout:
        _write_layout(layout, write_data, subjects)
    else:
        _write_data(plan, write_data, subjects)


def calibrate(
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Folder of the calibration; an unfinished one is resumed.")
    ] = (Path("calibration")),
    quick: Annotated[bool, typer.Option("--quick", help="About 10 minutes instead of hours.")] = False,
    cohorts: Annotated[
        int | None, typer.Option(min=1, help="Only the first so many cohorts, a fair sample of the grid.")
    ] = None,
    grid: Annotated[Path | None, typer.Option(help="Another grid than the published one.")] = None,
    cohort: Annotated[
        Path | None,
        typer.Option(help="Instead of simulated cohorts, plant in copies of the images that this protocol audits."),
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            help="With --cohort: trainings (90) or time (30min, 2h); default: about 20 clean copies and 10 planted."
        ),
    ] = None,
    engine: EngineOption = Engine.auto,
    workers: WorkersOption = None,
    quiet: QuietOption = False,
) -> None:
    """Measure the verdict's own error rates on cohorts whose truth is known: simulated ones, or copies of yours."""
    if cohort is not None:
        if quick or cohorts is not None or grid is not None:
            raise UsageError("--quick, --cohorts and --grid choose simulated cohorts; with --cohort give a --budget")
        _calibrate_own(cohort, budget, out, here(engine, workers))
        return
    if budget is not None:
        raise UsageError("--budget goes with --cohort; simulated cohorts are chosen by --cohorts or --quick")
    with resumable("cohorts"):
        from biasaudit.calibration.grid import cells, load_grid
        from biasaudit.calibration.run import calibrate_grid  # imports torch

        chosen = load_grid(grid or protocols_folder() / "calibration.yaml")
        with terminal.shown_progress("cohorts") as progress:
            asked = cells(chosen, quick=quick)[:cohorts]
            page = calibrate_grid(chosen, asked, out, here(engine, workers), progress.show)
    terminal.print_line(f"summary: {page}")


def _calibrate_own(protocol: Path, budget: str | None, out: Path, where: Where) -> None:
    from biasaudit.protocol import load_protocol

    plan = load_protocol(protocol)
    print_code(plan)
    with resumable("copies"), faults_of(protocol):
        from biasaudit.calibration.own.run import calibrate_own  # imports torch

        with terminal.shown_progress("copies") as progress:
            rates = calibrate_own(plan, budget, out, where, progress.show)
    for line in rates_in_words(rates):
        terminal.print_line(line)
    terminal.print_line(f"summary: {rates.parent / 'own-calibration.md'}")
    terminal.print_line(f"to print these rates in the report, add this line to {protocol}:")
    terminal.print_line(f"calibration: {os.path.relpath(rates, protocol.parent)}")


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
