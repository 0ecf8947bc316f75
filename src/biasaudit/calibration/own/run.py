"""The use case `biasaudit calibrate --cohort`: audit planted copies of a cohort's images, and sum up."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from biasaudit.calibration.arguments import CalibrateArguments
from biasaudit.calibration.cohort_table import ArmRecord, CohortRecord
from biasaudit.calibration.own.budget import FEWEST_COPIES, Budget, budget_of, require_budget
from biasaudit.calibration.own.copies import FIRST, Copy, describe, kinds_of, protocol_of
from biasaudit.calibration.own.ladder import LEARNED, Outcome, chosen_diseases, next_round
from biasaudit.calibration.own.original import Original, original_of
from biasaudit.calibration.own.summary import write_own_rates
from biasaudit.calibration.provenance import code_commit, machine
from biasaudit.calibration.run import Progress, counting
from biasaudit.engine.jobs.book import make_job
from biasaudit.engine.jobs.dispatch import Dispatch, Failure, dispatcher
from biasaudit.engine.jobs.job import Job
from biasaudit.engine.jobs.json_files import digest, read_json
from biasaudit.engine.jobs.store import Store
from biasaudit.engine.jobs.where import Where
from biasaudit.engine.plan import expected_plan
from biasaudit.engine.situation.identity import identity_of
from biasaudit.engine.validation.situate import situate
from biasaudit.errors import DataError, Fault, IncompleteError
from biasaudit.own_rates import OWN_RATES, Identity
from biasaudit.protocol import Protocol
from biasaudit.run_folder.lock import in_use
from biasaudit.run_folder.owned import OwnedFiles
from biasaudit.run_folder.place import require_ours

__all__ = ["calibrate_own"]


def calibrate_own(protocol: Protocol, budget: str | None, out: Path, where: Where, progress: Progress) -> Path:
    """Audit copies of a cohort until the budget is spent; an unfinished calibration goes on where it stopped.

    Parameters
    ----------
    protocol : Protocol
        Of the audit whose error rates are measured.
    budget : str or None
        As of `budget_of`.
    out : Path
        Gets ``own-rates.json``, ``own-calibration.md`` and ``copies.tsv``.
    where, progress
        As in `biasaudit.calibration.run.run_cells`.

    Returns
    -------
    Path
        The file of rates, which the protocol names as `calibration`.

    Raises
    ------
    InputError
        If the protocol or its data cannot be audited or copied, or no disease can be planted that the network learns.
    UsageError
        If the budget is too small for any rate, or the folder holds something else.
    IncompleteError
        If the time was too short for any rate, or audits of copies failed.
    """
    require_budget(budget)
    situation, _ = situate(protocol.model_copy(update={"calibration": None}))
    original, identity = original_of(situation), identity_of(situation)
    allowed = budget_of(budget, _trainings(original))
    require_ours(out, "calibration")
    with in_use(out, "calibration"):
        owned, started = OwnedFiles(out), time.monotonic()
        owned.sweep()
        Store(out).sweep()
        work = _Work(original, identity, out, allowed, progress)
        with dispatcher(where, out) as dispatch:
            work.run(dispatch)
        work.require_enough()
        about = {**_provenance(where, started), "copies": str(len(work.records))}
        with owned.writing("own rates") as staged:
            write_own_rates(list(work.records.values()), original, identity, about, staged)
        work.require_none_failed()
    return out / OWN_RATES


def _trainings(original: Original) -> int:
    """Count the networks that the audit of one copy trains."""
    situation, _ = situate(protocol_of(FIRST, original))
    return sum(job.step == "train" for job in expected_plan(situation).jobs)


class _Work:
    """The copies that were audited, and those that are audited next."""

    def __init__(self, original: Original, identity: Identity, out: Path, budget: Budget, progress: Progress) -> None:
        self._of = digest(asdict(identity))[:12]
        self._original, self._out, self._store = original, out, Store(out)
        self._budget, self._progress = budget, progress
        self._started = time.monotonic()
        self.records: dict[str, CohortRecord] = {}
        self._outcomes: dict[str, Outcome] = {}
        self._failures: list[Failure] = []

    def run(self, dispatch: Dispatch) -> None:
        """Audit one round of copies after the other."""
        kinds, longest = kinds_of(self._original), 0.0
        while True:
            copies = self._affordable(next_round(self._outcomes, kinds))
            spent = time.monotonic() - self._started
            if not copies or (self._budget.seconds is not None and spent + longest > self._budget.seconds):
                return
            self._audit(copies, dispatch)
            longest = max(longest, time.monotonic() - self._started - spent)

    def _affordable(self, copies: list[Copy]) -> list[Copy]:
        most = self._budget.copies
        return copies if most is None else copies[: max(0, most - len(self._outcomes))]

    def _audit(self, copies: Sequence[Copy], dispatch: Dispatch) -> None:
        jobs = {copy.name: self._job(copy) for copy in copies}
        done, total = len(self._outcomes), self._budget.copies or len(self._outcomes) + len(copies)
        self._failures += dispatch(list(jobs.values()), counting(self._progress, done, total))
        for name, job in jobs.items():
            self._outcomes[name] = self._read(name, job)

    def _job(self, copy: Copy) -> Job:
        """Plan the audit of a copy; other images, which a protocol only names, are another job."""
        about = describe(copy) | {"of": self._of}
        return make_job(CalibrateArguments(copy.name, about, protocol_of(copy, self._original)), {}, copy.name)

    def _read(self, name: str, job: Job) -> Outcome:
        """Read what a copy came to; nothing of one whose audit failed."""
        if not self._store.finished(job.key):
            return Outcome(float("nan"), float("nan"))
        record: CohortRecord = read_json(self._store.folder(job.key) / "record.json") | {"name": name}
        self.records[name] = record
        return _outcome(record["records"][0])

    def require_enough(self) -> None:
        """Refuse to speak of rates where there are none.

        Raises
        ------
        DataError, IncompleteError
        """
        self._require_some()
        searched = [own.auc for name, own in self._outcomes.items() if name.startswith("disease-")]
        if not chosen_diseases(self._outcomes) and next_round(self._outcomes, ("tone",)) == []:
            message = f"the network learns no disease that can be planted: AUC {np.nanmax(searched):.2f} at best"
            remedy = f"{LEARNED[0]} is needed: train longer, or add images; then calibrate again"
            raise DataError([Fault("cohort", message, remedy)])
        if len(self._outcomes) < FEWEST_COPIES or len(searched) == len(self._outcomes):
            raise IncompleteError(
                f"the budget was spent on {len(self._outcomes)} copies, {len(searched)} of them to find how strong a "
                f"disease must be, and a rate takes {FEWEST_COPIES}: the same command with a larger one goes on"
            )

    def _require_some(self) -> None:
        if not self.records:
            self.require_none_failed()
            raise IncompleteError("no copy was audited in that time: give a larger --budget")

    def require_none_failed(self) -> None:
        """Tell what failed after everything else is written.

        Raises
        ------
        IncompleteError
        """
        if self._failures:
            first = self._failures[0]
            last = first.reason.strip().splitlines()[-1]
            raise IncompleteError(f"{len(self._failures)} audit(s) of copies failed, first {first.job.title}: {last}")


def _outcome(record: ArmRecord) -> Outcome:
    competence = next(finding for finding in record["findings"] if finding["code"] == "G1")
    truth = record["truth"]
    auc, reliance = competence["statistic"], None if truth is None else truth["r"]
    return Outcome(*(float("nan") if value is None else float(value) for value in (auc, reliance)))


def _provenance(where: Where, started: float) -> Mapping[str, str]:
    minutes = (time.monotonic() - started) / 60
    return {
        "command": " ".join(["biasaudit", *map(_without_folders, sys.argv[1:])]),
        "commit": code_commit(),
        "wall time of the last run": f"{minutes:.1f} min, {where.workers} worker(s)",
        "machine": machine(),
    }


def _without_folders(word: str) -> str:
    """Leave out where the user keeps his files: the rates are handed on with reports, which do not say it either."""
    option, given, value = word.rpartition("=") if word.startswith("-") else ("", "", word)
    return f"{option}{given}{Path(value).name if os.sep in value else value}"
