"""Describe the data that `biasaudit init` looked at, in small tables and sentences."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from biasaudit.checks.identifiability import statements
from biasaudit.drafting.profile import Geometry, Profile
from biasaudit.drafting.proposal import Proposal, class_of, numbers_by_class, regime_of, unused_columns
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence

__all__ = ["Section", "design_statements", "sections"]

_SHOWN = 6


@dataclass(frozen=True)
class Section:
    """A small table with a title."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def sections(profile: Profile, geometry: Geometry, proposal: Proposal) -> tuple[Section, ...]:
    """Tables of everything found, in the order of the questions one asks; empty ones are left out."""
    made = (
        _datasets(profile),
        _classes(profile, proposal),
        _origins(proposal),
        _unused(profile, proposal),
        _covariates(profile, proposal),
        _companions(profile, proposal),
        _geometry(geometry),
    )
    return tuple(section for section in made if section.rows)


def design_statements(profile: Profile, proposal: Proposal, protocol: Protocol) -> tuple[list[str], list[str]]:
    """Say what the design can and cannot answer, by the primary origin factor (as D1 will say it)."""
    origin = np.array(proposal.origins[0].values)
    rows = proposal.kept & (origin != "")
    labels = np.array(proposal.labels)[rows]
    positive = labels != proposal.classes.negative
    count = int(rows.sum())
    several = len(proposal.classes.positive) > 1
    names = (str(proposal.classes.negative), " or ".join(proposal.classes.positive))
    evidence = ArmEvidence(
        arm="",
        factor=proposal.origins[0].name,
        regime=regime_of(proposal, proposal.origins[0]) or "single",
        classes=names,
        subject=np.array(profile.subject)[rows],
        positive=positive,
        origin=origin[rows],
        fold=np.zeros(count, dtype=np.intp),
        severity=np.full(count, np.nan),
        covariates={},
        masks_given=bool(np.array(profile.marked)[rows][positive].all()),
        mask_is_complete=False,
        seed=0,
        label=labels if several else None,
    )
    return statements(evidence, protocol)


def _datasets(profile: Profile) -> Section:
    rows = tuple(
        (
            counts.name,
            str(counts.participants),
            str(counts.subjects),
            str(counts.images),
            _some(counts.without_images),
            _some(counts.without_row),
        )
        for counts in profile.datasets
    )
    heads = ("dataset", "participants", "with images", "images", "participants without images", "images without a row")
    return Section("datasets" if profile.reader == "bids" else "table", heads, rows)


def _classes(profile: Profile, proposal: Proposal) -> Section:
    subjects = dict(zip(profile.subject, proposal.labels, strict=True))
    roles = {str(proposal.classes.negative): "healthy (guess)"} | dict.fromkeys(proposal.classes.positive, "pathology")
    rows = tuple(
        (
            _meant(value, proposal) or "missing",
            str(count),
            roles.get(value, "left out" if value in proposal.small or not value else "?"),
        )
        for value, count in Counter(subjects.values()).most_common()
    )
    heads = ("value", "subjects", "taken as")
    return Section(f"classes, from {proposal.label!r}", heads, rows if proposal.label else ())


def _meant(value: str, proposal: Proposal) -> str:
    """Value of the label, with its meaning where it is a code: ``2 (control)``."""
    meaning = proposal.classes.named(value)
    return value if meaning == value else f"{value} ({meaning})"


def _origins(proposal: Proposal) -> Section:
    rows = []
    for column in (*proposal.origins, *proposal.others):
        use = "origin factor" if column in proposal.origins else "not used"
        word = regime_of(proposal, column) or "?"
        rows.append((column.name, _commonest(Counter(filter(None, column.values))), word, str(column.missing), use))
    return Section("where the images come from", ("column", "origins (images)", "regime", "empty", "use"), tuple(rows))


def _unused(profile: Profile, proposal: Proposal) -> Section:
    by_kind = unused_columns(profile, proposal)
    rows = [(kind, ", ".join(names)) for kind, names in sorted(by_kind.items())]
    rows += [(reason, ", ".join(names)) for reason, names in profile.measures.by_reason.items()]
    return Section("other columns, not used", ("as origins", "columns"), tuple(rows))


def _covariates(profile: Profile, proposal: Proposal) -> Section:
    rows = []
    for what, column in proposal.covariates.items():
        numbers = numbers_by_class(proposal, profile, column)
        words = what == "sex"  # often coded as numbers, which have no mean
        described = _words_by_class(profile, proposal, column) if words else _means(numbers)
        rows.append((f"{column} ({what})" if column != what else what, described, "" if words else _gap(numbers)))
    return Section("age and sex by class", ("column", "by class", "difference"), tuple(rows))


def _words_by_class(profile: Profile, proposal: Proposal, column: str) -> str:
    cells = dict(zip(profile.subject, profile.column(column), strict=True))
    counts: dict[str, Counter[str]] = {}
    for subject, label in class_of(proposal, profile).items():
        counts.setdefault(label, Counter())[cells[subject] or "n/a"] += 1
    return "; ".join(f"{label}: {_commonest(counter)}" for label, counter in sorted(counts.items()))


def _means(numbers: Mapping[str, np.ndarray]) -> str:
    return "; ".join(
        f"{label}: {values.mean():.1f} ± {values.std():.1f} ({len(values)})" if len(values) else f"{label}: n/a"
        for label, values in sorted(numbers.items())
    )


def _gap(numbers: Mapping[str, np.ndarray]) -> str:
    """Largest difference of two means in pooled standard deviations (Cohen's d)."""
    groups = [values for values in numbers.values() if len(values) > 1]
    if len(groups) < 2:
        return ""
    means = [float(values.mean()) for values in groups]
    spread = float(np.sqrt(np.mean([values.var(ddof=1) for values in groups])))
    return f"d = {(max(means) - min(means)) / spread:.2f}" if spread > 0 else ""


def _companions(profile: Profile, proposal: Proposal) -> Section:
    patients = np.isin(proposal.labels, proposal.classes.positive) if proposal.classes.positive else None
    marked, count = np.array(profile.marked), len(profile.subject)
    rows = [("tissue probability maps", f"{sum(profile.tissue)} of {count} images")]
    rows.append(("brain masks", f"{sum(profile.brain)} of {count} images"))
    if patients is None:
        rows.insert(0, ("pathology masks", f"{marked.sum()} of {count} images"))
    else:
        healthy = f", {marked[~patients].sum()} of others" if marked[~patients].any() else ""
        text = f"{marked[patients].sum()} of {patients.sum()} images of patients{healthy}"
        rows.insert(0, ("pathology masks", text))
    return Section("masks and maps", ("what", "found for"), tuple(rows))


def _geometry(geometry: Geometry) -> Section:
    rows = [
        (what, _commonest(Counter(counts)))
        for what, counts in (
            ("shape", geometry.shapes),
            ("voxel size (mm)", geometry.spacings),
            ("orientation", geometry.orientations),
        )
        if counts
    ]
    if not rows:
        return Section("images", (), ())
    alike = "one grid for all" if geometry.grids == 1 else f"{geometry.grids} grids: they will be resampled onto one"
    return Section("images", ("what", "found (images)"), (*rows, ("grids", alike)))


def _commonest(counter: Counter[str]) -> str:
    listed = ", ".join(f"{value} ({count})" for value, count in counter.most_common(_SHOWN))
    return f"{listed}, {len(counter) - _SHOWN} others" if len(counter) > _SHOWN else listed


def _some(names: tuple[str, ...]) -> str:
    if not names:
        return "none"
    listed = ", ".join(names[:3])
    return f"{len(names)}: {listed}, ..." if len(names) > 3 else f"{len(names)}: {listed}"
