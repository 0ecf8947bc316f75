"""Say before anything is trained which verdicts an audit can reach, and what would widen them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil

import numpy as np

from biasaudit import registry
from biasaudit.checks.check import required
from biasaudit.checks.probes import COVERED, USUAL
from biasaudit.cohort.split import SEEN
from biasaudit.engine.plan import expected_outline
from biasaudit.engine.situation.contrasts import Contrast
from biasaudit.engine.situation.outline import Outline
from biasaudit.engine.situation.situation import Situation, default_checks, origins_of, regime_of
from biasaudit.protocol import Protocol, StatisticsSettings
from biasaudit.stats.multiplicity import can_reject
from biasaudit.stats.permutation import smallest_p
from biasaudit.stats.probes import FEWEST
from biasaudit.verdict.case import EDITS, Design
from biasaudit.verdict.reach import Reach, Witness, reach

__all__ = ["reach_lines", "unattainable_lines"]

_MOST = 1_000_000
"""Most permutations and resamples that a protocol may ask for."""


@dataclass(frozen=True)
class _Given:
    """What one contrast and origin factor of an audit have to go by."""

    design: Design
    witnesses: tuple[Witness, ...]
    protocol: Protocol

    @property
    def reach(self) -> Reach:
        return reach(self.design, self.witnesses, self.protocol)

    def beside(self, *more: Witness, design: Design | None = None) -> _Given:
        """Imagine the same audit with more to go by."""
        kept = [own for own in self.witnesses if own.code not in {new.code for new in more}]
        return replace(self, design=design or self.design, witnesses=(*kept, *more))


def reach_lines(situation: Situation) -> list[str]:
    """Write one sentence per origin factor: the verdicts that are within reach, and what would widen them.

    Parameters
    ----------
    situation : Situation

    Returns
    -------
    list of str
        Of the primary arm; with more than two classes what the verdict of all contrasts together can be.
    """
    folds = tuple(fold for fold in situation.folds if fold != SEEN)
    outline = expected_outline(replace(situation, cohort=situation.judged, folds=folds))
    return [*(_line(outline, factor) for factor in situation.cohort.factors), *unattainable_lines(outline)]


def unattainable_lines(outline: Outline) -> list[str]:
    """Say where no p-value can be small enough to flag, once Holm has corrected all that are asked together.

    Parameters
    ----------
    outline : Outline

    Returns
    -------
    list of str
        Empty where something can flag; the arms are taken to be tested as the primary one is.
    """
    settings, arms = outline.protocol.statistics, len(outline.protocol.arms)
    each = {factor: _smallest(outline, factor, settings) for factor in outline.cohort.factors}
    together = {f"{factor}: ": own for factor, own in each.items()}
    if settings.scope == "audit":
        together = {"": [floor for own in each.values() for floor in own] * arms}
    patient = settings.model_copy(update={"n_permutations": _MOST, "n_bootstraps": _MOST})
    finest = [floor for factor in each for floor in _smallest(outline, factor, patient)]
    return [
        f"{where}nothing can flag: {len(floors)} tests or more are corrected together (statistics.scope: "
        f"{settings.scope}), and no p-value can be below {min(floors):.2g}; "
        f"{_finer(min(finest), len(floors), settings)}"
        for where, floors in together.items()
        if floors and not can_reject(floors, settings.alpha)
    ]


def _finer(smallest: float, tests: int, settings: StatisticsSettings) -> str:
    if smallest * tests > settings.alpha:
        return "bring more subjects of each class and origin, or fewer arms and origin factors"
    return f"set n_permutations and n_bootstraps to {ceil(tests / settings.alpha) - 1} or more"


def _smallest(outline: Outline, factor: str, settings: StatisticsSettings) -> list[float]:
    """Return the smallest p-value of every test of the primary arm that may flag."""
    return [
        floor
        for contrast in outline.contrasts
        for witness in _given(outline, factor, contrast).witnesses
        for floor in _floors(outline, factor, contrast, witness, settings)
    ]


def _floors(
    outline: Outline, factor: str, contrast: Contrast, witness: Witness, settings: StatisticsSettings
) -> list[float]:
    if witness.code in EDITS:
        return [1 / (1 + settings.n_bootstraps)]
    if witness.code == "P1":
        return [0.0]
    if witness.code != "U1" or not witness.may_flag:
        return []
    origins, positive = origins_of(outline.cohort, factor), np.array(contrast.positive)
    labels = np.array([sample.label for sample in outline.cohort.samples])
    known = outline.has_masks(contrast)
    parts = [rows for rows, asked in ((~positive, True), (positive, known)) if asked and len(set(origins[rows])) > 1]
    if regime_of(outline.cohort, factor, contrast) == "crossed" and (known or len(set(origins[positive])) == 1):
        parts.append(np.ones(positive.size, dtype=bool))
    return [smallest_p(labels[rows], origins[rows], settings.n_permutations) for rows in parts]


def _line(outline: Outline, factor: str) -> str:
    given = [_given(outline, factor, contrast) for contrast in outline.contrasts]
    words = _together([own.reach for own in given])
    said = f"{factor}: this design can reach {_listed(words)}"
    if "PATHOLOGY" in words and any(own.reach.provisional for own in given):
        said += " (PATHOLOGY provisionally, since no spike-in test is made)"
    wider: dict[tuple[str, ...], list[str]] = {}
    for what, imagined in _options(outline, given):
        gained = tuple(word for word in _together([own.reach for own in imagined]) if word not in words)
        if gained:
            wider.setdefault(gained, []).append(what)
    return "; ".join([said, *(f"{_listed(gained)} would take {' or '.join(how)}" for gained, how in wider.items())])


def _together(each: Sequence[Reach]) -> tuple[str, ...]:
    """Words that the worst of all contrasts can be: PATHOLOGY only where every one can."""
    common = set.intersection(*(set(own.words) for own in each))
    found = {word for own in each for word in own.words if word != "PATHOLOGY" or word in common}
    return tuple(word for word in ("ORIGIN", "MIXED", "PATHOLOGY", "UNDETERMINED") if word in found)


def _listed(words: Sequence[str]) -> str:
    return " or ".join(filter(None, [", ".join(words[:-1]), words[-1]]))


def _given(outline: Outline, factor: str, contrast: Contrast) -> _Given:
    protocol, regime = outline.protocol, regime_of(outline.cohort, factor, contrast)
    whole = outline.has_masks(contrast) and all(outline.erasable_rows)
    design = Design(regime, whole, protocol.cohort.mask_is_complete)
    asked = set(default_checks(protocol)) | ({"G3"} if outline.situation.confirms else set())
    witnesses = (own for own in _witnesses(outline, factor, contrast) if own.code in asked and _possible(outline, own))
    return _Given(design, tuple(witnesses), protocol)


def _possible(outline: Outline, witness: Witness) -> bool:
    """Whether nothing that the check needs is impossible in this audit."""
    kinds = (registry.get("evidence", name)() for name in _evidence(witness.code))
    return not any(kind.impossible(outline.situation) for kind in kinds)


def _evidence(code: str) -> list[str]:
    known = registry.listed("evidence")
    return [name for name in required(registry.get("check", code)) if name in known]


def _witnesses(outline: Outline, factor: str, contrast: Contrast) -> Iterator[Witness]:
    """Go over the checks that the verdict listens to and that this design lets answer."""
    recipe, crossed = outline.protocol.arms[0].recipe, regime_of(outline.cohort, factor, contrast) == "crossed"
    own_maps = outline.shows_own_maps(recipe)
    yield from (Witness("G1"), Witness("G3"))
    yield from _of_scores(outline, factor, contrast, crossed)
    if outline.cohort.channels and not outline.situation.tabular:
        yield Witness("A2")
    if crossed:
        return
    yield from _of_probes(outline, factor, contrast)
    if outline.erasable(recipe) and outline.has_masks(contrast):
        yield Witness("U4")
    if outline.protocol.cohort.field is not None and not own_maps:
        yield from (Witness("U13", bound=True), Witness("U14", bound=True))
    if outline.transfers and not own_maps and outline.cohort.dimensions == 3:
        yield Witness("U5", bound=True)


def _of_scores(outline: Outline, factor: str, contrast: Contrast, crossed: bool) -> Iterator[Witness]:
    """U1, which flags inside the healthy, and among patients where their severity is known."""
    origins, positive = origins_of(outline.cohort, factor), np.array(contrast.positive)
    inside_healthy = len(set(origins[~positive].tolist())) > 1 and (contrast.name is None or contrast.against_class)
    patients_alone = len(set(origins[positive].tolist())) > 1
    if crossed:
        known = outline.has_masks(contrast) or not patients_alone
        yield Witness("U1", may_flag=known or inside_healthy)
    elif inside_healthy:
        yield Witness("U1", healthy=True)


def _of_probes(outline: Outline, factor: str, contrast: Contrast) -> Iterator[Witness]:
    """P1, where probes come from origins that hold the other class alone."""
    cohort = outline.cohort
    origins, positive = origins_of(cohort, factor), np.array(contrast.positive)
    sides = dict(zip((sample.label for sample in cohort.samples), positive.tolist(), strict=True))
    for side in (False, True):
        missing = set(origins[positive != side].tolist()) - set(origins[positive == side].tolist())
        own = [p for p in cohort.probes if sides.get(p.label, False) == side and p.origins.get(factor) in missing]
        if len(own) < FEWEST:
            continue
        covered = float(np.isin(origins[positive != side], [probe.origins[factor] for probe in own]).mean())
        two_sided = not side and covered >= COVERED and all(probe.label for probe in own)
        yield Witness("P1", bound=not two_sided, healthy=not side, most=1.0 if two_sided else covered)


def _options(outline: Outline, given: Sequence[_Given]) -> Iterator[tuple[str, list[_Given]]]:
    """Go over what could be brought, with the audit as it would then be."""
    crossed = all(own.design.regime == "crossed" for own in given)
    images = bool(outline.cohort.channels) and not outline.situation.tabular and not outline.situation.scored
    if outline.protocol.checks != "default":
        yield "`checks: default`", [own.beside(Witness("G1"), Witness("U1")) for own in given]
    if images and not crossed:
        probes = f"some {USUAL}-{2 * USUAL} healthy images of the patients' source (`cohort.probes`)"
        yield probes, [own.beside(Witness("P1", healthy=True)) for own in given]
        witnesses = (Witness("U4"), Witness("A2"))
        masks = [own.beside(*witnesses, design=replace(own.design, masks_given=True)) for own in given]
        yield "a pathology mask of every patient (`cohort.mask`)", masks
        yield (
            "masks that hold all disease (`mask_is_complete`)",
            [own.beside(design=replace(own.design, mask_is_complete=True)) for own in given],
        )
        field = [own.beside(Witness("U13", bound=True), Witness("U14", bound=True)) for own in given]
        yield "a declared disease field (`cohort.field`)", field
    if not crossed:
        single = all(own.design.regime == "single" for own in given)
        what = "images of both classes from a second origin" if single else "images of both classes from one origin"
        yield what, [own.beside(Witness("U1"), design=replace(own.design, regime="crossed")) for own in given]
