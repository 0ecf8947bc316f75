"""The use case: from a protocol to a finished run folder."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from biasaudit.cohort.images.file_facts import FileFacts
from biasaudit.engine.jobs.dispatch import Failure, dispatcher
from biasaudit.engine.jobs.job import Job
from biasaudit.engine.jobs.json_files import read_json, write_json
from biasaudit.engine.jobs.store import Store
from biasaudit.engine.plan import Plan, expected_plan, finished_survey, plan_audit, plan_reading
from biasaudit.engine.results.audit_record import write_results
from biasaudit.engine.results.run import Run
from biasaudit.engine.results.verdicts import to_confirm
from biasaudit.engine.validation.situate import situate
from biasaudit.errors import IncompleteError
from biasaudit.protocol import Protocol, dump_protocol, json_schema
from biasaudit.run_folder.contract import AuditRecord

__all__ = ["FILES", "Options", "Progress", "known_files", "run_audit"]

FILES = "files.json"
"""What is known of the files that a run reads."""


@dataclass(frozen=True)
class Options:
    """How a run is carried out; nothing of it changes the result.

    Attributes
    ----------
    engine : str
        ``local`` or ``dask``.
    workers : int
    rehash : bool
        Hash every file of the cohort again, also where its state shows it to be the same as at an earlier look.
    """

    engine: str = "local"
    workers: int = 1
    rehash: bool = False


Progress = Callable[[int, int, Job | None], None]
"""Called with jobs done, jobs known and the job that has just ended."""


def _silent(done: int, total: int, job: Job | None) -> None:
    return None


def run_audit(protocol: Protocol, out: Path, options: Options, progress: Progress = _silent) -> AuditRecord:
    """Run an audit, or what is left of it, and write everything but the report.

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
    store = Store(out)
    store.require_ours()
    started = datetime.now(UTC)
    situation, facts = situate(protocol, known_files(out, rehash=options.rehash))
    _open_folder(out, protocol, facts)
    store.sweep()
    with dispatcher(options.engine, options.workers, out) as dispatch:
        counter = _Counter(progress, expected_plan(situation))
        reading = plan_reading(situation)
        _require_all(dispatch(reading.jobs, counter.report), out)
        plan = plan_audit(situation, finished_survey(store, reading))
        counter.expect(plan)
        _require_all(dispatch(_beyond(plan, reading), counter.report), out)
        confirm = to_confirm(Run(situation, plan, store))
        if confirm:
            situation, first = replace(situation, confirm=confirm), plan
            plan = plan_audit(situation, finished_survey(store, reading))
            counter.expect(plan)
            _require_all(dispatch(_beyond(plan, first), counter.report), out)
    (out / "failures.json").unlink(missing_ok=True)
    return write_results(Run(situation, plan, store), started)


def _beyond(plan: Plan, earlier: Plan) -> list[Job]:
    known = {job.key for job in earlier.jobs}
    return [job for job in plan.jobs if job.key not in known]


class _Counter:
    """Counts finished jobs; the total is exact once the images have been surveyed."""

    def __init__(self, progress: Progress, expected: Plan) -> None:
        self._progress = progress
        self._total = len(expected.jobs)
        self._done = 0
        progress(0, self._total, None)

    def expect(self, plan: Plan) -> None:
        self._total = len(plan.jobs)

    def report(self, job: Job, reason: str | None) -> None:
        self._done += 1
        self._progress(self._done, max(self._total, self._done), job)


def known_files(out: Path, *, rehash: bool = False) -> dict[str, FileFacts]:
    """Read what an earlier look at the files found.

    Parameters
    ----------
    out : Path
        The run folder.
    rehash : bool
        Trust no state of a file: what is known of it then counts only where its whole content is the same.
    """
    path = out / FILES
    if not path.exists():
        return {}
    known = {name: FileFacts.from_dict(record) for name, record in read_json(path).items()}
    return {name: fact.untrusted() for name, fact in known.items()} if rehash else known


def _open_folder(out: Path, protocol: Protocol, facts: Mapping[str, FileFacts]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    # A finished audit's verdict must not lie beside the jobs of another protocol while they run.
    (out / "audit.json").unlink(missing_ok=True)
    (out / "protocol.yaml").write_text(dump_protocol(protocol), encoding="utf-8")
    (out / "protocol.schema.json").write_text(json_schema(), encoding="utf-8")
    write_json(out / FILES, {path: fact.to_dict() for path, fact in facts.items()})
    description = {
        "Name": f"biasaudit: {protocol.name}",
        "BIDSVersion": "1.9.0",
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "biasaudit"}],
    }
    (out / "dataset_description.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


def _require_all(failures: Sequence[Failure], out: Path) -> None:
    if not failures:
        return
    path = out / "failures.json"
    write_json(path, [{"job": f.job.title, "step": f.job.step, "key": f.job.key, "reason": f.reason} for f in failures])
    first = next((f for f in failures if not f.reason.startswith("not run")), failures[0])
    cause = first.reason.strip().splitlines()[-1]
    raise IncompleteError(
        f"{len(failures)} job(s) failed, first '{first.job.title}': {cause}; everything is in {path}; "
        "mend the cause and run the same command again, finished jobs are kept"
    )
