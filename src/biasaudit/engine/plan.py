"""Protocol and cohort in, jobs out: pure, so that the same plan always has the same names."""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from biasaudit import seeds
from biasaudit.checks.identifiability import regime
from biasaudit.cohort.split import SEEN
from biasaudit.engine.contrasts import Contrast, class_index, contrasts_of, marked_classes
from biasaudit.engine.spike import BEND, FIELD, PLANTED, SHAM
from biasaudit.engine.store import Job, digest
from biasaudit.protocol import Protocol
from biasaudit.records import Cohort, Grid, Sample
from biasaudit.registry import get
from biasaudit.stats.subsampling import (
    LEVELS,
    SMALLEST_CELL,
    SMALLEST_TRAINING,
    assigned_subjects,
    associated_rows,
    balanced_rows,
    class_matched_rows,
    common_training_size,
    evenly_mixed_rows,
    origin_sides,
    origins_with_both_classes,
)

__all__ = [
    "CONFIRMATION",
    "Facts",
    "Plan",
    "Question",
    "Situation",
    "baseline_rows",
    "default_checks",
    "plan_audit",
    "plan_reading",
    "reference_rows",
]

BLOCK = 16
DEFAULT_CHECKS = ("D1", "D2", "D3", "G1", "A1", "A2", "A3", "U1", "U2", "U3", "U4", "U5", "U6", "U7", "U8", "U12")
CONFIRMATION = "G3"
"""Check that a PATHOLOGY must pass; being costly it is asked only of arms that would get one."""

_OF_MAPS = ("U6", "U7", "U8", "U12")
"""Checks that look at attribution maps."""

_OF_PIXELS = ("A2", "A3", "G3", "U4", "U5", "U6", "U8")
_ONLY_FEATURES = "a feature table has no pixels to erase, mask, blur or compare by place"
_OWN_BUILDER = "biasaudit.engine.own_network:build"
_NETWORK_NEEDS = {"features", "maps", "erased", "transfer"}
_READY_MADE = "the network was trained outside of this audit; one trained anew would be another network"
_IMAGE_NEEDS = {"origin_controls", "reduced", "retraining", "quality", "twins"}
_ONLY_TABLE = "the table names no images: this needs networks trained on them"
_ONLY_SCORES = "held-out scores were given in place of the network: this needs the network itself"

_IMAGES = tuple(
    f"biasaudit.cohort.{module}" for module in ("volumes", "resampling", "foreground", "phantom", "template")
)
_CODE = {
    "read": (*_IMAGES, "biasaudit.engine.prepare"),
    "survey": ("biasaudit.engine.survey", "biasaudit.cohort.alignment"),
    "metadata": ("biasaudit.engine.metadata", "biasaudit.cohort.headers"),
    "leakage": ("biasaudit.engine.leakage", "biasaudit.stats.twins"),
    "quality": ("biasaudit.engine.quality", "biasaudit.stats.image_quality"),
    "represent": (
        "biasaudit.representations",
        "biasaudit.edits.erasure",
        "biasaudit.cohort.template",
        "biasaudit.engine.prepare",
    ),
    "train": ("biasaudit.engine.train", "biasaudit.networks"),
    "adopt": ("biasaudit.engine.given", "biasaudit.engine.weights", "biasaudit.engine.own_network"),
    "given": ("biasaudit.engine.given",),
    "score": ("biasaudit.engine.collect", "biasaudit.networks"),
    "attribute": (
        "biasaudit.engine.attribute",
        "biasaudit.attributions",
        "biasaudit.networks",
        "biasaudit.cohort.atlas",
    ),
    "truth": ("biasaudit.engine.collect", "biasaudit.cohort.phantom", "biasaudit.networks"),
    "transfer": ("biasaudit.engine.transfer", "biasaudit.edits.transfer", "biasaudit.networks"),
    "spike": ("biasaudit.engine.spike",),
    "untrained": ("biasaudit.engine.untrained", "biasaudit.networks"),
    "concepts": ("biasaudit.engine.concepts", "biasaudit.engine.collect", "biasaudit.networks"),
    "contrast": ("biasaudit.engine.odds", "biasaudit.networks"),
    "learned": (
        "biasaudit.engine.learned",
        "biasaudit.engine.preferred",
        "biasaudit.stats.units",
        "biasaudit.networks",
    ),
    "judge": (
        "biasaudit.engine.judge",
        "biasaudit.engine.contrasts",
        "biasaudit.engine.regions",
        "biasaudit.engine.retraining",
        "biasaudit.attributions.regions",
        "biasaudit.cohort.atlas",
        "biasaudit.engine.data_evidence",
        "biasaudit.checks",
        "biasaudit.stats",
    ),
}


@dataclass(frozen=True)
class Question:
    """What one network is trained to answer, and from what.

    Attributes
    ----------
    name : str
        ``target`` (the label) or ``origin`` (inside one class).
    representation, variant : str
        The input: ``intensity`` ... and ``original`` or ``erased``.
    factor, class_name : str
        Of an origin question; else empty.
    """

    name: str
    representation: str
    variant: str = "original"
    factor: str = ""
    class_name: str = ""

    def __str__(self) -> str:
        what = "label" if self.name == "target" else f"{self.factor} in {self.class_name}"
        edit = "" if self.variant == "original" else f" ({self.variant})"
        return f"{what} from {self.representation}{edit}"


@dataclass(frozen=True)
class Facts:
    """What the survey of the images found, as far as it changes the plan.

    Attributes
    ----------
    mask_voxels : tuple of int
        Pathology voxels of every sample on the grid.
    background : bool
        Whether there is anything outside the foreground to learn from.
    """

    mask_voxels: tuple[int, ...]
    background: bool


@dataclass(frozen=True)
class Situation:
    """All that a plan follows from.

    Attributes
    ----------
    hashes : mapping
        Path of an image file -> SHA-256.
    confirm : frozenset of str
        Representations whose PATHOLOGY is put to the spike-in test.
    sidecars : mapping
        Path of an image -> path and SHA-256 of the JSON sidecars that apply to it, the nearest last.
    adopted : mapping
        What `own_network.build` takes to rebuild the user's own network; empty where the network is ours.
    """

    protocol: Protocol
    cohort: Cohort
    grid: Grid
    folds: tuple[int, ...]
    hashes: Mapping[str, str]
    confirm: frozenset[str] = frozenset()
    adopted: Mapping[str, Any] = field(default_factory=dict)

    @property
    def scored(self) -> bool:
        """Whether held-out scores are given in place of a target."""
        return any(sample.scores for sample in self.cohort.samples)

    @property
    def tabular(self) -> bool:
        """Whether there are columns of features in place of images."""
        return bool(self.cohort.features)

    @property
    def ready_made(self) -> bool:
        """Whether the target was made outside of this audit, which cannot train it again."""
        return self.scored or bool(self.protocol.target.weights)

    sidecars: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)

    def codes(self, representation: str) -> tuple[str, ...]:
        """Codes of the checks that the arms of one representation are asked."""
        asked = default_checks(self.protocol)
        return (*asked, CONFIRMATION) if representation in self.confirm and CONFIRMATION not in asked else asked

    def rows(self, fold: int, *, held_out: bool) -> list[int]:
        """Cohort rows that one fold holds out, or trains on."""
        return [row for row, own in enumerate(self.folds) if (own == fold) == held_out]


@dataclass(frozen=True)
class Retraining:
    """Networks that one check trains for itself: who was asked what, where the answers lie, or why there are none."""

    design: Mapping[str, Any] = field(default_factory=dict)
    needs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    skipped: str = ""


@dataclass(frozen=True)
class _Network:
    """Where the input of a retrained network lies, which rows it learns from, and the words of its random stream."""

    inputs: tuple[str, ...]
    variant: str
    rows: Sequence[int]
    words: tuple[object, ...]
    title: str


@dataclass(frozen=True)
class Plan:
    """The jobs of an audit in an order that respects their needs, and an index of what is where.

    Attributes
    ----------
    jobs : tuple of Job
    models, scores, maps : mapping of Question to tuple of keys, one per fold
        `models` holds one tuple of keys (one per seed) per fold.
    map_rows : tuple of tuple of int
        Rows that get attribution maps, per fold.
    contrasts : tuple of Contrast
        One with two classes.
    contrast_maps : mapping of (representation, contrast) to tuple of keys
        With more than two classes, instead of the target's `maps`: explanations of the log odds of every class.
    truth, learned : mapping of arm representation to tuple of keys, one per fold
    judged : mapping of (arm, factor, code) to key
        With more than two classes of (arm, factor, code, contrast); see `judgement`.
    origins : mapping of (factor, class) to tuple of str
        Origins told apart inside the class; absent when there is nothing to tell apart.
    reduced : mapping of input name to Question, per arm
    skipped : mapping of input name to reason
    masks_given : bool
        Every patient has a pathology mask.
    marked : tuple of str
        Pathology classes whose every patient has one.
    """

    jobs: tuple[Job, ...]
    reads: tuple[str, ...]
    survey: str
    inputs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    models: Mapping[Question, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    scores: Mapping[Question, tuple[str, ...]] = field(default_factory=dict)
    maps: Mapping[Question, tuple[str, ...]] = field(default_factory=dict)
    map_rows: tuple[tuple[int, ...], ...] = ()
    truth: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    learned: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    judged: Mapping[tuple[str, ...], str] = field(default_factory=dict)
    contrasts: tuple[Contrast, ...] = ()
    contrast_maps: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    origins: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    reduced: Mapping[str, Mapping[str, Question]] = field(default_factory=dict)
    skipped: Mapping[str, str] = field(default_factory=dict)
    masks_given: bool = False
    marked: tuple[str, ...] = ()

    def judgement(self, arm: str, factor: str, code: str, contrast: str | None = None) -> str:
        """Key of the judgement of one check."""
        return self.judged[_judgement_name((arm, factor, code), contrast)]


def default_checks(protocol: Protocol) -> tuple[str, ...]:
    """Codes of the checks that the protocol asks for."""
    return DEFAULT_CHECKS if protocol.checks == "default" else tuple(protocol.checks)


def plan_reading(situation: Situation) -> Plan:
    """Plan the first stage: every image on the common grid, and a survey of what they hold."""
    cohort, protocol = situation.cohort, situation.protocol
    jobs = []
    for start in range(0, len(cohort.samples) if cohort.channels else 0, BLOCK):
        samples = cohort.samples[start : start + BLOCK]
        arguments = {
            "reader": protocol.cohort.reader,
            "foreground": protocol.cohort.foreground,
            "grid": situation.grid.to_dict(),
            "channels": cohort.channels,
            "samples": [_identity(sample) for sample in samples],
            "hashes": [situation.hashes[path] for sample in samples for path in _paths(sample)],
        }
        jobs.append(_job("read", arguments, {}, f"read images {start + 1}-{start + len(samples)}"))
    reads = tuple(job.key for job in jobs)
    if not reads:
        blank = _job("given", {"images": len(cohort.samples)}, {}, "no images to survey")
        return Plan(jobs=(blank,), reads=(), survey=blank.key)
    if situation.tabular:
        blank = _job("given", {"images": len(cohort.samples)}, {}, "no images to survey")
        return Plan(jobs=(*jobs, blank), reads=reads, survey=blank.key)
    survey = _job("survey", {"subjects": [s.subject for s in cohort.samples]}, {"read": reads}, "survey the images")
    return Plan(jobs=(*jobs, survey), reads=reads, survey=survey.key)


def plan_audit(situation: Situation, facts: Facts) -> Plan:
    """Plan the whole audit, the reading included."""
    return _Planner(situation, facts).plan()


class _Planner:
    """Collects jobs; identical ones, for example a control shared by two arms, are kept once."""

    def __init__(self, situation: Situation, facts: Facts) -> None:
        self.situation = situation
        self.facts = facts
        self.protocol = situation.protocol
        self.cohort = situation.cohort
        self.reading = plan_reading(situation)
        self.jobs = {job.key: job for job in self.reading.jobs}
        self.contrasts = contrasts_of(situation.cohort)
        self.marked = marked_classes(situation.cohort, facts.mask_voxels)
        self.masks_given = set(self.marked) == set(situation.cohort.classes[1:])
        self.origins = _origins_inside_classes(situation)
        self.map_rows = _rows_for_maps(situation)
        self.inputs: dict[str, tuple[str, ...]] = {}
        self.models: dict[Question, tuple[tuple[str, ...], ...]] = {}
        self.scores: dict[Question, tuple[str, ...]] = {}
        self.maps: dict[Question, tuple[str, ...]] = {}
        self.truth: dict[str, tuple[str, ...]] = {}
        self.learned: dict[str, tuple[str, ...]] = {}
        self.judged: dict[tuple[str, ...], str] = {}
        self.wrapped: dict[tuple[str, str], tuple[tuple[str, ...], ...]] = {}
        self.contrast_maps: dict[tuple[str, str], tuple[str, ...]] = {}
        self.reduced: dict[str, dict[str, Question]] = {}
        self.skipped: dict[str, str] = {}
        self.transfers: dict[tuple[str, str | None], str] = {}
        self.untrained: dict[str, tuple[str, ...]] = {}
        self.slopes: dict[tuple[str, str | None], tuple[str, ...]] = {}
        self.retrained: dict[tuple[str, str, str, str | None], Retraining] = {}

    def plan(self) -> Plan:
        for representation in dict.fromkeys(arm.recipe for arm in self.protocol.arms):
            if not self.cohort.channels:
                self._add_given(Question("target", representation))
                self.reduced[representation] = {}
                continue
            self._add_inputs(representation)
            self._add_target(Question("target", representation))
            self._add_hidden_layers(representation)
            self._add_origin_questions(representation)
            self._add_reduced_inputs(representation)
            self._add_truth(representation)
            self._add_learned(representation)
            self._add_transfer(representation)
            self._add_retraining(representation)
        for arm in self.protocol.arms:
            for factor in self.cohort.factors:
                for code in self.situation.codes(arm.recipe):
                    for contrast in self.contrasts:
                        self._add_judgement((arm.name, factor, code), arm.recipe, contrast)
        return Plan(
            jobs=tuple(self.jobs.values()),
            reads=self.reading.reads,
            survey=self.reading.survey,
            inputs=self.inputs,
            models=self.models,
            scores=self.scores,
            maps=self.maps,
            map_rows=self.map_rows,
            truth=self.truth,
            learned=self.learned,
            judged=self.judged,
            contrasts=self.contrasts,
            contrast_maps=self.contrast_maps,
            origins=self.origins,
            reduced=self.reduced,
            skipped=self.skipped,
            masks_given=self.masks_given,
            marked=self.marked,
        )

    def _add(self, step: str, arguments: Mapping[str, Any], needs: Mapping[str, tuple[str, ...]], title: str) -> str:
        job = _job(step, arguments, needs, title)
        self.jobs.setdefault(job.key, job)
        return job.key

    def _erasable(self, representation: str) -> bool:
        """Whether the input is made again without the pathology; what shows none has no such version."""
        return bool(self.marked) and _input_of(representation) not in ("background", "silhouette")

    def _wanted(self, *codes: str) -> bool:
        return any(code in default_checks(self.protocol) for code in codes)

    def _add_inputs(self, recipe: str) -> None:
        """Plan the inputs of a recipe; how the training rows are chosen changes none of them."""
        representation = _input_of(recipe)
        if representation not in self.inputs:
            self._add_representation(representation)
        self.inputs[recipe] = self.inputs[representation]

    def _add_representation(self, representation: str) -> None:
        erase_with = _erase_with(self.situation, self.facts) if self._erasable(representation) else None
        keys = []
        for start in range(0, len(self.cohort.samples), BLOCK):
            rows = list(range(start, min(start + BLOCK, len(self.cohort.samples))))
            arguments = {
                "representation": representation,
                "grid": self.situation.grid.to_dict(),
                "channels": self.cohort.channels,
                "rows": rows,
                "erase_with": None if erase_with is None else [erase_with[row] for row in rows],
            }
            title = f"{representation} input {rows[0] + 1}-{rows[-1] + 1}"
            keys.append(self._add("represent", arguments, {"read": self.reading.reads}, title))
        self.inputs[representation] = tuple(keys)

    def _add_given(self, question: Question) -> None:
        """Take the scores of the target as they were given."""
        keys = []
        for fold in range(self.protocol.folds.n):
            rows = self.situation.rows(fold, held_out=True)
            arguments = {"rows": rows, "logits": [list(self.cohort.samples[row].scores) for row in rows]}
            keys.append(self._add("given", arguments, {}, f"given scores, fold {fold + 1}"))
        self.scores[question] = tuple(keys)
        self.models[question] = ()

    def _add_target(self, question: Question) -> None:
        if self.situation.scored:
            self._add_given(question)
            return
        self._add_question(question, _everyone(self.cohort))
        if len(self.contrasts) > 1:
            self._add_contrasts(question)
        elif self._wanted(*_OF_MAPS):
            self.maps[question] = self._add_maps(question, None, (self.map_rows, self.models[question]))

    def _add_contrasts(self, question: Question) -> None:
        """Make of every trained target one network per contrast, whose single logit can be explained and edited."""
        for contrast in self.contrasts:
            assert contrast.name is not None
            models = tuple(
                tuple(self._add_wrapped(contrast, key, f"{question}, fold {fold + 1}") for key in keys)
                for fold, keys in enumerate(self.models[question])
            )
            self.wrapped[question.representation, contrast.name] = models
            if self._wanted(*_OF_MAPS):
                rows = self.map_rows if contrast.turned else _own_rows(self.map_rows, contrast)
                keys = self._add_maps(question, None, (rows, models), f", {contrast.name}")
                self.contrast_maps[question.representation, contrast.name] = keys

    def _add_wrapped(self, contrast: Contrast, model: str, what: str) -> str:
        arguments = {"index": contrast.index, "turned": contrast.turned}
        return self._add("contrast", arguments, {"model": (model,)}, f"log odds of {contrast.name}: {what}")

    def _add_hidden_layers(self, representation: str) -> None:
        """Plan what the checks of hidden layers compare the target's features with."""
        question = Question("target", representation)
        if not self.models[question]:
            return
        if self._wanted("U2"):
            self.untrained[representation] = tuple(
                self._add_untrained(question, fold) for fold in range(self.protocol.folds.n)
            )
        if self._wanted("U9"):
            for contrast in self.contrasts:
                models = self.wrapped[representation, contrast.name] if contrast.name else self.models[question]
                self.slopes[representation, contrast.name] = tuple(
                    self._add_slopes(question, (fold, keys[:1]), contrast) for fold, keys in enumerate(models)
                )

    def _add_untrained(self, question: Question, fold: int) -> str:
        classes = len(self.cohort.classes)
        arguments = {
            **self._network_arguments(),
            "variant": question.variant,
            "outputs": 1 if classes == 2 else classes,
            "seed": seeds.seed(self.protocol.folds.seed, "untrained", question.representation, fold),
        }
        needs = {"inputs": self.inputs[question.representation]}
        model = self._add("untrained", arguments, needs, f"untrained {question}, fold {fold + 1}")
        return self._score_layers((question, fold), (model,), f"untrained {question}, fold {fold + 1}")

    def _score_layers(self, which: tuple[Question, int], models: tuple[str, ...], title: str) -> str:
        question, fold = which
        arguments = {
            "rows": self.situation.rows(fold, held_out=True),
            "variants": [question.variant],
            "features": True,
            "layers": self.protocol.target.layers,
            "batch_size": self.protocol.target.training.batch_size,
        }
        needs = {"inputs": self.inputs[question.representation], "models": models}
        return self._add("score", arguments, needs, f"score {title}")

    def _add_slopes(self, question: Question, which: tuple[int, tuple[str, ...]], contrast: Contrast) -> str:
        fold, models = which
        arguments = {
            "rows": self.situation.rows(fold, held_out=True),
            "variant": question.variant,
            "layers": self.protocol.target.layers,
            "batch_size": self.protocol.target.training.batch_size,
        }
        needs = {"inputs": self.inputs[question.representation], "models": models}
        what = f", {contrast.name}" if contrast.name else ""
        return self._add("concepts", arguments, needs, f"slopes of hidden layers: {question}{what}, fold {fold + 1}")

    def _add_origin_questions(self, representation: str) -> None:
        if not self._wanted("A1", "U7"):
            return
        for (factor, class_name), origins in self.origins.items():
            question = Question("origin", _input_of(representation), factor=factor, class_name=class_name)
            members = _class_members(self.cohort, factor, class_name, origins)
            self._add_question(question, members)
            if self._wanted("U7"):
                self.maps[question] = self._add_maps(question, members, (self.map_rows, self.models[question]))

    def _add_reduced_inputs(self, representation: str) -> None:
        self.reduced[representation] = {}
        if not self._wanted("A2"):
            return
        if self.situation.tabular:
            self.skipped |= dict.fromkeys(("erased", "background", "silhouette"), _ONLY_FEATURES)
            return
        if self.masks_given and self._erasable(representation):
            self._add_reduced(representation, "erased", Question("target", _input_of(representation), "erased"))
        elif not self.masks_given:
            self.skipped["erased"] = _why_not_erased(self.marked)
        reduced = "background" if self.facts.background else "silhouette"
        if not self.facts.background:
            self.skipped["background"] = "the images are empty outside the brain; the silhouette is asked instead"
        self._add_inputs(reduced)
        self._add_reduced(representation, reduced, Question("target", reduced))

    def _add_reduced(self, representation: str, name: str, question: Question) -> None:
        self.reduced[representation][name] = question
        self._add_question(question, _everyone(self.cohort))

    def _add_question(self, question: Question, members: Mapping[int, int]) -> None:
        if question in self.models:
            return
        models, scores = [], []
        for fold in range(self.protocol.folds.n):
            if self.protocol.target.weights and question.name == "target" and self._is_arm(question):
                keys: tuple[str, ...] = (self._add_adopted(question, fold),)
            else:
                keys = tuple(
                    self._add_training(question, members, (fold, number))
                    for number in range(self.protocol.target.training.seeds)
                )
            models.append(keys)
            scores.append(self._add_scoring(question, members, (fold, keys)))
        self.models[question] = tuple(models)
        self.scores[question] = tuple(scores)

    def _is_arm(self, question: Question) -> bool:
        """Whether the question is the target's own, not that of a reduced input."""
        asked = {arm.recipe for arm in self.protocol.arms}
        return question.variant == "original" and question.representation in asked

    def _add_adopted(self, question: Question, fold: int) -> str:
        """Plan to take over the weights that held a fold out; all folds share one file, if there is one."""
        target, files = self.protocol.target, self.protocol.target.weights or []
        path = str(files[fold if len(files) > 1 else 0])
        shared = range(self.protocol.folds.n) if len(files) == 1 else (fold,)
        arguments = {
            "weights": path,
            "sha256": hashlib.sha256(Path(path).read_bytes()).hexdigest(),
            "network_code": _user_code(target.network),
            "network_arguments": dict(self.situation.adopted),
            "sizes": [self.situation.grid.dimensions, self._channels(question), self._outputs()],
            "rows": [row for own in shared for row in self.situation.rows(own, held_out=True)],
            "batch_size": target.training.batch_size,
            "stated": target.outputs != "auto",
        }
        title = f"take over {Path(path).name}: {question}"
        return self._add("adopt", arguments, {"inputs": self.inputs[question.representation]}, title)

    def _channels(self, question: Question) -> int:
        return int(get("representation", _input_of(question.representation))().channels(self.cohort.channels))

    def _outputs(self) -> int:
        return 1 if len(self.cohort.classes) == 2 else len(self.cohort.classes)

    def _add_training(self, question: Question, members: Mapping[int, int], which: tuple[int, int]) -> str:
        fold, number = which
        rows = [row for row in self._training_rows(question.representation, fold) if row in members]
        # The reduced inputs are shared by the arms, and so is everything that names their streams.
        words = ("train", *asdict(question).values(), fold, number)
        arguments = self._training_arguments(rows, members, question.variant, words)
        title = f"train {question}, fold {fold + 1}" + (f", seed {number + 1}" if number else "")
        return self._add("train", arguments, {"inputs": self.inputs[question.representation]}, title)

    def _network_arguments(self) -> dict[str, Any]:
        """Return how a network is made that is to be trained."""
        target = self.protocol.target
        own = {name: value for name, value in self.situation.adopted.items() if name != "order"}
        return {
            "network": _OWN_BUILDER if own else target.network,
            "network_code": _user_code(target.network),
            "network_arguments": own or dict(target.network_arguments),
        }

    def _training_rows(self, recipe: str, fold: int) -> list[int]:
        """Rows that one fold trains on; balanced ones are drawn anew in every fold, from its training rows alone."""
        rows = self.situation.rows(fold, held_out=False)
        if recipe == _input_of(recipe):
            return rows
        classes = np.array([class_index(self.cohort, sample) for sample in self.cohort.samples])
        chance = seeds.generator(self.protocol.folds.seed, "balanced training", fold)
        origin = _origins(self.cohort, self.cohort.factors[0])
        return [int(row) for row in evenly_mixed_rows(np.array(rows), classes, origin, chance)]

    def _training_arguments(
        self, rows: Sequence[int], members: Mapping[int, int], variant: str, words: tuple[object, ...]
    ) -> dict[str, Any]:
        target = self.protocol.target
        return {
            **self._network_arguments(),
            "training": target.training.model_dump(mode="json", exclude={"seeds"}),
            "variant": variant,
            "rows": list(rows),
            "targets": [members[row] for row in rows],
            "groups": [self.cohort.samples[row].subject for row in rows],
            "classes": max(members.values()) + 1,
            "seed": seeds.seed(self.protocol.folds.seed, *words),
        }

    def _add_scoring(self, question: Question, members: Mapping[int, int], which: tuple[int, tuple[str, ...]]) -> str:
        fold, models = which
        variants = [question.variant]
        is_target = question.name == "target" and question.variant == "original"
        if is_target and self._erasable(question.representation):
            variants.append("erased")
        arguments = {
            "rows": [row for row in self.situation.rows(fold, held_out=True) if row in members],
            "variants": variants,
            "features": is_target and self._wanted("U2", "U3", "U9"),
            "layers": self.protocol.target.layers,
            "batch_size": self.protocol.target.training.batch_size,
        }
        needs = {"inputs": self.inputs[question.representation], "models": models}
        return self._add("score", arguments, needs, f"score {question}, fold {fold + 1}")

    def _add_maps(
        self,
        question: Question,
        members: Mapping[int, int] | None,
        explained: tuple[Sequence[Sequence[int]], Sequence[tuple[str, ...]]],
        what: str = "",
    ) -> tuple[str, ...]:
        """Plan maps of some rows by some networks, fold by fold."""
        settings = self.protocol.attribution
        keys = []
        for fold, (rows, models) in enumerate(zip(*explained, strict=True)):
            own = [row for row in rows if members is None or row in members]
            arguments = {
                "rows": own,
                "variant": question.variant,
                "method": settings.method,
                "steps": settings.steps,
                "max_steps": settings.max_steps,
                "completeness": settings.completeness,
                "patch": settings.patch,
                "stride": settings.stride,
                "baseline": baseline_rows(self.situation, fold),
                "baseline_kind": settings.baseline,
                "references": reference_rows(self.situation, fold),
                "regions": _atlas(self.situation),
                "output": None if members is None else [members[row] for row in own],
            }
            needs = {"inputs": self.inputs[question.representation], "models": models[:1]}
            title = f"attribution maps: {question}{what}, fold {fold + 1}"
            keys.append(self._add("attribute", arguments, needs, title))
        return tuple(keys)

    def _add_truth(self, representation: str) -> None:
        cohort = self.protocol.cohort
        if cohort.reader != "phantom" or cohort.phantom.truth_subjects == 0 or representation in self.truth:
            return
        question = Question("target", representation)
        keys = []
        for fold in range(self.protocol.folds.n):
            rows = _truth_rows(self.situation, fold, cohort.phantom.truth_subjects)
            arguments = {
                "samples": [_identity(self.cohort.samples[row]) for row in rows],
                "grid": self.situation.grid.to_dict(),
                "representation": _input_of(representation),
            }
            needs = {"models": self.models[question][fold]}
            keys.append(self._add("truth", arguments, needs, f"planted truth: {representation}, fold {fold + 1}"))
        self.truth[representation] = tuple(keys)

    def _add_learned(self, representation: str) -> None:
        """Plan where held-out subjects lie, fold by fold, and a look at single units of the first fold's network."""
        settings, cohort = self.protocol.learned, self.cohort
        models = self.models[Question("target", representation)]
        if not settings.enabled or not models:
            return
        keys = []
        for fold in range(self.protocol.folds.n):
            rows = self.situation.rows(fold, held_out=True)
            arguments = {
                "rows": rows,
                "label": [class_index(cohort, cohort.samples[row]) for row in rows],
                "origin": [cohort.samples[row].origins[cohort.factors[0]] for row in rows],
                "classes": len(cohort.classes),
                "baseline": baseline_rows(self.situation, fold),
                "layers": self.protocol.target.layers,
                "batch_size": self.protocol.target.training.batch_size,
                "gallery": fold == 0,
                "units": settings.units,
                "steps": settings.steps,
                "seed": seeds.seed(self.protocol.folds.seed, "learned", representation, fold),
            }
            needs = {"inputs": self.inputs[representation], "models": models[fold][:1], "read": self.reading.reads}
            keys.append(self._add("learned", arguments, needs, f"what was learned: {representation}, fold {fold + 1}"))
        self.learned[representation] = tuple(keys)

    def _add_transfer(self, representation: str) -> None:
        """Plan signature transfer where labels and erasure cannot answer, or where the protocol names it."""
        named = self.protocol.checks != "default" and "U5" in self.protocol.checks
        answered = self.masks_given and self.protocol.cohort.mask_is_complete
        own_tissue = _input_of(representation) == "tissue" and all(sample.tissue for sample in self.cohort.samples)
        unedited = self.situation.scored or self.situation.tabular or own_tissue
        if unedited or not self._wanted("U5") or (answered and not named):
            return
        for contrast in self.contrasts:
            regimes = {_regime(self.cohort, factor, contrast) for factor in self.cohort.factors}
            if {"nested", "aliased"} & regimes:
                self._add_transfer_of(representation, contrast)

    def _add_transfer_of(self, representation: str, contrast: Contrast) -> None:
        arguments = {
            "sides": [int(positive) for positive in contrast.positive],
            "folds": list(self.situation.folds),
            "representation": _input_of(representation),
            "grid": self.situation.grid.to_dict(),
            "seed": self.protocol.folds.seed,
        }
        models = (
            self.models[Question("target", representation)]
            if contrast.name is None
            else self.wrapped[representation, contrast.name]
        )
        needs = {"read": self.reading.reads} | {f"models-{fold}": keys for fold, keys in enumerate(models)}
        if SEEN in self.situation.folds:
            # What the network has seen helps to know the signatures; its scores are dropped when judged.
            needs[f"models-{SEEN}"] = models[0]
        title = f"transfer signatures: {representation}" + (f", {contrast.name}" if contrast.name else "")
        self.transfers[representation, contrast.name] = self._add("transfer", arguments, needs, title)

    def _add_retraining(self, representation: str) -> None:
        """Plan the networks of the checks that train their own; of the default ones only the confirmation does."""
        makers = {"U10": self._add_unseen_origin, "U11": self._add_dose_response, "G3": self._add_spike_in}
        for code, make in makers.items():
            if code in self.situation.codes(representation):
                for factor in self.cohort.factors:
                    for contrast in self.contrasts:
                        if self.situation.ready_made or (self.situation.tabular and code == CONFIRMATION):
                            skipped = Retraining(skipped=_READY_MADE)
                            self.retrained[representation, factor, code, contrast.name] = skipped
                            continue
                        columns = _columns(self.situation, factor, contrast)
                        self.retrained[representation, factor, code, contrast.name] = make(representation, columns)

    def _add_unseen_origin(self, representation: str, columns: _Columns) -> Retraining:
        """Train with and without every origin that can be tested, fold by fold, on as many subjects of each class."""
        needs: dict[str, tuple[str, ...]] = {}
        design: dict[str, Any] = {}
        for origin in origins_with_both_classes(columns.positive, columns.origin, columns.subject):
            words = ("unseen origin", representation, columns.factor, origin, *columns.words)
            rows, sizes = [], []
            for fold in range(self.protocol.folds.n):
                held, training = _unseen_rows(columns, origin, fold, self._chance(*words, fold))
                if held and training:
                    rows.append(held)
                    sizes.append(len(training["unseen"]))
                    for role, own in training.items():
                        network = self._retraining_of(representation, own, (*words, fold), f"{role} {origin}")
                        key = self._retrained_scores(network, held)
                        needs[f"{role}:{origin}"] = (*needs.get(f"{role}:{origin}", ()), key)
            if rows:
                design[origin] = {"rows": rows, "training_size": sizes}
        if not design:
            return Retraining(skipped=_NO_ORIGIN_LEFT_OUT)
        return Retraining(design, needs)

    def _add_dose_response(self, representation: str, columns: _Columns) -> Retraining:
        """Train at every level of association and test on the same balanced held-out subjects."""
        side = origin_sides(columns.positive, columns.origin)
        folds = range(self.protocol.folds.n)
        pools = [np.flatnonzero(columns.fold != fold) for fold in folds]
        size = min(common_training_size(columns.positive[pool], side[pool]) for pool in pools)
        words = ("dose", representation, columns.factor, *columns.words)
        tested = [
            balanced_rows(
                np.flatnonzero(columns.fold == fold), columns.positive, side, self._chance(*words, "test", fold)
            )
            for fold in folds
        ]
        if size < SMALLEST_TRAINING or min(map(len, tested)) < 4 * SMALLEST_CELL:
            return Retraining(skipped=_too_small_for_doses(columns, side, size))
        needs: dict[str, tuple[str, ...]] = {}
        for fold in folds:
            chance = self._chance(*words, "training", fold)
            subsets = associated_rows(pools[fold], columns.positive, side, (LEVELS, size), chance)
            for level, rows in zip(LEVELS, subsets, strict=True):
                # The levels share the stream: the same network starts from the same weights.
                network = self._retraining_of(representation, rows.tolist(), (*words, fold), f"association {level:g}")
                key = self._retrained_scores(network, tested[fold].tolist())
                needs[f"level:{level}"] = (*needs.get(f"level:{level}", ()), key)
        design = {
            "rows": [rows.tolist() for rows in tested],
            "side": [side[rows].tolist() for rows in tested],
            "levels": list(LEVELS),
            "training_size": size,
            "sides": [sorted(set(columns.origin[side == own].tolist())) for own in (False, True)],
        }
        return Retraining(design, needs)

    def _add_spike_in(self, representation: str, columns: _Columns) -> Retraining:
        """Plant an edit by the label and another by chance, and train the target on each."""
        primary = replace(columns, origin=_origins(self.cohort, self.cohort.factors[0]))
        # Inside actual classes, so that no class of the rest carries the edit more often than another.
        strata = [f"{c}|{o}|{f}" for c, o, f in zip(primary.classes, primary.origin, primary.fold, strict=True)]
        assigned = {
            name: assigned_subjects(
                strata,
                primary.subject,
                np.where(primary.positive, shares[1], shares[0]),
                self._chance("spike", name, *primary.words),
            ).tolist()
            for name, shares in (("planted", PLANTED), ("sham", SHAM))
        }
        edited = tuple(
            self._add("spike", {**_block_of(assigned, number), "field": FIELD, "bend": BEND}, {"inputs": (key,)}, title)
            for number, key in enumerate(self.inputs[representation])
            for title in [f"spike {representation} input, block {number + 1}"]
        )
        needs: dict[str, tuple[str, ...]] = {}
        for fold in range(self.protocol.folds.n):
            rows, held = self._training_rows(representation, fold), self.situation.rows(fold, held_out=True)
            for name in assigned:
                network = _Network(edited, name, rows, ("spike", representation, *primary.words, fold), f"{name} spike")
                models = self._retrain(network)
                for variant, inputs in (("original", self.inputs[representation]), ("spiked", edited)):
                    key = self._score_rows(inputs, models, (held, variant), network.title)
                    needs[f"{name}:{variant}"] = (*needs.get(f"{name}:{variant}", ()), key)
        return Retraining(assigned, needs)

    def _chance(self, *words: object) -> np.random.Generator:
        return seeds.generator(self.protocol.folds.seed, "retraining", *words)

    def _retraining_of(
        self, representation: str, rows: Sequence[int], words: tuple[object, ...], title: str
    ) -> _Network:
        return _Network(self.inputs[representation], "original", rows, words, f"{title}, {representation}")

    def _retrained_scores(self, network: _Network, held_out: Sequence[int]) -> str:
        return self._score_rows(network.inputs, self._retrain(network), (held_out, network.variant), network.title)

    def _retrain(self, network: _Network) -> tuple[str, ...]:
        """Plan the target anew, with its own budget, on other rows."""
        members = _everyone(self.cohort)
        keys = []
        for number in range(self.protocol.target.training.seeds):
            words = ("retrain", *network.words, number)
            arguments = self._training_arguments(network.rows, members, network.variant, words)
            title = f"retrain: {network.title}, fold {int(str(network.words[-1])) + 1}"
            keys.append(self._add("train", arguments, {"inputs": network.inputs}, title))
        return tuple(keys)

    def _score_rows(
        self, inputs: tuple[str, ...], models: tuple[str, ...], asked: tuple[Sequence[int], str], title: str
    ) -> str:
        rows, variant = asked
        arguments = {
            "rows": list(rows),
            "variants": [variant],
            "features": False,
            "layers": self.protocol.target.layers,
            "batch_size": self.protocol.target.training.batch_size,
        }
        return self._add("score", arguments, {"inputs": inputs, "models": models}, f"score: {title}")

    def _add_judgement(self, name: tuple[str, str, str], representation: str, contrast: Contrast) -> None:
        arm, factor, code = name
        target = Question("target", representation)
        needs = {"survey": (self.reading.survey,), "read": self.reading.reads, "target": self.scores[target]}
        needs |= self._data_needs(code)
        maps = self.contrast_maps if contrast.name else self.maps
        explained: Any = (representation, contrast.name) if contrast.name else target
        if explained in maps:
            needs["maps"] = maps[explained]
        needs |= self._hidden_layers_of(code, representation, contrast)
        if (representation, contrast.name) in self.transfers:
            needs["transfer"] = (self.transfers[representation, contrast.name],)
        for input_name, question in self.reduced[representation].items():
            needs[f"reduced:{input_name}"] = self.scores[question]
        origins = {
            class_name: list(own)
            for (own_factor, class_name), own in self.origins.items()
            if own_factor == factor and contrast.name in (None, class_name)
        }
        for class_name in origins:
            question = Question("origin", _input_of(representation), factor=factor, class_name=class_name)
            if question in self.scores:
                needs[f"origin:{class_name}"] = self.scores[question]
                if question in self.maps:
                    needs[f"maps:{class_name}"] = self.maps[question]
        arguments = {
            "arm": arm,
            "factor": factor,
            "code": code,
            "protocol": self.protocol.model_dump(mode="json", exclude={"name", "arms", "checks", "learned"}),
            "table": {**_table(self.situation, factor), "positive": list(contrast.positive)},
            "classes": list(contrast.classes),
            "map_rows": [list(rows) for rows in self._rows_explained(contrast)],
            "origins": origins,
            "masks_given": self.masks_given if contrast.turned else contrast.classes[1] in self.marked,
            "skipped": dict(self.skipped),
            "spacing": list(self.situation.grid.spacing),
            **self._withheld(code),
        }
        arguments |= self._region_arguments(code)
        if contrast.name is not None:
            arguments["contrast"] = self._contrast_arguments(contrast)
        retraining = self.retrained.get((representation, factor, code, contrast.name))
        if retraining is not None and retraining.skipped:
            arguments["retraining_skipped"] = retraining.skipped
        elif retraining is not None:
            arguments["retraining"] = retraining.design
            needs |= retraining.needs
        title = f"judge {code}: {arm}, {factor}" + (f", {contrast.name}" if contrast.name else "")
        self.judged[_judgement_name(name, contrast.name)] = self._add("judge", arguments, needs, title)

    def _region_arguments(self, code: str) -> dict[str, Any]:
        """Return the regions that maps are compared in; by the one check that looks at them."""
        given = _known_atlas(self.situation) or {"side": self.protocol.attribution.patch}
        return {"regions": given} if code == "U8" else {}

    def _hidden_layers_of(self, code: str, representation: str, contrast: Contrast) -> dict[str, tuple[str, ...]]:
        """Return what only the checks of hidden layers look at."""
        if code == "U2":
            return {"untrained": self.untrained[representation]} if representation in self.untrained else {}
        slopes = self.slopes.get((representation, contrast.name))
        return {"concepts": slopes} if code == "U9" and slopes else {}

    def _withheld(self, code: str) -> dict[str, str]:
        """Say as the argument `withheld` why a check cannot be asked of given scores; nothing if it can."""
        needs = set(get("check", code).needs)
        if self.situation.tabular and code in _OF_PIXELS:
            return {"withheld": _ONLY_FEATURES}
        if not self.situation.scored or not needs & (_NETWORK_NEEDS | _IMAGE_NEEDS):
            return {}
        if needs & _NETWORK_NEEDS:
            return {"withheld": _ONLY_SCORES}
        return {} if self.cohort.channels else {"withheld": _ONLY_TABLE}

    def _data_needs(self, code: str) -> dict[str, tuple[str, ...]]:
        """Plan what the checks of the data themselves look at: headers, similar images, image quality."""
        samples = self.cohort.samples
        if code == "D2":
            records = [_metadata_arguments(self.situation, sample) for sample in samples]
            return {"metadata": (self._add("metadata", {"samples": records}, {}, "read headers and sidecars"),)}
        if not self.cohort.channels or self._withheld(code):
            return {}
        if code == "D3":
            hashes = [[self.situation.hashes[path] for path in sample.images] for sample in samples]
            origins = [sample.origins[self.cohort.factors[0]] for sample in samples]
            pairs = {"hashes": hashes, "origins": origins, "tabular": self.situation.tabular}
            return {"leakage": (self._add("leakage", pairs, {"read": self.reading.reads}, "compare images"),)}
        if code == "A3":
            grid = {"spacing": list(self.situation.grid.spacing)}
            return {"quality": (self._add("quality", grid, {"read": self.reading.reads}, "measure quality"),)}
        return {}

    def _rows_explained(self, contrast: Contrast) -> Sequence[Sequence[int]]:
        return self.map_rows if contrast.turned or contrast.name is None else _own_rows(self.map_rows, contrast)

    def _contrast_arguments(self, contrast: Contrast) -> dict[str, Any]:
        """Return what judging a contrast takes beside its two sides."""
        samples = self.cohort.samples
        return {
            "name": contrast.name,
            "index": contrast.index,
            "turned": contrast.turned,
            "label": [sample.label for sample in samples],
            "patient": [sample.positive for sample in samples],
            "erasable": [not sample.positive or sample.label in self.marked for sample in samples],
        }


def _input_of(recipe: str) -> str:
    """Name of the representation of a recipe."""
    return recipe.removesuffix(" (balanced)")


def _judgement_name(name: tuple[str, str, str], contrast: str | None) -> tuple[str, ...]:
    return name if contrast is None else (*name, contrast)


def _own_rows(rows: Sequence[Sequence[int]], contrast: Contrast) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(row for row in own if contrast.positive[row]) for own in rows)


def _why_not_erased(marked: Sequence[str]) -> str:
    if marked:
        return f"pathology masks for {', '.join(marked)} only: what is not marked would be left in the other classes"
    return "no pathology masks: nothing can be erased"


def _job(step: str, arguments: Mapping[str, Any], needs: Mapping[str, tuple[str, ...]], title: str) -> Job:
    return Job(step=step, arguments=arguments, needs=needs, code=_code_version(step), title=title)


@cache
def _code_version(step: str) -> str:
    """Hash of the source files that a step runs, so that a changed step is computed again."""
    return digest([digest(_source(module)) for module in _CODE[step]])[:12]


def _source(module: str) -> list[str]:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        return []
    files = [Path(spec.origin)]
    if spec.submodule_search_locations:
        files = sorted(Path(spec.submodule_search_locations[0]).glob("*.py"))
    return [file.read_text(encoding="utf-8") for file in files]


def _user_code(network: str) -> str:
    """Hash of the module that holds the user's factory; empty for known networks."""
    module, _, attribute = network.partition(":")
    if not attribute or module == "monai":
        return ""
    if module.endswith(".py"):
        return digest([Path(module).read_text(encoding="utf-8"), *_source("biasaudit.engine.own_network")])
    # `build_network` adds the current folder to the path when it imports; finding needs the same.
    candidate = Path.cwd().joinpath(*module.split(".")).with_suffix(".py")
    if candidate.exists():
        return digest(candidate.read_text(encoding="utf-8"))
    return digest(_source(module))


def _paths(sample: Sample) -> Iterable[str]:
    return (*sample.images, *(path for path in (sample.mask, sample.brain_mask) if path), *sample.tissue)


def _identity(sample: Sample) -> dict[str, Any]:
    """Return the part of a sample that its pixels depend on: neither its label's name nor where the row stands."""
    record = sample.to_dict()
    del record["scores"]
    if not sample.features:
        del record["features"]
    return {**record, "label": "", "origins": {}, "covariates": {}, "where": "", "split": ""}


def _metadata_arguments(situation: Situation, sample: Sample) -> dict[str, Any]:
    """Files that say something about an image beside its pixels, with the hashes of their content."""
    image = sample.images[0] if sample.images else ""
    return {
        "image": image,
        "hash": situation.hashes.get(image, ""),
        "sidecars": [list(pair) for pair in situation.sidecars.get(image, ())],
        "given": {"brain mask": sample.brain_mask is not None, "tissue maps": bool(sample.tissue)},
        "origins": dict(sample.origins),
    }


def _regime(cohort: Cohort, factor: str, contrast: Contrast) -> str:
    label = None if contrast.name is None else np.array([sample.label for sample in cohort.samples])
    return regime(np.array(contrast.positive), _origins(cohort, factor), label)


def _origins(cohort: Cohort, factor: str) -> np.ndarray:
    return np.array([sample.origins[factor] for sample in cohort.samples])


def _everyone(cohort: Cohort) -> dict[int, int]:
    return {row: class_index(cohort, sample) for row, sample in enumerate(cohort.samples)}


def _class_members(cohort: Cohort, factor: str, class_name: str, origins: Sequence[str]) -> dict[int, int]:
    index = cohort.classes.index(class_name)
    return {
        row: origins.index(sample.origins[factor])
        for row, sample in enumerate(cohort.samples)
        if class_index(cohort, sample) == index and sample.origins[factor] in origins
    }


def _origins_inside_classes(situation: Situation) -> dict[tuple[str, str], tuple[str, ...]]:
    """Origins with enough subjects in a class to be in every fold; classes with fewer than two are left out."""
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


def _rows_for_maps(situation: Situation) -> tuple[tuple[int, ...], ...]:
    """Held-out rows that get a map: as many of each class in every fold, drawn by chance."""
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
    """Healthy training rows by origin (primary factor)."""
    factor = situation.cohort.factors[0]
    rows: dict[str, list[int]] = {}
    for row in situation.rows(fold, held_out=False):
        sample = situation.cohort.samples[row]
        if not sample.positive:
            rows.setdefault(sample.origins[factor], []).append(row)
    return [rows[origin] for origin in sorted(rows)]


def reference_rows(situation: Situation, fold: int) -> list[int] | None:
    """Healthy training rows that expected gradients compare with: the origins take turns, rows drawn by chance."""
    settings = situation.protocol.attribution
    if settings.method != "expected_gradients":
        return None
    chance = seeds.generator(situation.protocol.folds.seed, "references", fold)
    pools = [chance.permutation(rows).tolist() for rows in baseline_rows(situation, fold)]
    turns = [row for rank in range(max(map(len, pools))) for row in [pool[rank] for pool in pools if rank < len(pool)]]
    return turns[: settings.references]


def _atlas(situation: Situation) -> dict[str, Any] | None:
    return _known_atlas(situation) if situation.protocol.attribution.method == "region_ablation" else None


def _known_atlas(situation: Situation) -> dict[str, Any] | None:
    settings = situation.protocol.attribution
    if settings.atlas is None:
        return None
    content = hashlib.sha256(settings.atlas.read_bytes()).hexdigest()
    return {"atlas": str(settings.atlas), "sha256": content, "grid": situation.grid.to_dict()}


def _erase_with(situation: Situation, facts: Facts) -> list[int]:
    """For every row the row whose mask is erased: its own for patients, an exchanged one for the healthy."""
    samples = situation.cohort.samples
    donors = [row for row, sample in enumerate(samples) if sample.positive and facts.mask_voxels[row]]
    chance = seeds.generator(situation.protocol.folds.seed, "sham masks")
    rounds = -(-len(samples) // len(donors))
    exchanged = iter(np.concatenate([chance.permutation(donors) for _ in range(rounds)]).tolist())
    return [row if sample.positive else next(exchanged) for row, sample in enumerate(samples)]


def _truth_rows(situation: Situation, fold: int, count: int) -> list[int]:
    chance = seeds.generator(situation.protocol.folds.seed, "truth", fold)
    held_out = situation.rows(fold, held_out=True)
    return sorted(int(row) for row in chance.permutation(held_out)[:count])


_NO_ORIGIN_LEFT_OUT = "no origin can be left out: too few subjects of both classes in it, or in the other origins"


@dataclass(frozen=True)
class _Columns:
    """The table as arrays, for one origin factor and contrast; `words` name its random streams."""

    factor: str
    words: tuple[str, ...]
    positive: np.ndarray
    classes: np.ndarray
    origin: np.ndarray
    subject: np.ndarray
    fold: np.ndarray


def _columns(situation: Situation, factor: str, contrast: Contrast) -> _Columns:
    samples = situation.cohort.samples
    positive = np.array(contrast.positive, dtype=bool)
    return _Columns(
        factor,
        () if contrast.name is None else (contrast.name,),
        positive,
        positive if contrast.name is None else np.array([sample.label for sample in samples]),
        _origins(situation.cohort, factor),
        np.array([sample.subject for sample in samples]),
        np.array(situation.folds),
    )


def _unseen_rows(
    columns: _Columns, origin: str, fold: int, chance: np.random.Generator
) -> tuple[list[int], dict[str, list[int]]]:
    """Rows of one origin that a fold holds out, and those of the two trainings; none if a class would be missing.

    Both trainings leave the fold out, so that the two differ in nothing but where their subjects come from.
    """
    pool = np.flatnonzero(columns.fold != fold)
    unseen = pool[columns.origin[pool] != origin]
    held = np.flatnonzero((columns.fold == fold) & (columns.origin == origin))
    classes = [(columns.classes[unseen] == name).sum() for name in np.unique(columns.classes)]
    if min(classes) < SMALLEST_CELL:
        return [], {}
    reference = class_matched_rows(pool, unseen, columns.classes, chance)
    return held.tolist(), {"unseen": unseen.tolist(), "reference": reference.tolist()}


def _too_small_for_doses(columns: _Columns, side: np.ndarray, size: int) -> str:
    cells = [int(((side == s) & (columns.positive == c)).sum()) for s in (False, True) for c in (False, True)]
    return (
        f"the cells of class and side of origin hold {cells[0]} and {cells[1]}, {cells[2]} and {cells[3]} images: "
        f"every level could be trained on {size} of them, and {SMALLEST_TRAINING} are needed, with {SMALLEST_CELL} of "
        "every cell held out in each fold"
    )


def _block_of(assigned: Mapping[str, Sequence[bool]], number: int) -> dict[str, Sequence[bool]]:
    return {name: rows[number * BLOCK : (number + 1) * BLOCK] for name, rows in assigned.items()}


def _table(situation: Situation, factor: str) -> dict[str, Any]:
    samples = situation.cohort.samples
    return {
        "subject": [sample.subject for sample in samples],
        "positive": [sample.positive for sample in samples],
        "origin": [sample.origins[factor] for sample in samples],
        "fold": list(situation.folds),
        "covariates": {
            name: [sample.covariates.get(name) for sample in samples]
            for name in sorted({name for sample in samples for name in sample.covariates})
        },
    }
