"""The use case: from a protocol to a finished run folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from biasaudit.cohort.images.file_facts import FileFacts
from biasaudit.engine.jobs.dispatch import Dispatch, Failure, dispatcher
from biasaudit.engine.jobs.job import Job
from biasaudit.engine.jobs.json_files import write_json
from biasaudit.engine.jobs.store import DamagedJobError, Store
from biasaudit.engine.jobs.where import HERE, Where
from biasaudit.engine.named_inputs import INPUTS, hashes_of_named
from biasaudit.engine.plan import Plan, expected_plan, finished_survey, plan_audit, plan_reading
from biasaudit.engine.results.audit_record import write_results
from biasaudit.engine.results.run import Run
from biasaudit.engine.results.spike_ladder import to_climb
from biasaudit.engine.results.verdicts import to_confirm
from biasaudit.engine.situation.places import FILES, places_of, read_facts, require_own_key, stored_places
from biasaudit.engine.situation.situation import Situation
from biasaudit.engine.space import estimate_bytes
from biasaudit.engine.user_code.listing import record_code
from biasaudit.engine.validation.situate import situate
from biasaudit.errors import IncompleteError
from biasaudit.protocol import Protocol, dump_protocol, json_schema
from biasaudit.protocol.places import PLACES
from biasaudit.run_folder.contract import AUDIT, PENDING, PROTOCOL, AuditRecord
from biasaudit.run_folder.inventory import write_jobs
from biasaudit.run_folder.lock import in_use
from biasaudit.run_folder.owned import OwnedFiles
from biasaudit.run_folder.place import require_ours
from biasaudit.run_folder.repairs import write_repairs
from biasaudit.run_folder.space import NO_ROOM, NoRoomError, lack_of_space, no_room, require_room

__all__ = ["Options", "Progress", "known_files", "run_audit"]

_ATTEMPTS = 3


Say = Callable[[str], None]


def _silent_note(note: str) -> None:
    return None


@dataclass(frozen=True)
class Options:
    """How a run is carried out; nothing of it changes the result.

    Attributes
    ----------
    where : Where
        Where jobs run.
    rehash : bool
        Hash every file of the cohort again, also where its state shows it to be the same as at an earlier look.
    say : callable
        Called with every note on what was damaged.
    stage : callable
        Told what is being done beside jobs.
    draw : callable or None
        Makes the report of the folder, before ``audit.json`` says that the run is complete.
    """

    where: Where = HERE
    rehash: bool = False
    say: Say = _silent_note
    stage: Say = _silent_note
    draw: Callable[[Path], object] | None = None


Progress = Callable[[int, int, Job | None], None]
"""Called with jobs done, jobs known and the job that has just ended."""


def _silent(done: int, total: int, job: Job | None) -> None:
    return None


def run_audit(protocol: Protocol, out: Path, options: Options, progress: Progress = _silent) -> AuditRecord:
    """Run an audit, or what is left of it, and write everything; the report is drawn by `Options.draw`.

    Parameters
    ----------
    protocol : Protocol
    out : Path
        New or empty folder, or an earlier run's, which is resumed.
    options : Options
    progress : callable

    Returns
    -------
    AuditRecord
        What ``audit.json`` holds.

    Raises
    ------
    ProtocolError, DataError
        Nothing has been written then.
    IncompleteError
        Some jobs failed; the others are kept.
    """
    require_ours(out, "run")
    with in_use(out, "run"):
        return _audited(protocol, out, options, progress)


def _audited(protocol: Protocol, out: Path, options: Options, progress: Progress) -> AuditRecord:
    require_own_key(out)
    store, started = Store(out), datetime.now(UTC)
    situation, facts = situate(protocol, known_files(out, options.say, rehash=options.rehash))
    planned = expected_plan(situation).jobs
    require_room(out, _needed(situation, planned, store))

    def attempt() -> AuditRecord:
        if options.where.engine == "dask":
            options.stage("starting workers")
        with dispatcher(_where(options, protocol), out) as dispatch:
            run = _finished_run(situation, store, dispatch, _Counter(progress, expected_plan(situation)))
        audit = write_results(run, started)
        write_jobs(out, run.jobs)
        _tell_of_repairs(run, started, options.say)
        if options.draw is not None:
            options.stage("drawing the report")
            options.draw(out)
        OwnedFiles(out).rename("results", PENDING, AUDIT)  # last: its presence says that the run is complete
        return audit

    with _room_in(store, lambda: _needed(situation, planned, store)):
        _open_folder(out, protocol, situation, facts)
        store.sweep()
        return _undamaged(attempt, out)


def _sidecars(situation: Situation) -> list[str]:
    return [path for own in situation.sidecars.values() for path, _ in own]


def _needed(situation: Situation, jobs: Sequence[Job], store: Store) -> float:
    """Bytes that the jobs will store, roughly, which are not there yet."""
    return estimate_bytes(situation, [job for job in jobs if not store.place(job.key).exists()])


@contextmanager
def _room_in(store: Store, needed: Callable[[], float]) -> Iterator[None]:
    """Say what is needed and what is free where the disk is full."""
    try:
        yield
    except Exception as error:
        lack = lack_of_space(error)
        if lack is None:
            raise
        fault = no_room(lack, store.root, needed())
        raise IncompleteError(f"{fault}; make room and run the same command again, finished jobs are kept") from None


def _tell_of_repairs(run: Run, started: datetime, say: Say) -> None:
    """Note, for the report too, which stored results were damaged and have been computed again."""
    found = sorted(
        (repair.time, f"the stored result of '{job.title}' was damaged ({repair.what}) and has been computed again")
        for job in run.plan.jobs
        for repair in run.store.repairs(job.key)
    )
    for time, note in found:
        if time >= started.isoformat():
            say(note)
    write_repairs(run.store.root, [f"{note} ({time[:10]})" for time, note in found])


def _finished_run(situation: Situation, store: Store, dispatch: Dispatch, counter: _Counter) -> Run:
    reading = plan_reading(situation)
    _require_all(dispatch(reading.jobs, counter.report), store)
    survey, done = finished_survey(store, reading), reading.jobs
    while True:
        plan = plan_audit(situation, survey)
        counter.expect({job.key for job in (*done, *plan.jobs)})
        _require_all(dispatch(_beyond(plan, done), counter.report), store)
        run, done = Run(situation, plan, store), (*done, *plan.jobs)
        further = _asked_further(run)
        if further == situation:
            return run
        situation = further


def _asked_further(run: Run) -> Situation:
    """Return the situation in which a PATHOLOGY is confirmed, and plants that were not taken up give way to others."""
    confirm = run.situation.confirm | to_confirm(run)
    return replace(run.situation, confirm=confirm, climbed={**run.situation.climbed, **to_climb(run)})


def _undamaged(attempt: Callable[[], AuditRecord], out: Path) -> AuditRecord:
    """Try again where stored results turn out to be damaged: the next attempt computes them anew."""
    for _ in range(_ATTEMPTS):
        try:
            return attempt()
        except DamagedJobError as damage:
            found = damage
    raise IncompleteError(f"stored results of {out} are damaged again and again, last {found}; is the disk sound?")


def _where(options: Options, protocol: Protocol) -> Where:
    """Say where jobs run: code of the user's never in this process, which it could end."""
    apart = options.where.engine == "local" and protocol.code and os.name == "posix"
    return replace(options.where, engine="apart") if apart else options.where


def _beyond(plan: Plan, earlier: Iterable[Job]) -> list[Job]:
    known = {job.key for job in earlier}
    return [job for job in plan.jobs if job.key not in known]


class _Counter:
    """Counts finished jobs; the total is exact once the images have been surveyed."""

    def __init__(self, progress: Progress, expected: Plan) -> None:
        self._progress = progress
        self._total = len(expected.jobs)
        self._done = 0
        progress(0, self._total, None)

    def expect(self, jobs: Collection[str]) -> None:
        self._total = len(jobs)

    def report(self, job: Job, reason: str | None) -> None:
        self._done += 1
        self._progress(self._done, max(self._total, self._done), job)


def known_files(out: Path, say: Say = _silent_note, *, rehash: bool = False) -> dict[str, FileFacts]:
    """Read what an earlier look at the files found; a damaged list is left alone, and the files are read again.

    Parameters
    ----------
    out : Path
        The run folder.
    say : callable
        Told of a damaged list.
    rehash : bool
        Trust no state of a file: what is known of it then counts only where its whole content is the same.
    """
    path = out / FILES
    if not path.exists():
        return {}
    try:
        if any(OwnedFiles(out).differences(["setup"], [FILES, PLACES])):
            raise ValueError
        known = read_facts(out)
    except (OSError, ValueError, TypeError, LookupError, AttributeError):
        say(f"{path} is damaged and was not used; every file was read again")
        return {}
    return {name: fact.untrusted() for name, fact in known.items()} if rehash else known


def _open_folder(out: Path, protocol: Protocol, situation: Situation, facts: Mapping[str, FileFacts]) -> None:
    """Write down what is audited, and remove what an earlier audit found: it must not lie beside another's jobs."""
    places = stored_places(places_of(situation), out, pseudonymise=protocol.pseudonymise)
    owned = OwnedFiles(out)
    owned.sweep()
    owned.remove("results", "report", "viewer", "failures")
    description = {
        "Name": f"biasaudit: {protocol.name}",
        "BIDSVersion": "1.9.0",
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "biasaudit"}],
    }
    with owned.writing("setup") as folder:
        write_json(folder / PLACES, places)
        record_code(folder, protocol)
        (folder / PROTOCOL).write_text(dump_protocol(protocol), encoding="utf-8")
        (folder / "protocol.schema.json").write_text(json_schema(), encoding="utf-8")
        write_json(folder / FILES, {path: fact.to_dict() for path, fact in facts.items()})
        write_json(folder / INPUTS, hashes_of_named(protocol, _sidecars(situation)))
        write_json(folder / "dataset_description.json", description)


def _require_all(failures: Sequence[Failure], store: Store) -> None:
    if not failures:
        return
    _require_undamaged(failures, store)
    _require_room(failures)
    path = store.root / "failures.json"
    with OwnedFiles(store.root).writing("failures") as folder:
        records = [{"job": f.job.title, "step": f.job.step, "key": f.job.key, "reason": f.reason} for f in failures]
        write_json(folder / path.name, records)
    first = next((f for f in failures if not f.reason.startswith("not run")), failures[0])
    cause = first.reason.strip().splitlines()[-1]
    raise IncompleteError(
        f"{len(failures)} job(s) failed, first '{first.job.title}': {cause}; everything is in {path}; "
        "mend the cause and run the same command again, finished jobs are kept"
    )


def _require_room(failures: Sequence[Failure]) -> None:
    lack = next((failure.reason for failure in failures if failure.reason.startswith(NO_ROOM)), None)
    if lack is not None:
        raise NoRoomError(lack.removeprefix(f"{NO_ROOM}: "))


def _require_undamaged(failures: Sequence[Failure], store: Store) -> None:
    """Tell jobs that failed from jobs that found a stored result damaged which they read."""
    failed = {failure.job.key for failure in failures}
    for need in (need for failure in failures for need in failure.job.dependencies):
        if need not in failed:
            store.folder(need)
