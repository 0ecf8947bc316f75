"""Where ``biasaudit explain`` takes networks and images from: a finished audit, or a network and a table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from biasaudit import registry
from biasaudit.cohort.images.inspection import inspect_files, require_sound
from biasaudit.engine.audit import known_files
from biasaudit.engine.explain.explanation import (
    Explanation,
    Subject,
    Target,
    explained,
    with_regions,
    work_of,
    write_explanations,
)
from biasaudit.engine.jobs.stack import Stack
from biasaudit.engine.jobs.store import Store
from biasaudit.engine.plan import plan_audit, plan_reading, surveyed_facts
from biasaudit.engine.predict import chosen_arm, finished_audit, trained_networks
from biasaudit.engine.situation.rows import baseline_rows, reference_rows
from biasaudit.engine.situation.situation import Situation
from biasaudit.engine.steps.attribute import Comparison, balanced_mean
from biasaudit.engine.steps.represent import transform
from biasaudit.engine.steps.train import to_device
from biasaudit.engine.user_code.network import build, convention, make_network
from biasaudit.engine.user_code.preprocessing import located
from biasaudit.engine.user_code.weights import State, match_state, read_state
from biasaudit.engine.validation.situate import situate
from biasaudit.errors import DataError, UsageError, suggestion
from biasaudit.protocol import AttributionSettings, GridSettings, LabelSettings, TableCohort, load_protocol
from biasaudit.records import Cohort, Grid, Sample

__all__ = ["Request", "explain_network", "explain_run"]

_MOST_OUTPUTS = 20
_DEFAULT_SUBJECTS = 2


@dataclass(frozen=True)
class Request:
    """What is to be explained.

    Attributes
    ----------
    subjects : tuple of str
        Empty: those that the report shows, or the first rows of the table.
    method : str or None
        Default: that of the protocol.
    arm : str or None
        Of a run its arm (default: the primary one); of a network its representation (default: intensity).
    out : Path
    """

    subjects: tuple[str, ...]
    method: str | None
    arm: str | None
    out: Path


def explain_run(run: Path, request: Request) -> str | None:
    """Explain subjects of a finished audit by the networks that did not see them.

    Parameters
    ----------
    run : Path
        Finished run folder; the images must still lie where the protocol says.
    request : Request

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
    audit = finished_audit(run)
    protocol = load_protocol(run / "protocol.yaml")
    if isinstance(protocol.cohort, TableCohort) and (protocol.cohort.scored or protocol.cohort.features):
        raise UsageError(f"{run} audited no images (scores or features were given); explain needs images")
    table = pd.read_csv(run / "tables" / "subjects.tsv", sep="\t", dtype=str, keep_default_na=False)
    arms = {record["name"]: record["representation"] for record in audit["arms"]}
    _require_known(request, list(table["subject"]), arms)
    _require_new(request.out)
    arm, representation = chosen_arm(audit, request.arm)
    situation, _ = situate(protocol, known_files(run))
    inputs = _Inputs(run, situation, representation)
    wanted = _wanted(request, run, situation, arm)
    networks = trained_networks(run, arm)
    settings, method = _settings(protocol.attribution, request)
    work = work_of(settings, method)
    facts = {"Method": method, "Network": protocol.target.network, "Run": protocol.name, "Arm": arm}
    caution = _caution(audit, arm, (protocol.attribution.method, method))
    facts |= {"Caution": caution} if caution else {}
    found: list[Explanation] = []
    for fold in dict.fromkeys(situation.folds[row] for row in wanted):
        comparison = _comparison(situation, inputs, (fold, settings, method))
        own = {"Fold": fold + 1, "HeldOut": True, "Networks": len(networks[fold + 1])}
        target = Target(
            tuple(networks[fold + 1]), comparison, situation.grid, situation.cohort.classes, {**facts, **own}
        )
        rows = [row for row in wanted if situation.folds[row] == fold]
        found.extend(explained([inputs.subject(row) for row in rows], target, work))
    write_explanations(found, work, request.out)
    return caution


def _caution(audit: Mapping[str, Any], arm: str, methods: tuple[str, str]) -> str | None:
    """Say that the maps of an arm, by the method of the audit, failed G2; None if they did not."""
    findings = next(record["findings"] for record in audit["arms"] if record["name"] == arm)
    failed = [own["reason"] for own in findings if own["code"] == "G2" and own["status"] == "concern"]
    if not failed:
        return None
    tested, used = (method.replace("_", " ") for method in methods)
    text = f"The report withholds the maps of the {arm} arm ({tested}): {'; '.join(dict.fromkeys(failed))}."
    return f"{text} These are no evidence." if tested == used else f"{text} Those of {used} were not tested."


def explain_network(network: tuple[str, Path], table: Path, spacing: float | None, request: Request) -> None:
    """Explain images of a table by a network that no audit has seen.

    The images are compared with themselves, blurred, since nothing says which of them are healthy.

    Parameters
    ----------
    network : (str, Path)
        Factory (``own.py:factory``, ``package.module:factory`` or the name of a known network) and its weights.
    table : Path
        Manifest with the columns ``subject`` and ``image``.
    spacing : float or None
        Voxel size of the grid in mm; default: as the images are, but at least 4 mm.
    request : Request

    Raises
    ------
    UsageError, DataError
    """
    settings = TableCohort(
        reader="table", table=table, label=LabelSettings(column="label", positive="pathology"), origins=["origin"]
    )
    reader = registry.get("reader", "table")()
    cohort = reader.read(settings, labelled=False)
    representations = {name: name for name in registry.names("representation")}
    if request.arm and ":" in request.arm:
        representations[request.arm] = request.arm
    _require_known(request, [sample.subject for sample in cohort.samples], representations)
    _require_new(request.out)
    grid_settings = GridSettings.model_validate({"spacing": spacing})
    require_sound(inspect_files(cohort, grid_settings, {}))
    grid = reader.grid(cohort, grid_settings)
    attribution, method = _settings(AttributionSettings(baseline="blurred"), request)
    if registry.get("attribution", method).needs == "healthy":
        raise UsageError(f"{method} compares with healthy images, which a network without an audit does not have")
    subjects = list(_table_subjects(cohort, grid, request))
    shape = subjects[0].image.shape
    loaded, notes = _own_network(network, shape)
    subjects = [replace(subject, output=_predicted(loaded, subject.image)) for subject in subjects]
    mean = np.mean([subject.image for subject in subjects], axis=0)
    comparison = with_regions(Comparison(attribution.baseline, mean), attribution, method, grid)
    outputs = _outputs(loaded, subjects[0].image)
    classes = ("the other class", "pathology") if outputs == 1 else tuple(f"output {n}" for n in range(outputs))
    facts = {"Method": method, "Network": network[0], "Weights": str(network[1]), "Notes": list(notes)}
    target = Target((loaded,), comparison, grid, classes, {**facts, "HeldOut": "unknown"})
    work = work_of(attribution, method)
    write_explanations(list(explained(subjects, target, work)), work, request.out)


class _Inputs:
    """Network inputs of an audit: as stored by its jobs, else made again from the images."""

    def __init__(self, run: Path, situation: Situation, representation: str) -> None:
        self._situation, self._representation = situation, representation
        self._reader = registry.get("reader", situation.protocol.cohort.reader)()
        self._stored = _stored_inputs(Store(run), situation, representation)

    def __getitem__(self, row: int) -> np.ndarray:
        """Network input of one row, float32 (channels, *shape)."""
        if self._stored is not None:
            return np.asarray(self._stored[row], dtype=np.float32)
        found = located(self._situation.protocol, self._representation)
        return transform(found, self._volume(row), self._situation.grid)

    def subject(self, row: int) -> Subject:
        """Make one row ready to be explained; with more than two classes for its own."""
        cohort = self._situation.cohort
        sample = cohort.samples[row]
        output = None if len(cohort.classes) == 2 else cohort.classes.index(sample.label)
        return Subject(sample, self._volume(row), self[row], output)

    def _volume(self, row: int) -> Any:
        protocol = self._situation.protocol
        return self._reader.load(self._situation.cohort.samples[row], self._situation.grid, protocol.cohort.foreground)


def _stored_inputs(store: Store, situation: Situation, representation: str) -> Stack | None:
    reading = plan_reading(situation)
    if not store.finished(reading.survey):
        return None
    keys = plan_audit(situation, surveyed_facts(store, reading)).inputs[representation]
    if not all(store.finished(key) for key in keys):
        return None
    return Stack([store.folder(key) / "original.npy" for key in keys])


def _comparison(situation: Situation, inputs: _Inputs, how: tuple[int, AttributionSettings, str]) -> Comparison:
    """Compare as the maps of the audit do in that fold."""
    fold, settings, method = how
    asked = situation.protocol.model_copy(update={"attribution": settings.model_copy(update={"method": method})})
    rows = reference_rows(replace(situation, protocol=asked), fold)
    healthy = None if rows is None else np.stack([inputs[row] for row in rows])
    mean = balanced_mean(inputs, baseline_rows(situation, fold))
    return with_regions(Comparison(settings.baseline, mean, healthy), settings, method, situation.grid)


def _settings(settings: AttributionSettings, request: Request) -> tuple[AttributionSettings, str]:
    method = request.method or settings.method
    return settings.model_copy(update={"method": method}), method


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


def _shown(run: Path, arm: str) -> set[str]:
    path = run / "maps" / "overlays.tsv"
    if not path.exists():
        return set()
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    return set(table["subject"][table["arm"] == arm])


def _table_subjects(cohort: Cohort, grid: Grid, request: Request) -> Iterator[Subject]:
    reader = registry.get("reader", "table")()
    for sample in cohort.samples:
        if not request.subjects or sample.subject in request.subjects:
            plain: Sample = replace(sample, label="", origins={})
            volume = reader.load(sample, grid, "auto")
            yield Subject(plain, volume, transform(request.arm or "intensity", volume, grid))


def _own_network(network: tuple[str, Path], shape: tuple[int, ...]) -> tuple[torch.nn.Module, tuple[str, ...]]:
    """Build the user's network with its weights, returning logits whatever it returns itself."""
    factory, weights = network
    state, read = read_state(weights)
    sizes = (len(shape) - 1, shape[0])
    arguments, matched, notes = _fitting(factory, sizes, (state, weights))
    trained = make_network(factory, (*sizes, 1), arguments)
    trained.load_state_dict(matched)
    known = convention(trained, shape, "auto")
    outputs = 1 if known.outputs <= 2 else known.outputs
    built = build(*sizes, outputs, factory=factory, arguments=arguments, convention=asdict(known))
    built.load_state_dict(matched)
    said = f"the network returns {known.scale}" if known.scale == "logits" else f"{known.scale} turned into logits"
    return to_device(built).eval(), (*read, *notes, said)


def _fitting(
    factory: str, sizes: tuple[int, int], given: tuple[State, Path]
) -> tuple[dict[str, Any], State, tuple[str, ...]]:
    """Find the number of outputs that the weights fit, where the factory asks for it."""
    first: DataError | None = None
    for outputs in range(1, _MOST_OUTPUTS + 1):
        network = make_network(factory, (*sizes, outputs), {})
        try:
            matched, notes = match_state(network, *given)
        except DataError as error:
            first = first or error
            continue
        takes = outputs > 1
        return ({"out_channels": outputs} if takes else {}), matched, notes
    assert first is not None
    raise first


@torch.no_grad()
def _predicted(network: torch.nn.Module, image: np.ndarray) -> int | None:
    """Class that is explained: the one the network predicts, or None for a single logit."""
    logits = network(torch.from_numpy(image[None]).to(next(network.parameters()).device))
    return None if logits.shape[1] == 1 else int(logits.argmax())


@torch.no_grad()
def _outputs(network: torch.nn.Module, image: np.ndarray) -> int:
    return int(network(torch.from_numpy(image[None]).to(next(network.parameters()).device)).shape[1])


def _require_known(request: Request, subjects: Sequence[str], arms: Any) -> None:
    """Name everything unknown at once."""
    faults = [
        f"no subject {subject!r}; {suggestion(subject, subjects)}"
        for subject in request.subjects
        if subject not in subjects
    ]
    methods = registry.names("attribution")
    if request.method is not None and request.method not in methods:
        faults.append(f"no method {request.method!r}; {suggestion(request.method, methods)}")
    if request.arm is not None and request.arm not in arms:
        faults.append(f"no arm {request.arm!r}; {suggestion(request.arm, arms)}")
    if faults:
        raise UsageError("\n".join(faults))


def _require_new(out: Path) -> None:
    if out.exists() and (not out.is_dir() or any(out.iterdir())) and not (out / "explain.json").exists():
        raise UsageError(f"{out} is not empty and holds no explanations; give a new folder")
