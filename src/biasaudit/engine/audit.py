"""The use case: from a protocol to a finished run folder."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from biasaudit import registry
from biasaudit.cohort.images.channels import channels_of
from biasaudit.cohort.images.file_facts import FileFacts
from biasaudit.cohort.images.headers import sidecars_of
from biasaudit.cohort.images.inspection import foreground_notes, inspect_files, require_sound
from biasaudit.engine.jobs.book import user_code
from biasaudit.engine.jobs.dispatch import Failure, dispatcher
from biasaudit.engine.jobs.job import Job
from biasaudit.engine.jobs.json_files import read_json, write_json
from biasaudit.engine.jobs.store import Store
from biasaudit.engine.plan import Plan, plan_audit, plan_reading
from biasaudit.engine.remedies import can_balance
from biasaudit.engine.results.audit_record import write_results
from biasaudit.engine.results.run import Run
from biasaudit.engine.results.verdicts import to_confirm
from biasaudit.engine.situation.situation import MAPS, Facts, Situation, default_checks, single_origin_notes
from biasaudit.engine.steps.harmonise import harmonise_notes, require_harmonisable
from biasaudit.engine.user_code.functions import find, is_own
from biasaudit.engine.user_code.preprocessing import OwnInput, try_inputs
from biasaudit.engine.validation.ready_made import divided, ready_protocol, taken_over
from biasaudit.engine.validation.trial import functions_missing, training_faults, trial_notes
from biasaudit.errors import DataError, Fault, IncompleteError, ProtocolError, UsageError, suggestion
from biasaudit.protocol import Protocol, dump_protocol, json_schema
from biasaudit.records import Cohort, Grid
from biasaudit.stats.subsampling import SMALLEST_CLASS

__all__ = ["Options", "Progress", "expected_plan", "known_files", "run_audit", "situate", "surveyed_facts"]

_FILES = "files.json"


@dataclass(frozen=True)
class Options:
    """How to run, as far as it does not change the result.

    Attributes
    ----------
    engine : str
        ``local`` or ``dask``.
    workers : int
    """

    engine: str = "local"
    workers: int = 1


Progress = Callable[[int, int, Job | None], None]
"""Called with jobs done, jobs known and the job that has just ended."""


def _silent(done: int, total: int, job: Job | None) -> None:
    return None


def situate(protocol: Protocol, known: Mapping[str, FileFacts] | None = None) -> tuple[Situation, dict[str, FileFacts]]:
    """Read the cohort, look at every file, and divide the subjects; nothing is written.

    Parameters
    ----------
    protocol : Protocol
    known : mapping of path to FileFacts, optional
        What an earlier look found; unchanged files are not read again.

    Returns
    -------
    situation, facts
        `facts` is to be handed in as `known` the next time.

    Raises
    ------
    ProtocolError, DataError
        Every fault at once.
    """
    _require_known_names(protocol)
    reader = registry.get("reader", protocol.cohort.reader)()
    cohort = reader.read(protocol.cohort)
    protocol = ready_protocol(protocol, cohort)
    inspection = inspect_files(cohort, protocol.grid, known or {})
    faults = list(inspection.faults)
    folds: Sequence[int] = ()
    try:
        folds = divided(cohort, protocol)
    except DataError as error:
        faults.extend(error.faults)
    require_sound(replace(inspection, faults=tuple(faults)))
    if cohort.samples[0].images:
        cohort = replace(cohort, channels=channels_of(cohort.samples[0], inspection.facts))
    grid = reader.grid(cohort, protocol.grid)
    own_inputs = _own_inputs(protocol, cohort, grid)
    adopted, said = taken_over(protocol, cohort, grid, folds, own_inputs)
    _require_tissue(protocol, cohort.dimensions, all(sample.tissue for sample in cohort.samples))
    _require_maps(protocol, cohort)
    _require_balance(protocol, cohort)
    require_harmonisable(protocol, cohort, folds)
    notes = (
        *single_origin_notes(cohort),
        *cohort.notes,
        *said,
        *trial_notes(protocol.target.training),
        *harmonise_notes(protocol, cohort),
        *inspection.notes,
        *foreground_notes(cohort, inspection.facts, protocol.cohort.foreground),
    )
    hashes = {path: fact.sha256 for path, fact in inspection.facts.items()}
    cohort = replace(cohort, notes=tuple(dict.fromkeys(notes)))
    situation = Situation(
        protocol,
        cohort,
        grid,
        tuple(folds),
        hashes,
        adopted=adopted,
        sidecars=_sidecars(cohort),
        own_inputs=own_inputs,
    )
    _require_trainable(situation)
    return situation, dict(inspection.facts)


def _own_inputs(protocol: Protocol, cohort: Cohort, grid: Grid) -> dict[str, OwnInput]:
    """Try the user's own preprocessing on the first image."""
    codes = {arm.representation: user_code(arm.representation) for arm in protocol.arms if ":" in arm.representation}
    if not codes:
        return {}
    reader = registry.get("reader", protocol.cohort.reader)()
    volume = reader.load(cohort.samples[0], grid, protocol.cohort.foreground)
    return try_inputs(protocol.arms, volume, grid, codes)


def _sidecars(cohort: Cohort) -> dict[str, tuple[tuple[str, str], ...]]:
    """Sidecars of the first channel of every sample, with the hash of their content."""
    found = sidecars_of([sample.images[0] for sample in cohort.samples if sample.images])
    paths = {path for own in found.values() for path in own}
    hashes = {path: hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in paths}
    return {image: tuple((path, hashes[path]) for path in own) for image, own in found.items()}


def run_audit(protocol: Protocol, out: Path, options: Options, progress: Progress = _silent) -> dict[str, Any]:
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
    dict
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
    situation, facts = situate(protocol, known_files(out))
    _open_folder(out, protocol, facts)
    store.sweep()
    with dispatcher(options.engine, options.workers, out) as dispatch:
        counter = _Counter(progress, expected_plan(situation))
        reading = plan_reading(situation)
        _require_all(dispatch(reading.jobs, counter.report), out)
        plan = plan_audit(situation, surveyed_facts(store, reading))
        counter.expect(plan)
        _require_all(dispatch(_beyond(plan, reading), counter.report), out)
        confirm = to_confirm(Run(situation, plan, store))
        if confirm:
            situation, first = replace(situation, confirm=confirm), plan
            plan = plan_audit(situation, surveyed_facts(store, reading))
            counter.expect(plan)
            _require_all(dispatch(_beyond(plan, first), counter.report), out)
    (out / "failures.json").unlink(missing_ok=True)
    return write_results(Run(situation, plan, store), started)


def _beyond(plan: Plan, earlier: Plan) -> list[Job]:
    known = {job.key for job in earlier.jobs}
    return [job for job in plan.jobs if job.key not in known]


def expected_plan(situation: Situation) -> Plan:
    """Plan without having seen the images: masks where the table has them, nothing outside stripped brains."""
    voxels = tuple(int(sample.has_mask) for sample in situation.cohort.samples)
    return plan_audit(situation, Facts(voxels, background=situation.cohort.dimensions == 2))


def surveyed_facts(store: Store, reading: Plan) -> Facts:
    """Read what the survey found."""
    survey = read_json(store.folder(reading.survey) / "survey.json")
    return Facts(tuple(survey["mask_voxels"]), survey["background"])


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


def _require_known_names(protocol: Protocol) -> None:
    """Names of components are checked here because the protocol does not know the components."""
    faults = []
    for position, arm in enumerate(protocol.arms):
        if ":" in arm.representation:
            faults.extend(_function_faults(arm.representation, f"arms.{position}"))
        elif arm.representation not in registry.names("representation"):
            remedy = suggestion(arm.representation, registry.names("representation"))
            faults.append(Fault("protocol", f"arms.{position}: no representation {arm.representation!r}", remedy))
    for code in default_checks(protocol):
        if code not in registry.names("check"):
            faults.append(Fault("protocol", f"checks: no check {code!r}", suggestion(code, registry.names("check"))))
    if protocol.attribution.method not in registry.names("attribution"):
        remedy = suggestion(protocol.attribution.method, registry.names("attribution"))
        faults.append(Fault("protocol", f"attribution.method: no method {protocol.attribution.method!r}", remedy))
    atlas = protocol.attribution.atlas
    if atlas is not None and not atlas.is_file():
        faults.append(Fault("protocol", f"attribution.atlas: no such file {atlas}", "give the path of a label image"))
    faults.extend(_network_faults(protocol))
    faults.extend(functions_missing(protocol.target.training))
    if faults:
        raise ProtocolError(faults)


def _function_faults(name: str, key: str) -> list[Fault]:
    try:
        find(name, key)
    except UsageError as error:
        return [Fault("protocol", str(error))]
    return []


def _network_faults(protocol: Protocol) -> list[Fault]:
    from biasaudit.engine.user_code.network import make_network  # imports torch, which a table does not need
    from biasaudit.networks.factory import build_network

    target = protocol.target
    build = make_network if target.weights or is_own(target.network) else build_network
    try:
        network = build(target.network, (3, 1, 1), target.network_arguments)
    except UsageError as error:
        return [Fault("protocol", str(error))]
    modules = dict(network.named_modules())
    missing = [name for name in target.layers or () if name not in modules]
    return [Fault("protocol", f"target.layers: no module {name!r}", suggestion(name, modules)) for name in missing]


def _require_trainable(situation: Situation) -> None:
    faults = training_faults(situation, expected_plan(situation).jobs)
    if faults:
        raise ProtocolError(faults)


def _require_tissue(protocol: Protocol, dimensions: int, given: bool) -> None:
    wanted = any(arm.representation == "tissue" for arm in protocol.arms)
    if wanted and dimensions == 2 and not given:
        raise ProtocolError(
            [Fault("protocol", "arms: the tissue representation needs 3-D images or your own maps", "remove that arm")]
        )


def _require_maps(protocol: Protocol, cohort: Cohort) -> None:
    wanted = any(arm.representation == MAPS for arm in protocol.arms)
    if wanted and not all(sample.maps for sample in cohort.samples):
        message = "arms: the representation maps shows files of your own, and none are named"
        raise ProtocolError([Fault("protocol", message, "name them by `cohort.maps`, or remove that arm")])


def _require_balance(protocol: Protocol, cohort: Cohort) -> None:
    if all(arm.training == "all" for arm in protocol.arms):
        return
    if protocol.target.weights:
        message = "arms: a network trained elsewhere is not trained again"
        raise ProtocolError([Fault("protocol", message, "leave `training` out")])
    if not can_balance(cohort):
        message = (
            f"arms: balanced training needs a {cohort.factors[0]} with {SMALLEST_CLASS} subjects of each class: "
            "elsewhere the origin says what the class is, and no choice of rows can change that"
        )
        raise ProtocolError([Fault("protocol", message, "remove that arm")])


def known_files(out: Path) -> dict[str, FileFacts]:
    """Read what an earlier look at the files found."""
    path = out / _FILES
    if not path.exists():
        return {}
    return {name: FileFacts.from_dict(record) for name, record in read_json(path).items()}


def _open_folder(out: Path, protocol: Protocol, facts: Mapping[str, FileFacts]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    # A finished audit's verdict must not lie beside the jobs of another protocol while they run.
    (out / "audit.json").unlink(missing_ok=True)
    (out / "protocol.yaml").write_text(dump_protocol(protocol), encoding="utf-8")
    (out / "protocol.schema.json").write_text(json_schema(), encoding="utf-8")
    write_json(out / _FILES, {path: fact.to_dict() for path, fact in facts.items()})
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
