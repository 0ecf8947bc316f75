"""D4: are the subjects of one class comparable between origins, and the classes, in what is known of them?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from scipy.special import ndtri

from biasaudit.checks.premises import (
    bound_level,
    class_rows,
    exchangeable_classes,
    inside_classes,
    interval_level,
    score_fault,
    stream,
)
from biasaudit.checks.score_dependence import crossed_reliance_of
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, BoolArray, Finding, FloatArray
from biasaudit.registry import register
from biasaudit.stats.balance import Balance, balance, e_value, matched, mean_difference
from biasaudit.stats.fold_scales import standardised_logits
from biasaudit.stats.pair_auc import folds_overlap, inside_folds, pair_auc
from biasaudit.stats.prediction import encode_columns

__all__ = ["BALANCED", "FEWEST", "UNBALANCED", "Comparability"]

BALANCED, UNBALANCED = 0.1, 0.25
"""Standardised differences below which groups are alike, and from which they are not (Austin 2009)."""

FEWEST = 5
"""Subjects that a group must hold to be compared."""

_MOST = 20
"""Larger strengths mean the same: no trait is so unlike between groups."""

Value = float | str | None


@dataclass(frozen=True)
class _Row:
    """One covariate between two groups, and whether they differ by much and by more than chance."""

    covariate: str
    groups: tuple[str, str]
    found: Balance
    unlike: bool = False

    def to_dict(self) -> dict[str, Any]:
        return {
            "covariate": self.covariate,
            "between": list(self.groups),
            "difference": _finite(self.found.difference),
            "variance_ratio": _finite(self.found.variance_ratio),
            "missing": list(self.found.missing),
        }


def _finite(value: float) -> float | None:
    """Leave out what no file of numbers can hold."""
    return float(value) if np.isfinite(value) else None


@register("check", "D4")
class Comparability:
    """Balance of covariates between origins inside a class and between classes, matching, and an E-value."""

    code = "D4"
    title = "Comparability"
    question = "Are the subjects of one class alike at all origins, and the classes, in what is known of them?"
    why = (
        "A score that differs between origins need not be a signature: the healthy of one may be children. What is "
        "known can be balanced; of what is not known it can be said how strong it would have to be."
    )
    kind = "design"
    statistic = "largest standardised difference (SD)"
    needs = ("table", "scores", "severity", "erased", "probes")
    optional = ("scores", "severity", "erased", "probes")

    def judge(self, evidence: ArmEvidence, protocol: Protocol) -> list[Finding]:
        """Return one finding per class, about its origins, and one about the classes."""
        cells = _cells(evidence)
        of_classes = _between_classes(evidence, cells, protocol)
        return [*(_inside(evidence, name, cells, protocol) for name in inside_classes(evidence)), of_classes]


def _cells(evidence: ArmEvidence) -> dict[str, list[Value]]:
    numbers: Mapping[str, list[Value]] = {
        name: [float(value) if np.isfinite(value) else None for value in values]
        for name, values in evidence.covariates.items()
    }
    words: Mapping[str, list[Value]] = {
        name: [str(value) or None for value in values] for name, values in evidence.categories.items()
    }
    return {**numbers, **words}


def _inside(evidence: ArmEvidence, class_name: str, cells: Mapping[str, list[Value]], protocol: Protocol) -> Finding:
    """Compare the origins of one class."""
    rows = class_rows(evidence, class_name)
    sizes = {str(name): int((rows & (evidence.origin == name)).sum()) for name in np.unique(evidence.origin[rows])}
    large = [name for name, size in sorted(sizes.items(), key=lambda item: -item[1]) if size >= FEWEST]
    groups = {name: rows & (evidence.origin == name) for name in large}
    details = _sensitivity(evidence, class_name, groups)
    if len(groups) > 1:
        details |= _scores_matched(evidence, list(groups.items())[:2], cells)
        if class_name == inside_classes(evidence)[0]:
            details |= _reliance_matched(evidence, large[:2], cells, protocol)
    what = f"the origins of {class_name}"
    finding = Finding("D4", "not_applicable", "", n=int(rows.sum()), factor=evidence.factor, class_name=class_name)
    if len(groups) < 2:
        reason = f"fewer than two origins hold {FEWEST} audited subjects of {class_name}: no covariates to compare"
        return replace(finding, reason=reason, details=details)
    return _judged(finding, _table(groups, cells), what, details, protocol.cohort.covariates)


def _between_classes(evidence: ArmEvidence, cells: Mapping[str, list[Value]], protocol: Protocol) -> Finding:
    negative, positive = evidence.classes
    groups = {negative: ~evidence.positive, positive: np.asarray(evidence.positive)}
    finding = Finding("D4", "not_applicable", "", n=int(evidence.positive.size), factor=evidence.factor)
    if min(int(rows.sum()) for rows in groups.values()) < FEWEST:
        return replace(finding, reason=f"a class holds fewer than {FEWEST} subjects")
    details = _auc_matched(evidence, cells, protocol)
    return _judged(finding, _table(groups, cells), "the classes", details, protocol.cohort.covariates)


def _table(groups: Mapping[str, BoolArray], cells: Mapping[str, list[Value]]) -> list[_Row]:
    """Find the two groups that differ most, covariate by covariate; first those that differ by more than chance.

    Chance is corrected for all that is compared (Bonferroni): covariates, levels of words, and pairs of groups.
    """
    every = [_compared(name, values, groups) for name, values in cells.items()]
    limit = -float(ndtri(0.025 / max(1, sum(row.found.compared for rows in every for row in rows))))
    judged = [[_held_against(row, limit) for row in rows] for rows in every]
    return [max(rows, key=lambda row: (row.unlike, abs(row.found.difference))) for rows in judged if rows]


def _compared(name: str, values: Sequence[Value], groups: Mapping[str, BoolArray]) -> list[_Row]:
    """Compare every two groups in one covariate; without those of whom it is not known."""
    each = [_Row(name, pair, balance(values, groups[pair[0]], groups[pair[1]])) for pair in combinations(groups, 2)]
    return [row for row in each if not np.isnan(row.found.difference)]


def _held_against(row: _Row, limit: float) -> _Row:
    return replace(row, unlike=abs(row.found.difference) > UNBALANCED and row.found.z > limit)


def _judged(
    finding: Finding, table: Sequence[_Row], what: str, details: dict[str, Any], named: Sequence[str]
) -> Finding:
    """Concern where a difference is large and beyond chance, clear where all are small; never a flag."""
    details = {**details, "balance": [row.to_dict() for row in table]}
    if not table:
        reason = f"no covariate is declared, so that nothing is known of {what}: whether they are alike is open"
        remedy = "Name age, sex and what else is known of the subjects in cohort.covariates."
        open_ = replace(finding, status="inconclusive", remedy=remedy, details=details)
        return replace(open_, reason=_joined([reason, details]))
    worst = max(table, key=lambda row: abs(row.found.difference))
    beyond = [row for row in table if row.unlike]
    alike = all(abs(row.found.difference) < BALANCED for row in table)
    status = "concern" if beyond else "clear" if alike else "inconclusive"
    verb = "differ" if beyond else "are alike" if alike else "are not shown to be alike"
    shown = ", ".join(f"{row.covariate} by {_size(row)}" for row in (beyond or [worst]))
    reason = f"{what} {verb} in what is known of them (standardised difference: {shown})"
    return replace(
        finding,
        status=status,  # type: ignore[arg-type]
        reason=_joined([reason, details]),
        remedy=_remedy([row.covariate for row in beyond], named, finding.class_name),
        statistic=abs(worst.found.difference) if np.isfinite(worst.found.difference) else None,
        threshold=UNBALANCED,
        details=details,
    )


def _remedy(unlike: Sequence[str], named: Sequence[str], class_name: str | None) -> str:
    """Say what is held fixed already, and what is left to do; empty where nothing differs."""
    if not unlike:
        return ""
    if class_name is None:
        return (
            f"Match patients and healthy in {', '.join(unlike)}: U1 holds covariates fixed between origins, and "
            "nothing between the classes."
        )
    new = [name for name in unlike if name not in named]
    held = [name for name in unlike if name in named]
    parts = [f"Name {', '.join(new)} in cohort.covariates, so that U1 holds what differs fixed, or match the subjects."]
    told = (
        f"Of {', '.join(held)} U1 already holds fixed what it can (its finding says what it cannot). What is left: "
        f"match the subjects of {class_name}, or bring some who are alike, and audit those."
    )
    return " ".join([*(parts if new else []), *([told] if held else [])])


def _size(row: _Row) -> str:
    size = abs(row.found.difference)
    return f"{size:.2f}" if np.isfinite(size) else "all of it"


def _joined(parts: Sequence[Any]) -> str:
    reason, details = parts
    return "; ".join([reason, *(details[key] for key in ("after_matching", "sensitivity") if details.get(key))])


def _sensitivity(evidence: ArmEvidence, class_name: str, groups: Mapping[str, BoolArray]) -> dict[str, Any]:
    """Say how strong an unmeasured difference would have to be to explain how the scores of a class differ.

    No sentence where the interval does not show that they differ.
    """
    if not _scored(evidence):
        return {}
    scores = standardised_logits(evidence.logit, exchangeable_classes(evidence), evidence.fold)
    pairs = list(groups)[:2]
    first: FloatArray
    second: FloatArray
    if len(pairs) == 2:
        (first, second), names = (scores[groups[name]] for name in pairs), f"{pairs[0]} and {pairs[1]}"
        sizes = first.size, second.size
    else:
        (first, second), names = _probed(evidence, class_name), "the audited and the probes"
        sizes = first.size, len(second)  # the networks of all folds score every probe
    if min(sizes) < FEWEST:
        return {}
    apart = mean_difference(first, second)
    if not np.isfinite(apart):
        return {}
    error = float(np.sqrt(1 / sizes[0] + 1 / sizes[1] + apart**2 / (2 * sum(sizes))))
    strength, least = e_value(apart), e_value(apart, error)
    found = {"score_difference": apart, "e_value": strength, "e_value_low": least}
    if least <= 1:
        return found
    text = (
        f"the scores of {class_name} differ by {abs(apart):.2f} standard deviations between {names}. A trait that "
        f"nobody measured could explain it only if it were at least {_times(strength)} as frequent in one of them and "
        f"raised the chance of a high score as much (E-value {_value(strength)}, by the 95 % interval at least "
        f"{_value(least)}). One that one has and the other lacks (children against adults) does: the audit cannot tell "
        "it from the scanner"
    )
    return {**found, "sensitivity": text}


def _times(strength: float) -> str:
    return f"{_value(strength)} times"


def _value(strength: float) -> str:
    return f"{min(strength, _MOST):.{1 if strength < _MOST else 0}f}"


def _probed(evidence: ArmEvidence, class_name: str) -> tuple[FloatArray, FloatArray]:
    """Scores of a class (n,), and of its probes (k, folds), less what the network of each fold gives to the probes.

    Networks of different folds have unlike offsets; the probes, which all of them score, tell these.
    """
    rows = class_rows(evidence, class_name)
    if evidence.probes is None:
        return evidence.logit[rows], np.empty((0, 1))
    probes = evidence.probes.kept((evidence.probes.label == class_name) & (evidence.probes.twin_of == ""))
    if probes.by_fold is None or not probes.subject.size:
        return evidence.logit[rows], probes.logit[:, None]
    offset = probes.by_fold.mean(axis=0)
    return evidence.logit[rows] - offset[evidence.fold[rows]], probes.by_fold - offset


def _scored(evidence: ArmEvidence) -> bool:
    return evidence.logit.size > 0 and score_fault(evidence.logit, evidence.subject.tolist()) is None


def _kept_of(cells: Mapping[str, list[Value]], rows: BoolArray, group: BoolArray) -> BoolArray | None:
    """Match some subjects by the group that they are of, (n,); None where nothing is known of them."""
    places = np.flatnonzero(rows)
    columns = encode_columns({name: [values[place] for place in places] for name, values in cells.items()}).matrix
    if not cells or not columns.size:
        return None
    kept = np.zeros(rows.size, dtype=bool)
    kept[places] = matched(columns, group[places])
    return kept


def _scores_matched(
    evidence: ArmEvidence, pair: Sequence[tuple[str, BoolArray]], cells: Mapping[str, list[Value]]
) -> dict[str, Any]:
    """AUC of the origin by the score, of all and of the matched subjects of a class at two origins."""
    (first, one), (second, two) = pair
    kept = _kept_of(cells, one | two, two)
    if kept is None or not _scored(evidence):
        return {}
    scores = standardised_logits(evidence.logit, exchangeable_classes(evidence), evidence.fold)
    before, after = (_area(scores, two, rows) for rows in (one | two, kept))
    details = {"matched": int(kept.sum()), "origin_auc": before, "origin_auc_matched": after}
    if np.isnan(after):
        return {**details, "after_matching": f"no two subjects of {first} and {second} are alike enough to be matched"}
    text = (
        f"{int(kept.sum())} of {int((one | two).sum())} subjects of {first} and {second} can be matched, and the AUC "
    )
    return {**details, "after_matching": f"{text}of the origin by the score goes from {before:.2f} to {after:.2f}"}


def _area(scores: FloatArray, positive: BoolArray, rows: BoolArray) -> float:
    own = np.asarray(positive[rows], dtype=bool)
    return pair_auc(scores[rows], inside_folds(own, np.zeros(own.size))).estimate


def _auc_matched(evidence: ArmEvidence, cells: Mapping[str, list[Value]], protocol: Protocol) -> dict[str, Any]:
    """AUC of the target on patients and healthy subjects who are alike in what is known of them."""
    everybody = np.ones(evidence.positive.size, dtype=bool)
    kept = _kept_of(cells, everybody, np.asarray(evidence.positive))
    if kept is None or not _scored(evidence):
        return {}
    networks = evidence.network
    area = pair_auc(evidence.logit[kept], inside_folds(np.asarray(evidence.positive[kept]), networks[kept]))
    interval = area.interval(interval_level(protocol), folds_overlap(networks))
    details = {"matched": int(kept.sum()), "auc_matched": interval.estimate}
    if np.isnan(interval.estimate):
        return {**details, "after_matching": "no two subjects of both classes are alike enough to be matched"}
    bounds = f"{interval.estimate:.2f} [{interval.low:.2f}, {interval.high:.2f}]"
    return {
        **details,
        "auc_matched_low": interval.low,
        "auc_matched_high": interval.high,
        "after_matching": f"on {int(kept.sum())} of {kept.size} subjects, matched by class, the AUC is {bounds}",
    }


def _reliance_matched(
    evidence: ArmEvidence, origins: Sequence[str], cells: Mapping[str, list[Value]], protocol: Protocol
) -> dict[str, Any]:
    """Reliance of a crossed design (U1) on subjects matched between two origins inside every class."""
    if evidence.regime != "crossed" or evidence.label is not None or not _scored(evidence):
        return {}
    second = evidence.origin == origins[1]
    kept = np.zeros(evidence.positive.size, dtype=bool)
    for side in (False, True):
        rows = (evidence.positive == side) & np.isin(evidence.origin, origins)
        if min(int((rows & second).sum()), int((rows & ~second).sum())) < FEWEST:
            return {}
        own = _kept_of(cells, rows, second)
        if own is None:
            return {}
        kept |= own
    if kept.sum() < 4 * FEWEST:
        return {}
    found = crossed_reliance_of(_rows_of(evidence, kept), protocol, stream(evidence, "D4", "reliance"))
    interval = found.interval(bound_level(protocol))
    if np.isnan(interval.estimate):
        return {}
    low, high = min(interval.low, interval.estimate), max(interval.high, interval.estimate)
    return {
        "reliance_matched": float(np.clip(interval.estimate, 0, 1)),
        "reliance_matched_low": float(np.clip(low, 0, 1)),
        "reliance_matched_high": float(np.clip(high, 0, 1)),
        "reliance_matched_n": int(kept.sum()),
    }


def _rows_of(evidence: ArmEvidence, rows: BoolArray) -> ArmEvidence:
    """Keep some subjects in all that the reliance of a crossed design looks at."""
    names = ("subject", "positive", "origin", "fold", "severity", "logit", "logit_erased", "label", "patient")
    cut = {name: _cut(getattr(evidence, name), rows) for name in names}
    covariates = {name: values[rows] for name, values in evidence.covariates.items()}
    categories = {name: values[rows] for name, values in evidence.categories.items()}
    return replace(evidence, **cut, covariates=covariates, categories=categories)


def _cut(values: Any, rows: BoolArray) -> Any:
    return None if values is None else values[rows]
