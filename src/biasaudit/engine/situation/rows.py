"""Choose the rows of the cohort that a job takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from biasaudit import seeds
from biasaudit.engine.situation.contrasts import Contrast, class_index
from biasaudit.engine.situation.situation import Situation, Survey, origins_of
from biasaudit.records import Cohort, Recipe
from biasaudit.registry import get
from biasaudit.stats.subsampling import evenly_mixed_rows, origins_with_both_classes

__all__ = [
    "baseline_rows",
    "can_balance",
    "mask_donor_rows",
    "origins_inside_classes",
    "reference_rows",
    "rows_for_maps",
    "rows_of_contrast",
    "training_rows",
    "truth_rows",
]


def origins_inside_classes(situation: Situation) -> dict[tuple[str, str], tuple[str, ...]]:
    """Return origins with enough subjects in a class to be in every fold; a class with fewer than two is left out."""
    found = {}
    for factor in situation.cohort.factors:
        for index, class_name in enumerate(situation.cohort.classes):
            subjects: dict[str, set[str]] = {}
            for sample in situation.cohort.samples:
                if class_index(situation.cohort, sample) == index:
                    subjects.setdefault(sample.origins[factor], set()).add(sample.subject)
            kept = tuple(sorted(o for o, own in subjects.items() if len(own) >= max(4, situation.protocol.folds.n)))
            if len(kept) >= 2:
                found[factor, class_name] = kept
    return found


def training_rows(situation: Situation, recipe: Recipe, fold: int) -> list[int]:
    """Return what one fold trains on; balanced rows are drawn anew in every fold, from its training rows alone."""
    rows, cohort = situation.rows(fold, held_out=False), situation.cohort
    if not recipe.balanced:
        return rows
    classes = np.array([class_index(cohort, sample) for sample in cohort.samples])
    chance = seeds.generator(situation.protocol.folds.seed, "balanced training", fold)
    origin = origins_of(cohort, cohort.factors[0])
    return [int(row) for row in evenly_mixed_rows(np.array(rows), classes, origin, chance)]


def rows_for_maps(situation: Situation) -> tuple[tuple[int, ...], ...]:
    """Draw the held-out rows that get a map: as many of each class in every fold, drawn by chance."""
    folds, cohort = situation.protocol.folds, situation.cohort
    share = max(2, situation.protocol.attribution.max_subjects // folds.n)
    chosen = []
    for fold in range(folds.n):
        chance = seeds.generator(folds.seed, "maps", fold)
        rows: list[int] = []
        for index in range(len(cohort.classes)):
            own = [r for r in situation.rows(fold, held_out=True) if class_index(cohort, cohort.samples[r]) == index]
            rows.extend(int(row) for row in chance.permutation(own)[:share])
        chosen.append(tuple(sorted(rows)))
    return tuple(chosen)


def baseline_rows(situation: Situation, fold: int) -> list[list[int]]:
    """Return the healthy training rows by origin (primary factor)."""
    factor = situation.cohort.factors[0]
    rows: dict[str, list[int]] = {}
    for row in situation.rows(fold, held_out=False):
        sample = situation.cohort.samples[row]
        if not sample.positive:
            rows.setdefault(sample.origins[factor], []).append(row)
    return [rows[origin] for origin in sorted(rows)]


def reference_rows(situation: Situation, fold: int) -> list[int] | None:
    """Draw the healthy training rows that a method compares with one by one; the origins take turns."""
    settings = situation.protocol.attribution
    if get("attribution", settings.method).needs != "healthy":
        return None
    chance = seeds.generator(situation.protocol.folds.seed, "references", fold)
    pools = [chance.permutation(rows).tolist() for rows in baseline_rows(situation, fold)]
    turns = [row for rank in range(max(map(len, pools))) for row in [pool[rank] for pool in pools if rank < len(pool)]]
    return turns[: settings.references]


def mask_donor_rows(situation: Situation, survey: Survey) -> list[tuple[int, ...]]:
    """Return for every row the rows whose masks are erased from it together.

    Where only patients have masks these lose their own, and the healthy an exchanged one as a sham. Where every class
    has masks, a hole is the subject's own mask with one exchanged from each other class: large and small holes are then
    as frequent in one class as in the other. Of its own mask alone a network that is retrained on erased images reads
    the class whenever lesions of one class are larger.
    """
    cohort = situation.cohort
    named = {class_index(cohort, sample) for sample in cohort.samples if sample.mask or sample.has_mask}
    return _of_every_class(situation, survey) if 0 in named else _own_or_exchanged(situation, survey)


def _own_or_exchanged(situation: Situation, survey: Survey) -> list[tuple[int, ...]]:
    samples = situation.cohort.samples
    donors = [row for row, sample in enumerate(samples) if sample.positive and survey.mask_voxels[row]]
    exchanged = _drawn(donors, len(samples), seeds.generator(situation.protocol.folds.seed, "sham masks"))
    return [(row,) if sample.positive else (next(exchanged),) for row, sample in enumerate(samples)]


def _of_every_class(situation: Situation, survey: Survey) -> list[tuple[int, ...]]:
    """Take the own mask and one of each other class, every mask of a class as often as any other."""
    cohort, seed = situation.cohort, situation.protocol.folds.seed
    index = [class_index(cohort, sample) for sample in cohort.samples]
    streams = {}
    for place, name in enumerate(cohort.classes):
        donors = [row for row, own in enumerate(index) if own == place]
        if any(survey.mask_voxels[row] for row in donors):
            streams[place] = _drawn(donors, len(index), seeds.generator(seed, "masks of the other classes", name))
    return [
        (row, *(next(stream) for place, stream in streams.items() if place != own)) for row, own in enumerate(index)
    ]


def _drawn(donors: Sequence[int], count: int, chance: np.random.Generator) -> Iterator[int]:
    """Draw `count` donors, each as often as the others."""
    rounds = -(-count // len(donors))
    return iter(np.concatenate([chance.permutation(donors) for _ in range(rounds)]).tolist())


def truth_rows(situation: Situation, fold: int, count: int) -> list[int]:
    """Draw the held-out rows whose anatomies are rendered at every site."""
    chance = seeds.generator(situation.protocol.folds.seed, "truth", fold)
    held_out = situation.rows(fold, held_out=True)
    return sorted(int(row) for row in chance.permutation(held_out)[:count])


def rows_of_contrast(rows: Sequence[Sequence[int]], contrast: Contrast) -> tuple[tuple[int, ...], ...]:
    """Keep the rows of either side of a contrast, fold by fold."""
    return tuple(tuple(row for row in own if contrast.positive[row]) for own in rows)


def can_balance(cohort: Cohort) -> bool:
    """Whether some origin (primary factor) holds enough subjects of both classes to train on."""
    samples, factor = cohort.samples, cohort.factors[0]
    positive, subject = [sample.positive for sample in samples], [sample.subject for sample in samples]
    return bool(origins_with_both_classes(positive, [sample.origins[factor] for sample in samples], subject))
