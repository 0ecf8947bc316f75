"""Plan the inputs of the networks: every image on the common grid, and what a representation makes of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from biasaudit.cohort.images.inspection import shared_field_files
from biasaudit.engine.arguments.inputs import INPUTS, READ, HarmoniseArguments, ReadArguments, RepresentArguments
from biasaudit.engine.jobs.book import JobBook, make_job
from biasaudit.engine.jobs.job import Job
from biasaudit.engine.situation.harmonising import kept_columns
from biasaudit.engine.situation.outline import BLOCK, Outline
from biasaudit.engine.situation.rows import mask_donor_rows
from biasaudit.engine.situation.situation import Situation
from biasaudit.engine.user_code.preprocessing import kind_of_input
from biasaudit.records import Recipe, Sample
from biasaudit.representations.representation import Harmonising

__all__ = ["InputPlanner", "blocks", "hashes_of", "pixel_identity", "read_arguments", "reading_jobs"]


def reading_jobs(situation: Situation) -> list[Job]:
    """Plan to read every image, block by block; a cohort without images has nothing to read."""
    if not situation.cohort.channels:
        return []
    return [
        make_job(read_arguments(situation, samples), {}, f"read images {start + 1}-{start + len(samples)}")
        for start, samples in blocks(situation.cohort.samples)
    ]


def blocks(samples: Sequence[Sample]) -> Iterator[tuple[int, tuple[Sample, ...]]]:
    """Go over the samples that one job takes, and the row of the first of them."""
    for start in range(0, len(samples), BLOCK):
        yield start, tuple(samples[start : start + BLOCK])


def read_arguments(situation: Situation, samples: Sequence[Sample]) -> ReadArguments:
    """Return what reading a block of samples takes; images without a field of their own are read without one."""
    field = situation.protocol.cohort.field
    if field is not None and field.column is not None and not all(sample.field for sample in samples):
        field = None
    return ReadArguments(
        reader=situation.protocol.cohort.reader,
        foreground=situation.protocol.cohort.foreground,
        grid=situation.grid,
        channels=situation.cohort.channels,
        samples=tuple(pixel_identity(sample) for sample in samples),
        hashes=hashes_of(situation, samples),
        field=field,
    )


def hashes_of(situation: Situation, samples: Iterable[Sample]) -> dict[str, str]:
    """SHA-256 of every file that reading some samples opens, by path: their own, and what all fields share."""
    own = (path for sample in samples for path in sample.files)
    return {path: situation.hashes[path] for path in (*shared_field_files(situation.protocol.cohort.field), *own)}


def pixel_identity(sample: Sample) -> Sample:
    """Return the part of a sample that its pixels depend on: neither its label's name nor where the row stands."""
    return replace(sample, label="", origins={}, covariates={}, where="", split="", scores=())


class InputPlanner:
    """Plans what the networks of every recipe are shown.

    Attributes
    ----------
    blocks : mapping of recipe to tuple of keys, one per block
        Before anything is learnt from training rows; see `inputs_of_fold`.
    """

    def __init__(self, outline: Outline, book: JobBook) -> None:
        self._outline = outline
        self._book = book
        self.blocks: dict[Recipe, tuple[str, ...]] = {}
        self._harmonised: dict[tuple[Recipe, int], str] = {}

    def add(self, recipe: Recipe) -> None:
        """Plan the inputs of a recipe; how the training rows are chosen changes none of them."""
        if recipe in self.blocks:
            return
        plain = recipe.unbalanced
        self.blocks[recipe] = self.blocks.get(plain) or self._represented(plain)
        self.blocks[plain] = self.blocks[recipe]
        if issubclass(kind_of_input(recipe.input), Harmonising):
            for fold in self._outline.folds:
                self._harmonised[recipe, fold] = self._harmonise(plain, fold)

    def inputs_of_fold(self, recipe: Recipe, fold: int) -> tuple[str, ...]:
        """Return the inputs of the networks of one fold, which differ where origins are harmonised by its rows."""
        key = self._harmonised.get((recipe, fold))
        return self.blocks[recipe] if key is None else (key,)

    def _harmonise(self, recipe: Recipe, fold: int) -> str:
        samples, protocol = self._outline.cohort.samples, self._outline.protocol
        arguments = HarmoniseArguments(
            representation=recipe.input,
            training=tuple(self._outline.situation.rows(fold, held_out=False)),
            origin=tuple(sample.origins[self._outline.cohort.factors[0]] for sample in samples),
            kept=tuple(tuple(row) for row in kept_columns(samples, protocol.combat.keep).tolist()),
        )
        title = f"harmonise {recipe} input, fold {fold + 1}"
        return self._book.add(arguments, {INPUTS: self.blocks[recipe]}, title)

    def _represented(self, recipe: Recipe) -> tuple[str, ...]:
        outline, cohort = self._outline, self._outline.cohort
        donors = mask_donor_rows(outline.situation, outline.survey) if outline.erasable(recipe) else None
        keys = []
        for start in range(0, len(cohort.samples), BLOCK):
            rows = tuple(range(start, min(start + BLOCK, len(cohort.samples))))
            arguments = RepresentArguments(
                representation=recipe.input,
                grid=outline.situation.grid,
                channels=outline.situation.image_channels(recipe.input),
                rows=rows,
                mask_donors=None if donors is None else tuple(donors[row] for row in rows),
                own=outline.situation.own_inputs.get(recipe.input),
            )
            title = f"{recipe} input {rows[0] + 1}-{rows[-1] + 1}"
            keys.append(self._book.add(arguments, {READ: outline.reads}, title))
        return tuple(keys)
