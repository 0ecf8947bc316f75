"""The use case `compare`: two finished audits side by side, from what they have stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from biasaudit.comparison.pair import Gains, compare_pair
from biasaudit.comparison.stored_arm import StoredRun, load_stored_run
from biasaudit.errors import UsageError
from biasaudit.records import ArmEvidence, Comparison
from biasaudit.stats.design import regime

__all__ = ["ArmPair", "Difference", "FindingPair", "RunComparison", "compare_runs"]

SCHEMA_VERSION = "1.0"
_SMALLEST_CLASS = 4
_KEY = ("code", "factor", "contrast", "class", "layer", "input")


@dataclass(frozen=True)
class ArmPair:
    """One arm of either run, and their differences where the same subjects were held out by the same folds.

    Attributes
    ----------
    arms : tuple of str
        Names of the arm in the first and in the second run.
    subjects : int
        Subjects that the differences are of.
    unpaired : str
        Why there are no differences; empty if there are.
    differences : tuple of Comparison
        First run minus second.
    notes : tuple of str
        What the differences leave out.
    """

    arms: tuple[str, str]
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


@dataclass(frozen=True)
class FindingPair:
    """A finding that differs between two runs, or that only one of them has.

    Attributes
    ----------
    arms : tuple of str or None
        None for findings of the design.
    key : mapping
        ``code``, ``factor``, ``contrast``, ``class``, ``layer``, ``input``.
    first, second : mapping or None
        ``status``, ``statistic``, ``p_value`` and ``reason``.
    """

    arms: tuple[str, str] | None
    key: Mapping[str, Any]
    first: Mapping[str, Any] | None
    second: Mapping[str, Any] | None

    def to_dict(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "arms": self.arms and list(self.arms),
            **self.key,
            "first": self.first and dict(self.first),
            "second": self.second and dict(self.second),
        }


@dataclass(frozen=True)
class Difference:
    """A field whose value differs; None where a run does not have it."""

    key: str
    first: Any
    second: Any


@dataclass(frozen=True)
class RunComparison:
    """Two finished audits side by side.

    Attributes
    ----------
    runs : tuple of mapping
        What either run is: ``folder``, ``name``, ``version``, ``finished``, ``subjects``, ``regime``.
    arms : tuple of mapping
        One record per arm of either run: ``run`` (1 or 2), ``arm``, verdict and estimates.
    pairs : tuple of ArmPair
    findings : tuple of FindingPair
    settings, environment : tuple of Difference
    same_data : bool
        Whether files, labels, origins and folds are the same.
    """

    runs: tuple[Mapping[str, Any], Mapping[str, Any]]
    arms: tuple[Mapping[str, Any], ...]
    pairs: tuple[ArmPair, ...]
    findings: tuple[FindingPair, ...]
    settings: tuple[Difference, ...]
    environment: tuple[Difference, ...]
    same_data: bool

    def to_dict(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "schema_version": SCHEMA_VERSION,
            "runs": [dict(run) for run in self.runs],
            "same_data": self.same_data,
            "arms": [dict(arm) for arm in self.arms],
            "pairs": [pair.to_dict() for pair in self.pairs],
            "findings": [finding.to_dict() for finding in self.findings],
            "settings": [asdict(difference) for difference in self.settings],
            "environment": [asdict(difference) for difference in self.environment],
        }


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
    runs = load_stored_run(first), load_stored_run(second)
    pairs = _arms_that_belong_together(*runs)
    one, two = (run.audit for run in runs)
    return RunComparison(
        runs=(_identity(runs[0]), _identity(runs[1])),
        arms=tuple(record for number, run in enumerate(runs, start=1) for record in _arm_records(run, number)),
        pairs=tuple(_arm_pair(runs, names) for names in pairs),
        findings=tuple(_differing_findings(runs, pairs)),
        settings=tuple(_differences(one["settings"], two["settings"])),
        environment=tuple(
            _differences(*({"biasaudit": own["biasaudit"].get("version"), **own["environment"]} for own in (one, two)))
        ),
        same_data=one["biasaudit"].get("data_sha256") == two["biasaudit"].get("data_sha256"),
    )


def _arms_that_belong_together(first: StoredRun, second: StoredRun) -> list[tuple[str, str]]:
    names, primary = [], []
    for run in (first, second):
        names.append([arm["name"] for arm in run.audit["arms"]])
        primary.append(next(arm["name"] for arm in run.audit["arms"] if arm["primary"]))
    shared = [name for name in names[0] if name in names[1]]
    return [(name, name) for name in shared] or [(primary[0], primary[1])]


def _identity(run: StoredRun) -> dict[str, Any]:
    audit = run.audit
    return {
        "folder": str(run.folder),
        "name": audit.get("name"),
        "version": audit["biasaudit"].get("version"),
        "finished": audit["biasaudit"].get("finished"),
        "subjects": audit["cohort"]["n"],
        "regime": audit["design"]["regime"],
        "origins": list(run.factors),
        "classes": list(audit["cohort"]["classes"]),
    }


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


def _arm_pair(runs: tuple[StoredRun, StoredRun], names: tuple[str, str]) -> ArmPair:
    first, second = runs
    factor = first.factors[0]
    if factor not in second.factors:
        origins = f"{', '.join(first.factors)}; {', '.join(second.factors)}"
        return ArmPair(names, unpaired=f"the primary origin of the first run is none of the second ({origins})")
    if first.contrasts != second.contrasts:
        return ArmPair(names, unpaired="the runs tell other classes apart")
    differences: list[Comparison] = []
    notes: list[str] = []
    subjects = 0
    for contrast in first.contrasts:
        arms = first.evidence(names[0], factor, contrast), second.evidence(names[1], factor, contrast)
        reason = _unpaired(*arms)
        if reason:
            return ArmPair(names, unpaired=reason)
        paired = _same_rows(*arms)
        subjects = len(np.unique(paired[0].subject))
        differences += _named(compare_pair(paired, _gains(runs, names, paired[0]), first.protocol), runs, notes)
        notes += _left_out(arms, paired)
    if len(first.contrasts) > 1 and not (first.relevance.empty or second.relevance.empty):
        notes.append("lesion gain is not compared: with more than two classes the tables hold the maps of one contrast")
    return ArmPair(names, subjects, "", tuple(differences), tuple(dict.fromkeys(notes)))


def _unpaired(first: ArmEvidence, second: ArmEvidence) -> str:
    """Say why two arms cannot be compared subject by subject; empty if they can."""
    own, other = _by_subject(first), _by_subject(second)
    shared = own.keys() & other.keys()
    if not shared:
        return "no subject was scored in both runs"
    relabelled = [subject for subject in shared if own[subject][:2] != other[subject][:2]]
    if relabelled:
        many = f"{len(relabelled)} of {len(shared)} shared subjects"
        return f"{many} have another class or origin, such as {min(relabelled)}"
    moved = [subject for subject in shared if own[subject][2] != other[subject][2]]
    if moved:
        return (
            f"{len(moved)} of {len(shared)} shared subjects were held out by another fold (`folds.n`, `folds.seed`, or "
            "another cohort): the networks that scored them learned from other subjects"
        )
    classes = [sum(own[subject][0][0] == side for subject in shared) for side in (False, True)]
    if min(classes) < _SMALLEST_CLASS:
        return f"too few subjects were scored in both runs ({classes[0]} and {classes[1]} of the two classes)"
    return ""


def _by_subject(arm: ArmEvidence) -> dict[str, tuple[tuple[bool, ...], tuple[str, ...], int]]:
    """Classes, origins and fold of every subject."""
    found: dict[str, tuple[tuple[bool, ...], tuple[str, ...], int]] = {}
    for subject, positive, origin, fold in zip(arm.subject, arm.positive, arm.origin, arm.fold, strict=True):
        classes, origins, _ = found.get(str(subject), ((), (), 0))
        found[str(subject)] = ((*classes, bool(positive)), (*origins, str(origin)), int(fold))
    return found


def _same_rows(first: ArmEvidence, second: ArmEvidence) -> tuple[ArmEvidence, ArmEvidence]:
    """Leave both with the subjects that they share, in the order of the first."""
    place = {unit: row for row, unit in enumerate(_units(second))}
    units = [(row, unit) for row, unit in enumerate(_units(first)) if unit in place]
    return _rows(first, [row for row, _ in units]), _rows(second, [place[unit] for _, unit in units])


def _units(arm: ArmEvidence) -> list[tuple[str, str, bool]]:
    return list(zip(arm.subject.tolist(), arm.origin.tolist(), arm.positive.tolist(), strict=True))


def _rows(arm: ArmEvidence, rows: list[int]) -> ArmEvidence:
    columns: tuple[str, ...] = ("subject", "positive", "origin", "fold", "severity", "logit", "logit_erased")
    columns += ("label", "patient", "erasable")
    fields: dict[str, Any] = {name: values[rows] for name in columns if (values := getattr(arm, name)) is not None}
    for name in ("covariates", "categories"):
        fields[name] = {key: values[rows] for key, values in getattr(arm, name).items()}
    kept = replace(arm, **fields)
    return replace(kept, regime=regime(kept.positive, kept.origin, kept.label))


def _gains(runs: tuple[StoredRun, StoredRun], names: tuple[str, str], shared: ArmEvidence) -> tuple[Gains, Gains]:
    """Lesion gains of the patients that have a map in both runs."""
    gains = [run.gains(name) for run, name in zip(runs, names, strict=True)]
    fold = dict(zip(shared.subject.tolist(), shared.fold.tolist(), strict=True))
    mapped = [subject for subject in fold if all(subject in own for own in gains)]
    folds = np.array([fold[subject] for subject in mapped], dtype=np.intp)
    first, second = (np.array([own[subject] for subject in mapped], dtype=np.float64) for own in gains)
    return (first, folds), (second, folds)


def _named(
    differences: Iterator[Comparison], runs: tuple[StoredRun, StoredRun], notes: list[str]
) -> Iterator[Comparison]:
    """Leave reliance out where the tables do not hold what it is adjusted for: the covariates of the first run."""
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


def _left_out(arms: tuple[ArmEvidence, ArmEvidence], paired: tuple[ArmEvidence, ArmEvidence]) -> Iterator[str]:
    shared = len(np.unique(paired[0].subject))
    both = [len(np.unique(arm.subject)) for arm in arms]
    if max(both) > shared:
        yield f"differences are of the {shared} subjects that both runs scored; the runs scored {both[0]} and {both[1]}"


def _differing_findings(runs: tuple[StoredRun, StoredRun], pairs: list[tuple[str, str]]) -> Iterator[FindingPair]:
    design = tuple(run.audit["design"].get("findings", []) for run in runs)
    yield from _finding_pairs(None, design[0], design[1])
    for names in pairs:
        findings = tuple(run.arm(name)["findings"] for run, name in zip(runs, names, strict=True))
        yield from _finding_pairs(names, findings[0], findings[1])


def _finding_pairs(
    arms: tuple[str, str] | None, first: list[dict[str, Any]], second: list[dict[str, Any]]
) -> Iterator[FindingPair]:
    own, other = ({tuple(finding.get(key) for key in _KEY): finding for finding in each} for each in (first, second))
    for key in dict.fromkeys([*own, *other]):
        said = tuple(_said(each.get(key)) for each in (own, other))
        if (said[0] or {}).get("status") != (said[1] or {}).get("status"):
            yield FindingPair(arms, dict(zip(_KEY, key, strict=True)), said[0], said[1])


def _said(finding: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return None if finding is None else {key: finding.get(key) for key in ("status", "statistic", "p_value", "reason")}


def _differences(first: Mapping[str, Any], second: Mapping[str, Any]) -> Iterator[Difference]:
    one, two = dict(_leaves(first)), dict(_leaves(second))
    for key in dict.fromkeys([*one, *two]):
        if one.get(key) != two.get(key):
            yield Difference(key, one.get(key), two.get(key))


def _leaves(settings: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every value by its dotted key; lists are values."""
    for key, value in settings.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value
