"""Hold what is known of an audit before its first job is planned; every planner reads it and none changes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from biasaudit import registry
from biasaudit.checks.check import required
from biasaudit.engine.situation.contrasts import Contrast, class_index, contrasts_of, marked_classes
from biasaudit.engine.situation.rows import origins_inside_classes, rows_for_maps
from biasaudit.engine.situation.situation import Situation, Survey, default_checks
from biasaudit.engine.user_code.preprocessing import kind_of_input
from biasaudit.protocol import Protocol
from biasaudit.records import Cohort, Recipe

__all__ = ["BLOCK", "Outline", "outline_of"]

BLOCK = 16
"""Images that one job reads, represents or edits."""


@dataclass(frozen=True)
class Outline:
    """Inputs that the planners share: the situation, the survey, and what follows from both.

    Attributes
    ----------
    reads : tuple of str
        Keys of the jobs that read the images.
    survey_job : str
        Key of the job that looked at them.
    contrasts : tuple of Contrast
        One with two classes.
    marked : tuple of str
        Classes whose every subject has a pathology mask; a healthy class is none of them.
    origins : mapping of (factor, class) to tuple of str
        Origins told apart inside the class; absent when there is nothing to tell apart.
    map_rows : tuple of tuple of int
        Rows that get attribution maps, per fold.
    """

    situation: Situation
    survey: Survey
    reads: tuple[str, ...]
    survey_job: str
    contrasts: tuple[Contrast, ...]
    marked: tuple[str, ...]
    origins: Mapping[tuple[str, str], tuple[str, ...]]
    map_rows: tuple[tuple[int, ...], ...]

    @property
    def protocol(self) -> Protocol:
        """The protocol of the situation."""
        return self.situation.protocol

    @property
    def cohort(self) -> Cohort:
        """The cohort of the situation."""
        return self.situation.cohort

    @property
    def folds(self) -> range:
        """The folds by number."""
        return range(self.protocol.folds.n)

    @property
    def ill(self) -> tuple[bool, ...]:
        """Whether a subject has pathology: everybody where the disease is a lesion in every class."""
        everybody = self.protocol.cohort.mask_in == "all"
        return tuple(everybody or sample.positive for sample in self.cohort.samples)

    @property
    def masks_given(self) -> bool:
        """Whether every subject that has pathology has a mask of it."""
        first = 0 if self.protocol.cohort.mask_in == "all" else 1
        return set(self.marked) == set(self.cohort.classes[first:])

    @property
    def erasable_rows(self) -> tuple[bool, ...]:
        """Whether a subject is healthy or its class has masks, so that erasure leaves nothing marked behind."""
        names = (self.cohort.classes[class_index(self.cohort, sample)] for sample in self.cohort.samples)
        return tuple(not ill or name in self.marked for ill, name in zip(self.ill, names, strict=True))

    @property
    def transfers(self) -> bool:
        """Whether signatures are imposed: erasing complete masks answers better, so then only if that is asked for."""
        answered = self.masks_given and self.protocol.cohort.mask_is_complete
        return not answered or self.protocol.checks != "default"

    def has_masks(self, contrast: Contrast) -> bool:
        """Whether every patient of a contrast has a pathology mask; of two classes whoever has pathology at all."""
        whole = contrast.name is None or contrast.against_class
        return self.masks_given if whole else contrast.classes[1] in self.marked

    def wants(self, kind: str) -> bool:
        """Whether a check that the protocol asks for cannot do without a kind of evidence."""
        return any(kind in required(registry.get("check", code)) for code in default_checks(self.protocol))

    def erasable(self, recipe: Recipe) -> bool:
        """Whether the input is made again without the pathology; what shows none has no such version."""
        some = self.masks_given or (len(self.contrasts) > 1 and bool(self.marked))
        return some and kind_of_input(recipe.input).shows_pathology

    def shows_own_maps(self, recipe: Recipe) -> bool:
        """Whether the input is the user's tissue maps or other maps, which no edit of the image reaches."""
        own_tissue = all(sample.tissue for sample in self.cohort.samples)
        shows = kind_of_input(recipe.input).shows
        return shows == "maps" or (shows == "tissue" and own_tissue)


def outline_of(situation: Situation, survey: Survey, reads: tuple[str, ...], survey_job: str) -> Outline:
    """Derive the outline of an audit whose images are read by the given jobs."""
    return Outline(
        situation,
        survey,
        reads,
        survey_job,
        contrasts_of(situation.cohort),
        marked_classes(situation.cohort, survey.mask_voxels),
        origins_inside_classes(situation),
        rows_for_maps(situation),
    )
