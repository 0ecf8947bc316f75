"""The use case `compare`: two finished audits side by side, from what they have stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, cast

import numpy as np

from biasaudit.comparison.pair import ComparedArm, Gains, compare_pair
from biasaudit.comparison.record import RunComparisonRecord
from biasaudit.comparison.stored_arm import StoredArm, StoredRun, load_stored_run
from biasaudit.errors import UsageError
from biasaudit.records import ArmEvidence, Comparison, FindingRecord, Regime, Status
from biasaudit.stats.design import regime

__all__ = [
    "ArmNames",
    "ArmPair",
    "ChangedSetting",
    "FindingKey",
    "FindingPair",
    "Outcome",
    "RunComparison",
    "compare_runs",
]

SCHEMA_VERSION = "1.0"
_SMALLEST_CLASS = 4


class ArmNames(NamedTuple):
    """Names of an arm in the first and in the second run."""

    first: str
    second: str


@dataclass(frozen=True)
class ArmPair:
    """One arm of either run, and their differences where the same subjects were held out by the same folds.

    Attributes
    ----------
    arms : ArmNames
    subjects : int
        Subjects that the differences are of.
    unpaired : str
        Why there are no differences; empty if there are.
    differences : tuple of Comparison
        First run minus second.
    notes : tuple of str
        What the differences leave out.
    """

    arms: ArmNames
    subjects: int = 0
    unpaired: str = ""
    differences: tuple[Comparison, ...] = ()
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "arms": list(self.arms),
            "subjects": self.subjects,
            "unpaired": self.unpaired or None,
            "differences": [
                {key: value for key, value in each.to_dict().items() if key != "arms"} for each in self.differences
            ],
            "notes": list(self.notes),
        }


class FindingKey(NamedTuple):
    """What one finding is about; a run has at most one finding for each."""

    code: str
    factor: str | None
    contrast: str | None
    class_name: str | None
    layer: str | None
    input: str | None

    @classmethod
    def of(cls, finding: FindingRecord) -> FindingKey:
        """Say what a finding of ``audit.json`` is about."""
        return cls(
            finding["code"],
            finding.get("factor"),
            finding.get("contrast"),
            finding.get("class"),
            finding.get("layer"),
            finding.get("input"),
        )

    def to_dict(self) -> dict[str, str | None]:
        """As ``audit.json`` names its parts."""
        return {"class" if part == "class_name" else part: value for part, value in self._asdict().items()}


@dataclass(frozen=True)
class Outcome:
    """What one run found."""

    status: Status
    statistic: float | None
    p_value: float | None
    reason: str | None

    @classmethod
    def of(cls, finding: FindingRecord) -> Outcome:
        """Read the outcome of a finding of ``audit.json``."""
        return cls(finding["status"], finding.get("statistic"), finding.get("p_value"), finding.get("reason"))


@dataclass(frozen=True)
class FindingPair:
    """A finding that differs between two runs, or that only one of them has.

    Attributes
    ----------
    arms : ArmNames or None
        None for findings of the design.
    key : FindingKey
    first, second : Outcome or None
    """

    arms: ArmNames | None
    key: FindingKey
    first: Outcome | None
    second: Outcome | None

    def to_dict(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "arms": self.arms and list(self.arms),
            **self.key.to_dict(),
            "first": self.first and asdict(self.first),
            "second": self.second and asdict(self.second),
        }


@dataclass(frozen=True)
class ChangedSetting:
    """A field whose value differs; None where a run does not have it."""

    key: str
    first: Any
    second: Any


@dataclass(frozen=True)
class RunIdentity:
    """What a run is, in the order in which ``--json`` prints it."""

    folder: str
    name: str | None
    version: str | None
    finished: str | None
    subjects: int
    regime: Regime
    origins: list[str]
    classes: list[str]


@dataclass(frozen=True)
class RunComparison:
    """Two finished audits side by side.

    Attributes
    ----------
    runs : tuple of RunIdentity
    arms : tuple of mapping
        One record per arm of either run: ``run`` (1 or 2), ``arm``, verdict and estimates.
    pairs : tuple of ArmPair
    findings : tuple of FindingPair
    settings, environment : tuple of ChangedSetting
    same_data : bool
        Whether files, labels, origins and folds are the same.
    """

    runs: tuple[RunIdentity, RunIdentity]
    arms: tuple[Mapping[str, Any], ...]
    pairs: tuple[ArmPair, ...]
    findings: tuple[FindingPair, ...]
    settings: tuple[ChangedSetting, ...]
    environment: tuple[ChangedSetting, ...]
    same_data: bool

    def to_dict(self) -> RunComparisonRecord:
        """As ``--json`` prints it."""
        record = {
            "schema_version": SCHEMA_VERSION,
            "runs": [asdict(run) for run in self.runs],
            "same_data": self.same_data,
            "arms": [dict(arm) for arm in self.arms],
            "pairs": [pair.to_dict() for pair in self.pairs],
            "findings": [finding.to_dict() for finding in self.findings],
            "settings": [asdict(difference) for difference in self.settings],
            "environment": [asdict(difference) for difference in self.environment],
        }
        # The parts are frozen records whose fields are the keys.
        return cast(RunComparisonRecord, record)


def compare_runs(first: Path, second: Path) -> RunComparison:
    """Put two finished audits side by side.

    Arms of the same name belong together; where there are none, the primary arms.

    Parameters
    ----------
    first, second : Path
        Folders that ``biasaudit run`` wrote.

    Raises
    ------
    UsageError, IncompleteError, DataError
        One of them is no finished run, or both are the same.
    """
    if first.resolve() == second.resolve():
        raise UsageError(f"{first} is compared with itself; give two runs")
    one, two = load_stored_run(first), load_stored_run(second)
    pairs = _arms_that_belong_together(one, two)
    return RunComparison(
        runs=(_identity(one), _identity(two)),
        arms=tuple(record for number, run in enumerate((one, two), start=1) for record in _arm_records(run, number)),
        pairs=tuple(_arm_pair(pair) for pair in pairs),
        findings=tuple(_differing_findings(one, two, pairs)),
        settings=tuple(_changed(one.audit["settings"], two.audit["settings"])),
        environment=tuple(_changed(_environment(one), _environment(two))),
        same_data=one.audit["biasaudit"].get("data_sha256") == two.audit["biasaudit"].get("data_sha256"),
    )


@dataclass(frozen=True)
class _Pair:
    """One arm of the first run and the arm of the second that belongs to it."""

    first: StoredArm
    second: StoredArm

    @property
    def names(self) -> ArmNames:
        return ArmNames(self.first.name, self.second.name)


def _arms_that_belong_together(first: StoredRun, second: StoredRun) -> list[_Pair]:
    """Pair arms of the same name; where there are none, the primary arms."""
    others = {arm.name: arm for arm in second.arms}
    shared = [_Pair(arm, others[arm.name]) for arm in first.arms if arm.name in others]
    return shared or [_Pair(_primary(first), _primary(second))]


def _primary(run: StoredRun) -> StoredArm:
    return next(arm for arm in run.arms if arm.record["primary"])


def _environment(run: StoredRun) -> dict[str, str | None]:
    return {"biasaudit": run.audit["biasaudit"].get("version"), **run.audit["environment"]}


def _identity(run: StoredRun) -> RunIdentity:
    audit = run.audit
    return RunIdentity(
        folder=str(run.folder),
        name=audit.get("name"),
        version=audit["biasaudit"].get("version"),
        finished=audit["biasaudit"].get("finished"),
        subjects=audit["cohort"]["n"],
        regime=audit["design"]["regime"],
        origins=list(run.factors),
        classes=list(audit["cohort"]["classes"]),
    )


def _arm_records(run: StoredRun, number: int) -> Iterator[dict[str, Any]]:
    for arm in run.audit["arms"]:
        target, reliance, truth = arm["target"], arm["reliance"], next(iter((arm.get("truth") or {}).values()), None)
        yield {
            "run": number,
            "arm": arm["name"],
            "primary": arm["primary"],
            "verdict": arm["verdict"],
            "contrast": arm.get("contrast"),
            "provisional": arm["provisional"],
            "reason": arm["reason"],
            "auc": {"estimate": target["auc"], "low": target["auc_low"], "high": target["auc_high"]},
            "reliance": {key: reliance[key] for key in ("estimate", "low", "high", "from")},
            "lesion_gain": arm["lesion_gain"],
            "origin_auc": arm["origin_auc"],
            "truth": truth and {key: truth.get(key) for key in ("omega", "r", "auc_one_site")},
        }


def _arm_pair(pair: _Pair) -> ArmPair:
    """Compare two arms, contrast by contrast, by the primary factor of the first run."""
    first, second = pair.first.run, pair.second.run
    if first.factors[0] not in second.factors:
        origins = f"{', '.join(first.factors)}; {', '.join(second.factors)}"
        return ArmPair(pair.names, unpaired=f"the primary origin of the first run is none of the second ({origins})")
    if first.contrasts != second.contrasts:
        return ArmPair(pair.names, unpaired="the runs tell other classes apart")
    differences: list[Comparison] = []
    notes: list[str] = []
    subjects = 0
    for contrast in first.contrasts:
        own, other = (arm.evidence(first.factors[0], contrast) for arm in (pair.first, pair.second))
        reason = _unpaired(own, other)
        if reason:
            return ArmPair(pair.names, unpaired=reason)
        shared = _shared_rows(own, other)
        subjects = _count(shared.first)
        differences += _allowed(_paired_differences(pair, shared), pair, notes)
        notes += _left_out(own, other, subjects)
    if len(first.contrasts) > 1 and not (first.relevance.empty or second.relevance.empty):
        notes.append("lesion gain is not compared: with more than two classes the tables hold the maps of one contrast")
    return ArmPair(pair.names, subjects, "", tuple(differences), tuple(dict.fromkeys(notes)))


def _unpaired(first: ArmEvidence, second: ArmEvidence) -> str:
    """Say why two arms cannot be compared subject by subject; empty if they can."""
    own, other = _by_subject(first), _by_subject(second)
    shared = own.keys() & other.keys()
    if not shared:
        return "no subject was scored in both runs"
    relabelled = [subject for subject in shared if own[subject].groups != other[subject].groups]
    if relabelled:
        many = f"{len(relabelled)} of {len(shared)} shared subjects"
        return f"{many} have another class or origin, such as {min(relabelled)}"
    moved = [subject for subject in shared if own[subject].fold != other[subject].fold]
    if moved:
        return (
            f"{len(moved)} of {len(shared)} shared subjects were held out by another fold (`folds.n`, `folds.seed`, or "
            "another cohort): the networks that scored them learned from other subjects"
        )
    classes = [sum(own[subject].groups[0].positive == side for subject in shared) for side in (False, True)]
    if min(classes) < _SMALLEST_CLASS:
        return f"too few subjects were scored in both runs ({classes[0]} and {classes[1]} of the two classes)"
    return ""


class _Group(NamedTuple):
    """Class and origin of some images of a subject."""

    positive: bool
    origin: str


class _Unit(NamedTuple):
    """One row of the evidence: a subject, in one of its groups."""

    subject: str
    group: _Group


@dataclass(frozen=True)
class _ScoredSubject:
    """Where a subject belongs, and the fold that held it out."""

    groups: tuple[_Group, ...]
    fold: int


def _units(arm: ArmEvidence) -> list[_Unit]:
    groups = map(_Group, arm.positive.tolist(), arm.origin.tolist())
    return list(map(_Unit, arm.subject.tolist(), groups))


def _by_subject(arm: ArmEvidence) -> dict[str, _ScoredSubject]:
    """Gather the groups of every subject in the order of the rows."""
    found: dict[str, _ScoredSubject] = {}
    for unit, fold in zip(_units(arm), arm.fold.tolist(), strict=True):
        before = found[unit.subject].groups if unit.subject in found else ()
        found[unit.subject] = _ScoredSubject((*before, unit.group), fold)
    return found


@dataclass(frozen=True)
class _SharedRows:
    """Evidence of both arms on the rows that they share, in the order of the first."""

    first: ArmEvidence
    second: ArmEvidence


def _shared_rows(first: ArmEvidence, second: ArmEvidence) -> _SharedRows:
    place = {unit: row for row, unit in enumerate(_units(second))}
    rows = [row for row, unit in enumerate(_units(first)) if unit in place]
    others = [place[unit] for unit in _units(first) if unit in place]
    return _SharedRows(_rows(first, rows), _rows(second, others))


def _count(arm: ArmEvidence) -> int:
    return len(np.unique(arm.subject))


def _rows(arm: ArmEvidence, rows: list[int]) -> ArmEvidence:
    columns: tuple[str, ...] = ("subject", "positive", "origin", "fold", "severity", "logit", "logit_erased")
    columns += ("label", "patient", "erasable")
    fields: dict[str, Any] = {name: values[rows] for name in columns if (values := getattr(arm, name)) is not None}
    for name in ("covariates", "categories"):
        fields[name] = {key: values[rows] for key, values in getattr(arm, name).items()}
    kept = replace(arm, **fields)
    return replace(kept, regime=regime(kept.positive, kept.origin, kept.label))


def _paired_differences(pair: _Pair, shared: _SharedRows) -> Iterator[Comparison]:
    """Compare two arms on the rows that they share, and their gains on the patients that have a map in both runs."""
    own, other = pair.first.gains(), pair.second.gains()
    fold = dict(zip(shared.first.subject.tolist(), shared.first.fold.tolist(), strict=True))
    mapped = [subject for subject in fold if subject in own and subject in other]
    folds = np.array([fold[subject] for subject in mapped], dtype=np.intp)
    first, second = (Gains(np.array([gains[s] for s in mapped], dtype=np.float64), folds) for gains in (own, other))
    protocol = pair.first.run.protocol
    yield from compare_pair(ComparedArm(shared.first, first), ComparedArm(shared.second, second), protocol)


def _allowed(differences: Iterator[Comparison], pair: _Pair, notes: list[str]) -> Iterator[Comparison]:
    """Leave reliance out where the tables do not hold what it is adjusted for: the covariates of the first run."""
    runs = (pair.first.run, pair.second.run)
    first, second = (run.protocol.cohort.covariates for run in runs)
    for difference in differences:
        if difference.quantity != "reliance":
            yield difference
        elif not all(run.knows(first) for run in runs):
            notes.append("reliance is not compared: the tables of a run do not hold the covariates of the first")
        else:
            yield difference
            if first != second:
                notes.append("reliance is adjusted for the covariates of the first run in both")


def _left_out(first: ArmEvidence, second: ArmEvidence, shared: int) -> Iterator[str]:
    """Say of how many subjects the differences are, if that is not all of either run."""
    one, two = _count(first), _count(second)
    if max(one, two) > shared:
        yield f"differences are of the {shared} subjects that both runs scored; the runs scored {one} and {two}"


def _differing_findings(first: StoredRun, second: StoredRun, pairs: Sequence[_Pair]) -> Iterator[FindingPair]:
    """Pair the findings of the design and of every arm, and keep those whose status differs."""
    designs = (run.audit["design"].get("findings", []) for run in (first, second))
    yield from _finding_pairs(None, *designs)
    for pair in pairs:
        yield from _finding_pairs(pair.names, pair.first.record["findings"], pair.second.record["findings"])


def _finding_pairs(
    arms: ArmNames | None, first: Sequence[FindingRecord], second: Sequence[FindingRecord]
) -> Iterator[FindingPair]:
    own, other = ({FindingKey.of(each): Outcome.of(each) for each in findings} for findings in (first, second))
    for key in dict.fromkeys([*own, *other]):
        one, two = own.get(key), other.get(key)
        if (one and one.status) != (two and two.status):
            yield FindingPair(arms, key, one, two)


def _changed(first: Mapping[str, object], second: Mapping[str, object]) -> Iterator[ChangedSetting]:
    """Yield every field that differs, by its dotted key."""
    one, two = dict(_leaves(first)), dict(_leaves(second))
    for key in dict.fromkeys([*one, *two]):
        if one.get(key) != two.get(key):
            yield ChangedSetting(key, one.get(key), two.get(key))


def _leaves(settings: Mapping[str, object], prefix: str = "") -> Iterator[tuple[str, object]]:
    """Yield every value by its dotted key; lists are values."""
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
