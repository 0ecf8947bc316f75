"""Maps of subjects of a finished audit, by the networks that did not see them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from biasaudit import registry
from biasaudit.engine.audit import known_files
from biasaudit.engine.explain.explanation import (
    Explanation,
    NetworkFacts,
    Subject,
    Target,
    explained,
    plan_of,
    with_regions,
    write_explanations,
)
from biasaudit.engine.explain.request import Request, require_known, require_new, with_method
from biasaudit.engine.jobs.stack import Stack
from biasaudit.engine.jobs.store import Store
from biasaudit.engine.plan import finished_survey, plan_audit, plan_reading
from biasaudit.engine.predict import Say, chosen_arm, silent, stored_protocol, trained_networks
from biasaudit.engine.situation.places import places_of, require_places
from biasaudit.engine.situation.rows import baseline_rows, reference_rows
from biasaudit.engine.situation.situation import Situation
from biasaudit.engine.steps.attribute import Baseline, balanced_mean
from biasaudit.engine.steps.represent import transform
from biasaudit.engine.user_code.listing import code_lines
from biasaudit.engine.user_code.preprocessing import import_string_of
from biasaudit.engine.user_code.wall import walled
from biasaudit.engine.validation.situate import situate_here
from biasaudit.errors import UsageError
from biasaudit.protocol import AttributionSettings, Protocol
from biasaudit.records import Recipe, Volume, withholds_maps
from biasaudit.run_folder.contract import ArmRecord
from biasaudit.run_folder.finished import as_written, finished_audit
from biasaudit.run_folder.tsv import read_tsv

__all__ = ["explain_run"]

_DEFAULT_SUBJECTS = 2


def explain_run(run: Path, request: Request, say: Say = silent, *, trust: bool = False) -> str | None:
    """Explain subjects of a finished audit by the networks that did not see them.

    Parameters
    ----------
    run : Path
        Finished run folder; the images must still lie where the protocol says.
    request : Request
    say : callable
        Told what code of the user's is run.
    trust : bool
        Run whatever code the run folder names, also what its audit did not run.

    Returns
    -------
    str or None
        Why the report withholds the maps of this arm, if it does.

    Raises
    ------
    UsageError
        Unknown subjects, method and arm, all at once.
    IncompleteError, DataError
    """
    protocol = stored_protocol(run, "explain", trust=trust)
    require_places(run)
    for line in code_lines(protocol.code):
        say(line)
    return walled(protocol.code, _explained_run, run, protocol, request)


def _explained_run(run: Path, protocol: Protocol, request: Request) -> str | None:
    """Do what `explain_run` says in this process."""
    audit = finished_audit(run, "tables", "models", "maps")
    require_known(request, list(_subjects_of(run)), [record["name"] for record in audit["arms"]])
    require_new(request.out)
    arm = chosen_arm(audit, request.arm)
    situation, _ = situate_here(protocol.model_copy(update={"calibration": None}), known_files(run))
    settings = with_method(protocol.attribution, request.method)
    caution = _caution(arm, tested=protocol.attribution.method, used=settings.method)
    facts: NetworkFacts = {"Network": protocol.target.network, "Run": protocol.name, "Arm": arm["name"]}
    if caution:
        facts["Caution"] = caution
    inputs = _Inputs(run, situation, arm["representation"])
    wanted = _wanted(request, run, situation, arm["name"])
    found = list(_by_fold(run, inputs, wanted, settings, facts))
    write_explanations(found, plan_of(settings), request.out, places_of(situation))
    return caution


def _by_fold(
    run: Path, inputs: _Inputs, wanted: list[int], settings: AttributionSettings, facts: NetworkFacts
) -> Iterator[Explanation]:
    """Explain every subject by the networks of the fold that held it out."""
    situation = inputs.situation
    networks = trained_networks(run, facts["Arm"])
    for fold in dict.fromkeys(situation.folds[row] for row in wanted):
        own = networks[fold + 1]
        target = Target(
            networks=tuple(own),
            baseline=_baseline(inputs, fold, settings),
            grid=situation.grid,
            classes=situation.cohort.classes,
            method=settings.method,
            facts={**facts, "Fold": fold + 1, "HeldOut": True, "Networks": len(own)},
        )
        subjects = [inputs.subject(row) for row in wanted if situation.folds[row] == fold]
        yield from explained(subjects, target, plan_of(settings))


def _caution(arm: ArmRecord, *, tested: str, used: str) -> str | None:
    """Say that the maps of an arm, by the method of the audit, failed G2; None if they did not."""
    failed = [own["reason"] for own in arm["findings"] if withholds_maps(own["code"], own["status"])]
    if not failed:
        return None
    why = "; ".join(dict.fromkeys(failed))
    text = f"The report withholds the maps of the {arm['name']} arm ({_plain(tested)}): {why}."
    return f"{text} These are no evidence." if tested == used else f"{text} Those of {_plain(used)} were not tested."


def _plain(method: str) -> str:
    return method.replace("_", " ")


class _Inputs:
    """Network inputs of an audit: as stored by its jobs, else made again from the images."""

    def __init__(self, run: Path, situation: Situation, representation: str) -> None:
        self.situation, self._representation = situation, representation
        self._reader = registry.get("reader", situation.protocol.cohort.reader)()
        self._stored = _stored_inputs(Store(run), situation, representation)

    def __getitem__(self, row: int) -> np.ndarray:
        """Network input of one row, float32 (channels, *shape)."""
        if self._stored is not None:
            return np.asarray(self._stored[row], dtype=np.float32)
        found = import_string_of(self.situation.protocol, self._representation)
        return transform(found, self._volume(row), self.situation.grid)

    def subject(self, row: int) -> Subject:
        """Load one subject; with more than two classes the logit of its own class is explained."""
        cohort = self.situation.cohort
        sample = cohort.samples[row]
        output = None if len(cohort.classes) == 2 else cohort.classes.index(sample.label)
        return Subject(sample, self._volume(row), self[row], output)

    def _volume(self, row: int) -> Volume:
        situation = self.situation
        foreground = situation.protocol.cohort.foreground
        volume: Volume = self._reader.load(situation.cohort.samples[row], situation.grid, foreground)
        return volume


def _stored_inputs(store: Store, situation: Situation, representation: str) -> Stack | None:
    """Return the inputs that the jobs of the audit made, if all of them are still there."""
    reading = plan_reading(situation)
    if not store.finished(reading.survey):
        return None
    keys = plan_audit(situation, finished_survey(store, reading)).inputs[Recipe(representation)]
    if not all(store.finished(key) for key in keys):
        return None
    return Stack.of([store.folder(key) for key in keys], "original")


def _baseline(inputs: _Inputs, fold: int, settings: AttributionSettings) -> Baseline:
    """Compare as the maps of the audit do in that fold."""
    situation = inputs.situation
    asked = situation.protocol.model_copy(update={"attribution": settings})
    rows = reference_rows(replace(situation, protocol=asked), fold)
    healthy = None if rows is None else np.stack([inputs[row] for row in rows])
    mean = balanced_mean(inputs, baseline_rows(situation, fold))
    return with_regions(Baseline(settings.baseline, mean, healthy), settings, situation.grid)


def _wanted(request: Request, run: Path, situation: Situation, arm: str) -> list[int]:
    """Rows of the subjects asked for; by default those that the report shows, else the first of every class."""
    cohort, folds = situation.cohort, situation.folds
    subjects = set(request.subjects) or _shown(run, arm)
    if not subjects:
        own = {name: [s.subject for s in cohort.samples if s.label == name] for name in cohort.classes}
        subjects = {subject for names in own.values() for subject in names[:_DEFAULT_SUBJECTS]}
    rows = [row for row, sample in enumerate(cohort.samples) if sample.subject in subjects]
    seen = sorted({cohort.samples[row].subject for row in rows if folds[row] < 0})
    if seen and request.subjects:
        raise UsageError(f"{', '.join(seen)}: the network was trained on them; explain subjects that it has not seen")
    return [row for row in rows if folds[row] >= 0]


def _subjects_of(run: Path) -> pd.Series[str]:
    path = run / "tables" / "subjects.tsv"
    with as_written(path):
        return read_tsv(path, dtype=str)["subject"]


def _shown(run: Path, arm: str) -> set[str]:
    """Subjects whose maps of an arm the report shows."""
    path = run / "maps" / "overlays.tsv"
    if not path.exists():
        return set()
    with as_written(path):
        table = read_tsv(path, dtype=str)
        return set(table["subject"][table["arm"] == arm])
