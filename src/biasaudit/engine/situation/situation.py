"""Inputs of the planner: the protocol, the cohort with its files, and what the survey of the images found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from biasaudit.cohort.split import SEEN
from biasaudit.engine.arguments.inputs import OwnInput
from biasaudit.engine.situation.contrasts import Contrast, class_index
from biasaudit.engine.user_code.network_description import BUILDER
from biasaudit.engine.user_code.preprocessing import kind_of_input, representation_of
from biasaudit.protocol import Protocol
from biasaudit.records import Cohort, Grid, Recipe, Regime
from biasaudit.stats.design import regime

__all__ = [
    "CONFIRMATION",
    "Question",
    "Situation",
    "Survey",
    "class_members",
    "class_of_row",
    "default_checks",
    "origins_of",
    "regime_of",
    "single_origin_notes",
    "source_channels",
]

DEFAULT_CHECKS = (
    "D1",
    "D2",
    "D3",
    "D4",
    "G1",
    "G2",
    "A1",
    "A2",
    "A3",
    "U1",
    "U2",
    "U3",
    "U4",
    "U5",
    "U6",
    "U7",
    "U8",
    "U12",
    "P1",
    "U13",
    "U14",
)
CONFIRMATION = "G3"
"""Check that a PATHOLOGY must pass; being costly it is asked only of arms that would get one."""


@dataclass(frozen=True)
class Question:
    """The task that a network is trained for, and the input that it learns from.

    Attributes
    ----------
    name : str
        ``target`` (the label) or ``origin`` (inside one class).
    recipe : Recipe
        What it learns from.
    variant : str
        Version of the input: ``original`` or ``erased``.
    factor, class_name : str
        Of an origin question; else empty.
    """

    name: str
    recipe: Recipe
    variant: str = "original"
    factor: str = ""
    class_name: str = ""

    def __str__(self) -> str:
        what = "label" if self.name == "target" else f"{self.factor} in {self.class_name}"
        edit = "" if self.variant == "original" else f" ({self.variant})"
        return f"{what} from {self.recipe}{edit}"

    @property
    def words(self) -> tuple[str, ...]:
        """Words that name the random streams of its networks; those of reduced inputs are shared by the arms."""
        return (self.name, str(self.recipe), self.variant, self.factor, self.class_name)


@dataclass(frozen=True)
class Survey:
    """Results of the survey of the images that change the plan.

    Attributes
    ----------
    mask_voxels : tuple of int
        Voxels of every sample's mask on the grid.
    background : bool
        Whether there is anything outside the foreground to learn from.
    """

    mask_voxels: tuple[int, ...]
    background: bool


@dataclass(frozen=True)
class Situation:
    """Inputs of the planner that are known before any job runs.

    Attributes
    ----------
    hashes : mapping
        Path of an image file -> SHA-256.
    confirm : frozenset of Recipe
        Recipes whose PATHOLOGY is put to the spike-in test.
    climbed : mapping of (Recipe, contrast or None) to tuple of float
        What networks owed to the plants of the spike-in test that they did not take up, rung by rung.
    adopted : mapping
        What `own_network.build` takes to rebuild the user's own network; empty where the network is ours.
    sidecars : mapping
        Path of an image -> path and SHA-256 of the JSON sidecars that apply to it, the nearest last.
    colours : mapping
        Path of a picture -> its `colour_measures`, all 0 if it is grey.
    own_inputs : mapping
        Name of a representation -> the user's function that makes it.
    """

    protocol: Protocol
    cohort: Cohort
    grid: Grid
    folds: tuple[int, ...]
    hashes: Mapping[str, str]
    confirm: frozenset[Recipe] = frozenset()
    climbed: Mapping[tuple[Recipe, str | None], tuple[float, ...]] = field(default_factory=dict)
    adopted: Mapping[str, Any] = field(default_factory=dict)
    sidecars: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    own_inputs: Mapping[str, OwnInput] = field(default_factory=dict)
    colours: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @property
    def judged(self) -> Cohort:
        """The cohort without the subjects that a network made elsewhere has seen, of which nothing is judged."""
        kept = tuple(s for s, fold in zip(self.cohort.samples, self.folds, strict=True) if fold != SEEN)
        return replace(self.cohort, samples=kept)

    @property
    def scored(self) -> bool:
        """Whether held-out scores are given in place of a target."""
        return any(sample.scores for sample in self.cohort.samples)

    @property
    def tabular(self) -> bool:
        """Whether there are columns of features in place of images."""
        return bool(self.cohort.features)

    @property
    def colour_hidden(self) -> bool:
        """Whether pictures in colour are read in grey, as the protocol asks."""
        images = {path for sample in self.cohort.samples for path in sample.images}
        return self.protocol.cohort.colour == "grey" and any(any(self.colours.get(path, ())) for path in images)

    def pixels(self, path: str) -> str:
        """``colour`` or ``grey`` of a picture; empty for what is none."""
        measures = self.colours.get(path, ())
        return ("colour" if any(measures) else "grey") if measures else ""

    @property
    def ready_made(self) -> bool:
        """Whether the target was made outside of this audit, which cannot train it again."""
        return self.scored or bool(self.protocol.target.weights)

    @property
    def one_network(self) -> bool:
        """Whether one network, made elsewhere, scored everybody: folds then divide subjects and no networks."""
        return self.scored or len(self.protocol.target.weights or ()) == 1

    @property
    def factory(self) -> tuple[str, Mapping[str, Any]]:
        """Import string and arguments of what makes the target."""
        target = self.protocol.target
        return (BUILDER, self.adopted) if self.adopted else (target.network, target.network_arguments)

    @property
    def confirms(self) -> bool:
        """Whether a PATHOLOGY is put to the spike-in test, which trains the target again on edited images."""
        return self.protocol.checks == "default" and not self.ready_made and not self.tabular

    def channels(self, recipe: Recipe) -> int:
        """Count the channels of the network input of one recipe."""
        name = recipe.input
        own = self.own_inputs.get(name)  # whose function this process never loads
        return own.channels if own else int(representation_of(name).channels(self.image_channels(name)))

    def image_channels(self, representation: str) -> int:
        """Count what a representation is made from: the channels of the images, or the user's maps of them."""
        return source_channels(self.cohort, representation)

    def codes(self, recipe: Recipe) -> tuple[str, ...]:
        """Codes of the checks that the arms of one recipe are asked."""
        asked = default_checks(self.protocol)
        return (*asked, CONFIRMATION) if recipe in self.confirm and CONFIRMATION not in asked else asked

    def rows(self, fold: int, *, held_out: bool) -> list[int]:
        """Cohort rows that one fold holds out, or trains on."""
        return [row for row, own in enumerate(self.folds) if (own == fold) == held_out]


def source_channels(cohort: Cohort, representation: str) -> int:
    """Count what a representation is made from: the channels of the images, or the user's maps of them."""
    return len(cohort.samples[0].maps) if kind_of_input(representation).shows == "maps" else cohort.channels


def default_checks(protocol: Protocol) -> tuple[str, ...]:
    """Codes of the checks that the protocol asks for."""
    return DEFAULT_CHECKS if protocol.checks == "default" else tuple(protocol.checks)


def regime_of(cohort: Cohort, factor: str, contrast: Contrast) -> Regime:
    """Say how a contrast and the origins of a factor lie: crossed, nested or aliased."""
    label = None if contrast.name is None else np.array([sample.label for sample in cohort.samples])
    return regime(np.array(contrast.positive), origins_of(cohort, factor), label)


def origins_of(cohort: Cohort, factor: str) -> np.ndarray:
    """Return the origin of every row."""
    return np.array([sample.origins[factor] for sample in cohort.samples])


def single_origin_notes(cohort: Cohort) -> list[str]:
    """Say of which factors the verdict is known before anything is trained, since all subjects share one origin."""
    only = {factor: set(origins_of(cohort, factor)) for factor in cohort.factors}
    return [
        f"{factor}: all subjects come from one origin ({next(iter(origins))}), so no verdict on it but UNDETERMINED is "
        "possible; add images of both classes from a second one"
        for factor, origins in only.items()
        if len(origins) == 1
    ]


def class_of_row(cohort: Cohort) -> dict[int, int]:
    """Return the class of every row, as its place among the classes."""
    return {row: class_index(cohort, sample) for row, sample in enumerate(cohort.samples)}


def class_members(cohort: Cohort, factor: str, class_name: str, origins: Sequence[str]) -> dict[int, int]:
    """Return the rows of one class that come from some origins, and the place of their origin among these."""
    index = cohort.classes.index(class_name)
    return {
        row: origins.index(sample.origins[factor])
        for row, sample in enumerate(cohort.samples)
        if class_index(cohort, sample) == index and sample.origins[factor] in origins
    }
