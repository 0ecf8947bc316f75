"""Evidence `probes`: what the target answers to images that were never trained on and only scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from biasaudit.engine.arguments.data import ProbeTwinsArguments
from biasaudit.engine.arguments.inputs import INPUTS, READ, RepresentArguments
from biasaudit.engine.arguments.networks import MODELS
from biasaudit.engine.evidence.inputs import blocks, read_arguments
from biasaudit.engine.evidence.kind import Asked, Columns, Fields, Planned, Planning
from biasaudit.engine.evidence.reading import margins_by_seed
from biasaudit.engine.evidence.retraining import NotRetrained
from biasaudit.engine.evidence.subjects import Kept, Rows, Units
from biasaudit.engine.jobs.job import Folders, Role
from biasaudit.engine.jobs.json_files import read_json
from biasaudit.engine.situation.contrasts import contrast_logits
from biasaudit.engine.situation.limits import without_network
from biasaudit.engine.situation.situation import Question, Situation
from biasaudit.engine.user_code.preprocessing import kind_of_input
from biasaudit.records import ArmEvidence, FloatArray, Probes, Sample
from biasaudit.registry import register
from biasaudit.representations.representation import Harmonising

__all__ = ["ProbeScores"]

PROBES = Role("probes")
"""Scores of the probes: one job for each fold."""

TWINS = Role("probe twins")


@dataclass(frozen=True)
class ProbeTable:
    """What the tables say of the probes, one row per image.

    Attributes
    ----------
    subject, label, origin : tuple of str
        `label` is the name of the class, empty where unknown.
    known : tuple of str
        Subjects of the audit, in cohort order.
    max_prevalence : float or None
    """

    subject: tuple[str, ...]
    label: tuple[str, ...]
    origin: tuple[str, ...]
    known: tuple[str, ...]
    max_prevalence: float | None


@register("evidence", "probes")
class ProbeScores(Columns):
    """Margins of the probes, the mean over the networks of all folds."""

    name = "probes"
    free = True

    def plan(self, planning: Planning, asked: Asked) -> Planned:
        """Read, represent and score the probes, where there are any and the input is not learnt from the cohort."""
        outline = planning.outline
        why_not = _why_not(outline.situation)
        if why_not:
            return Planned(about=NotRetrained(why_not))
        probes, question = outline.cohort.probes, Question("target", asked.recipe)
        models = planning.networks.models.get(question)
        if not probes or not models or issubclass(kind_of_input(asked.recipe.input), Harmonising):
            return Planned()
        reads = _reads(planning)
        inputs = _inputs(planning, asked, reads)
        scores = tuple(
            planning.networks.add_scores(
                {INPUTS: inputs, MODELS: models[fold]},
                range(len(probes)),
                ["original"],
                f"score probes, {question}, fold {fold + 1}",
            )
            for fold in outline.folds
        )
        return Planned({PROBES: scores, TWINS: (_twins(planning, reads),)}, _table(planning, asked))

    def gather(
        self, about: ProbeTable | NotRetrained | None, folders: Folders, evidence: ArmEvidence, rows: Rows
    ) -> Fields:
        """Read the scores of all folds; nothing where there are no probes, or the reason why there can be none."""
        if isinstance(about, NotRetrained):
            return about.told("P1", evidence)
        if about is None:
            return {}
        logits = [np.load(folder / "logits-original.npy") for folder in folders[PROBES]]
        margins = np.stack([contrast_logits(values, rows.contrast) for values in logits], axis=1)
        twins = {
            record["probe"]: about.known[record["row"]] for record in read_json(folders.only(TWINS) / "twins.json")
        }
        label = np.asarray(about.label)
        probes = Probes(
            subject=np.asarray(about.subject),
            label=label,
            positive=_positive(label, rows),
            origin=np.asarray(about.origin),
            logit=margins.mean(axis=1),
            twin_of=np.array([twins.get(row, "") for row in range(len(label))]),
            max_prevalence=about.max_prevalence,
            by_fold=margins,
            by_network=_by_network(folders[PROBES], rows),
        )
        return {"probes": _one_per_subject(probes)}

    def select(self, evidence: ArmEvidence, kept: Kept) -> Fields:
        """Keep every probe: none is a row of the cohort."""
        return {}

    def per_subject(self, evidence: ArmEvidence, units: Units) -> Fields:
        """Leave the probes as they are: they have subjects of their own."""
        return {}


def _why_not(situation: Situation) -> str:
    """Say why no image can be a probe of this audit; empty if one can."""
    if situation.tabular:
        return "probes are images, and this cohort is a table of features"
    return without_network(situation)


def _positive(label: np.ndarray, rows: Rows) -> np.ndarray:
    """Return the side of the contrast that the class of each probe is on, as the cohort's rows show it."""
    side = {str(name): bool(positive) for name, positive in zip(rows.label, rows.contrast.positive, strict=True)}
    return np.array([side.get(str(name), False) for name in label], dtype=bool)


def _by_network(folders: Sequence[Path], rows: Rows) -> FloatArray | None:
    """Read the margins of every network of every fold, (k, folds, seeds); None where a fold has one network."""
    files = [folder / "by-seed-original.npy" for folder in folders]
    if not all(file.exists() for file in files):
        return None
    return np.stack([margins_by_seed(np.load(file), rows) for file in files], axis=1)


def _one_per_subject(probes: Probes) -> Probes:
    """Average several images of one subject."""
    subjects, first, of = np.unique(probes.subject, return_index=True, return_inverse=True)
    if len(subjects) == len(probes.subject):
        return probes
    by_fold = None if probes.by_fold is None else _means(probes.by_fold, of)
    twin_of = [next((own for own in probes.twin_of[of == unit] if own), "") for unit in range(len(subjects))]
    by_network = None if probes.by_network is None else _means(probes.by_network, of)
    return replace(
        probes.kept(first),
        logit=_means(probes.logit, of),
        twin_of=np.array(twin_of),
        by_fold=by_fold,
        by_network=by_network,
    )


def _means(values: np.ndarray, of: np.ndarray) -> np.ndarray:
    """Mean of the rows of every unit."""
    return np.stack([values[of == unit].mean(axis=0) for unit in range(int(of.max()) + 1)])


def _reads(planning: Planning) -> tuple[str, ...]:
    situation = planning.outline.situation
    return tuple(
        planning.book.add(read_arguments(situation, samples), {}, f"read probes {start + 1}-{start + len(samples)}")
        for start, samples in blocks(situation.cohort.probes)
    )


def _inputs(planning: Planning, asked: Asked, reads: tuple[str, ...]) -> tuple[str, ...]:
    situation, name = planning.outline.situation, asked.recipe.input
    keys = []
    for start, samples in blocks(situation.cohort.probes):
        arguments = RepresentArguments(
            representation=name,
            grid=situation.grid,
            channels=situation.image_channels(name),
            rows=tuple(range(start, start + len(samples))),
            own=situation.own_inputs.get(name),
        )
        keys.append(planning.book.add(arguments, {READ: reads}, f"{name} input of probes {start + 1}"))
    return tuple(keys)


def _twins(planning: Planning, reads: tuple[str, ...]) -> str:
    outline = planning.outline
    factor, leakage = outline.cohort.factors[0], outline.protocol.leakage
    arguments = ProbeTwinsArguments(
        origins=_origins(outline.cohort.samples, factor),
        probe_origins=_origins(outline.cohort.probes, factor),
        height=leakage.height,
        correlation=leakage.correlation,
    )
    needs = {READ: outline.reads, PROBES: reads}
    return planning.book.add(arguments, needs, "compare the probes with the audited images")


def _origins(samples: Sequence[Sample], factor: str) -> tuple[str, ...]:
    return tuple(sample.origins[factor] for sample in samples)


def _table(planning: Planning, asked: Asked) -> ProbeTable:
    cohort, settings = planning.outline.cohort, planning.outline.protocol.cohort.probes
    return ProbeTable(
        subject=tuple(sample.subject for sample in cohort.probes),
        label=tuple(sample.label for sample in cohort.probes),
        origin=_origins(cohort.probes, asked.factor),
        known=tuple(sample.subject for sample in cohort.samples),
        max_prevalence=settings.max_prevalence if settings else None,
    )
