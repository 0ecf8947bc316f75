"""Commands that begin with a protocol."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from biasaudit import terminal
from biasaudit.cli.answers import JsonOption, QuietOption, answered, cohort_answer, run_answer
from biasaudit.cli.endings import faults_of, print_code, resumable
from biasaudit.cli.options import (
    ClusterOption,
    Elsewhere,
    Engine,
    EngineOption,
    SchedulerOption,
    StoreOption,
    TrackOption,
    ViewerOption,
    WorkersOption,
    anywhere,
)
from biasaudit.regular_files import in_bytes
from biasaudit.run_folder.contract import REPORT, VIEWER_PAGE
from biasaudit.run_folder.finished import finished_audit
from biasaudit.run_folder.lock import in_use
from biasaudit.run_folder.place import require_ours
from biasaudit.trackers.telling import trackers_called

if TYPE_CHECKING:
    from biasaudit.engine.jobs.where import Where
    from biasaudit.protocol import Protocol
    from biasaudit.run_folder.contract import AuditRecord

__all__ = ["audit_into", "run", "validate"]


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
    pseudonymise: Annotated[
        bool,
        typer.Option("--pseudonymise", help="Write salted hashes in the place of subjects and file names."),
    ] = False,
    rehash: Annotated[
        bool, typer.Option("--rehash", help="Hash every file of the cohort again; trust no size and time.")
    ] = False,
    scheduler: SchedulerOption = "",
    cluster: ClusterOption = None,
    store: StoreOption = "",
    track: TrackOption = None,
    viewer: ViewerOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Audit a cohort: train, test, judge, report."""
    from biasaudit.protocol import load_protocol

    where = anywhere(engine, workers, Elsewhere(scheduler, cluster, store))
    with answered(as_json=as_json) as answer, faults_of(protocol):
        plan = load_protocol(protocol)
        if pseudonymise:
            plan = plan.model_copy(update={"pseudonymise": True})
        if remedies:
            from biasaudit.engine.remedies import with_remedies  # reads the cohort

            plan = with_remedies(plan)
        print_code(plan)
        if dry_run:
            answer |= _dry_run(plan, where.workers)
        else:
            audit = audit_into(plan, out, where, rehash=rehash, track=track or (), viewer=viewer)
            answer |= {"folder": str(out), "report": str(out / REPORT), **run_answer(audit)}


def validate(
    protocol: Annotated[Path, typer.Argument(help="Protocol (YAML).")],
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Check a protocol and every file it names; train nothing, write nothing."""
    from biasaudit.protocol import load_protocol

    with answered(as_json=as_json) as answer, faults_of(protocol):
        answer |= {"protocol": str(protocol)}
        plan = load_protocol(protocol)
        print_code(plan)
        from biasaudit.engine.reach import reach_lines  # these import torch, which a typing error need not wait for
        from biasaudit.engine.validation.situate import situate

        situation, _ = situate(plan)
        reach = reach_lines(situation)
        answer |= {**cohort_answer(situation), "reach": reach}
        terminal.print_success(f"{protocol}: sound")
        terminal.print_cohort(situation.judged)
        terminal.print_bold(reach)


def audit_into(
    plan: Protocol,
    out: Path,
    where: Where,
    *,
    rehash: bool = False,
    track: Sequence[str] = (),
    viewer: bool | None = None,
) -> AuditRecord:
    """Run an audit, its report and its viewer, show the verdicts, and hand the run over to trackers.

    Returns what was found.
    """
    trackers, lacks = trackers_called(track), list[str]()
    with resumable("jobs"), trackers.audit(plan.name):
        from biasaudit.engine.audit import Options, run_audit  # imports torch
        from biasaudit.report.documents import kept_viewer, write_documents

        require_ours(out, "run")
        wanted = kept_viewer(out, viewer)

        def draw(run: Path) -> None:
            lacks[:] = [write_documents(run, wanted)]

        with in_use(out, "run"), terminal.shown_progress() as progress:
            options = Options(where, rehash, terminal.print_note_to_stderr, progress.stage, draw)
            run_audit(plan, out, options, progress.show)
    audit = finished_audit(out)
    terminal.print_verdicts(audit)
    terminal.print_line(f"report: {out / REPORT}")
    if (out / VIEWER_PAGE).is_file():
        terminal.print_line(f"viewer: {out / VIEWER_PAGE}")
    for why in filter(None, lacks):
        terminal.print_note_to_stderr(f"no viewer: {why}")
    for line in trackers.finished(out, audit):
        terminal.print_line(line)
    return audit


def _dry_run(plan: Protocol, workers: int) -> dict[str, Any]:
    from biasaudit.engine.estimate import estimate_seconds
    from biasaudit.engine.plan import expected_plan  # imports torch
    from biasaudit.engine.reach import reach_lines
    from biasaudit.engine.situation.situation import single_origin_notes
    from biasaudit.engine.space import estimate_bytes
    from biasaudit.engine.user_code.wall import walled
    from biasaudit.engine.validation.situate import situate

    situation, _ = situate(plan)
    jobs = expected_plan(situation).jobs
    seconds = walled(plan.code, estimate_seconds, situation, jobs) / workers
    stored, reach = estimate_bytes(situation, jobs), reach_lines(situation)
    terminal.print_plan(jobs, seconds, workers)
    terminal.print_line(f"about {in_bytes(stored)} on the disk")
    terminal.print_notes(single_origin_notes(situation.cohort))
    terminal.print_bold(reach)
    if situation.confirms:
        unless = "" if plan.cohort.probes is None else ", unless the probes show it (P1),"
        terminal.print_line(
            f"An arm that would be PATHOLOGY{unless} is then put to the spike-in test (G3): two more networks for each "
            "fold, and two more for every plant that they do not take up."
        )
    each = [{"step": job.step, "title": job.title} for job in jobs]
    return {"jobs": each, "seconds": seconds, "workers": workers, "bytes": stored, "reach": reach}
