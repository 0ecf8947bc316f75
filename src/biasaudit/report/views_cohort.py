"""The subjects of an audit and what their design allows, as templates print them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from biasaudit.records import Regime
from biasaudit.report.words import REGIME_TITLES, REGIMES, count
from biasaudit.run_folder.contract import AuditRecord
from biasaudit.run_folder.reading import RunRecords, class_by_origin, judged_counts

__all__ = [
    "CohortView",
    "FactorView",
    "cohort_facts",
    "cohort_view",
]

_SHOWN_ORIGINS = 12


@dataclass(frozen=True)
class FactorView:
    """Counts of one origin factor by class; each cell has its count and its shade, 0 to 1."""

    name: str
    regime: str
    title: str
    meaning: str
    classes: tuple[str, ...]
    rows: tuple[tuple[str, tuple[tuple[int, float], ...], int], ...]
    more: tuple[tuple[str, tuple[tuple[int, float], ...], int], ...]
    more_words: str


@dataclass(frozen=True)
class CohortView:
    """The subjects and what their design allows."""

    n: str
    classes: tuple[tuple[str, int], ...]
    factors: tuple[FactorView, ...]
    can_answer: tuple[str, ...]
    cannot_answer: tuple[str, ...]
    notes: tuple[str, ...]


def cohort_view(records: RunRecords) -> CohortView:
    """Prepare what is said about the subjects."""
    audit = records.audit
    design = audit["design"]
    n, classes = _counts(records)
    return CohortView(
        n=n,
        classes=classes,
        factors=tuple(_factor_view(records, name) for name in audit["cohort"]["origins"]),
        can_answer=tuple(design.get("can_answer") or ()),
        cannot_answer=tuple(design.get("cannot_answer") or ()),
        notes=tuple(audit["notes"]),
    )


def cohort_facts(records: RunRecords) -> str:
    """Say in one line what was audited: subjects, classes, origins, network, folds, and whether it is simulated."""
    audit = records.audit
    n, classes = _counts(records)
    settings: Mapping[str, Any] = audit["settings"]
    network, folds = (settings.get("target") or {}).get("network"), (settings.get("folds") or {}).get("n")
    parts = [
        f"{n} subjects ({', '.join(f'{amount} {label}' for label, amount in classes)})",
        *(f"{name}: {count(len(own), 'origin')}" for name, own in audit["cohort"]["origins"].items()),
        f"network {network}" if network else "",
        f"{folds} folds" if folds else "",
        "simulated" if any(arm.get("truth") for arm in audit["arms"]) else "",
    ]
    return " · ".join(part for part in parts if part)


def _counts(records: RunRecords) -> tuple[str, tuple[tuple[str, int], ...]]:
    """Count the subjects in all and by class; where a network made elsewhere has seen some, those that are judged."""
    (judged, by_class), everyone = judged_counts(records), records.audit["cohort"]["n"]
    told = str(everyone) if judged == everyone else f"{judged} judged of {everyone}"
    return told, tuple(by_class.items())


def _factor_view(records: RunRecords, name: str) -> FactorView:
    counts = class_by_origin(records, name)
    regime = _regime(records.audit, name)
    largest = max(int(counts.to_numpy().max(initial=0)), 1)
    rows = [
        (str(origin), tuple((int(cell), round(int(cell) / largest, 3)) for cell in row), int(row.sum()))
        for origin, row in zip(counts.index, counts.to_numpy(), strict=True)
    ]
    cut = _SHOWN_ORIGINS if len(rows) > _SHOWN_ORIGINS + 2 else len(rows)
    classes = tuple(str(label) for label in counts.columns)
    meaning = REGIMES[regime] if regime else ""
    return FactorView(
        name=name,
        regime=regime or "not recorded",
        title=REGIME_TITLES[regime] if regime else "design not recorded",
        meaning=meaning,
        classes=classes,
        rows=tuple(rows[:cut]),
        more=tuple(rows[cut:]),
        more_words=_more_words([total for _, _, total in rows], cut),
    )


def _more_words(totals: Sequence[int], cut: int) -> str:
    """Say how many origins are folded away, and that they are smaller if every one is."""
    rest = totals[cut:]
    if not rest:
        return ""
    return f"{len(rest)} {'smaller' if rest[0] < totals[cut - 1] else 'more'} origins"


def _regime(audit: AuditRecord, factor: str) -> Regime | None:
    """Regime of a factor as the verdict took it; runs of an older version hold that of the primary factor only."""
    recorded = audit["design"].get("factors", {}).get(factor)
    if recorded is None and factor == next(iter(audit["cohort"]["origins"])):
        recorded = audit["design"]
    return recorded.get("regime") if recorded else None
