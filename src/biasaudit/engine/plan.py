"""Protocol and cohort in, jobs out: pure, so that the same plan always has the same names.

One planner per question adds its jobs to one book; here is the order in which they are asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from biasaudit.engine.arguments.inputs import READ, BlankSurveyArguments, SurveyArguments
from biasaudit.engine.evidence.controls import ControlPlanner
from biasaudit.engine.evidence.hidden_layers import LayerPlanner
from biasaudit.engine.evidence.inputs import InputPlanner, reading_jobs
from biasaudit.engine.evidence.judgements import Evidence, JudgementPlanner, judgement_name
from biasaudit.engine.evidence.maps import MapPlanner
from biasaudit.engine.evidence.networks import NetworkPlanner
from biasaudit.engine.evidence.retraining import RetrainingPlanner
from biasaudit.engine.evidence.signature_transfer import EditPlanner
from biasaudit.engine.jobs.book import JobBook, make_job
from biasaudit.engine.jobs.job import Job
from biasaudit.engine.jobs.json_files import read_json
from biasaudit.engine.jobs.store import Store
from biasaudit.engine.situation.contrasts import Contrast
from biasaudit.engine.situation.outline import Outline, outline_of
from biasaudit.engine.situation.situation import Facts, Question, Situation

__all__ = ["Plan", "expected_plan", "plan_audit", "plan_reading", "surveyed_facts"]


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
        return self.judged[judgement_name((arm, factor, code), contrast)]


def plan_reading(situation: Situation) -> Plan:
    """Plan the first stage: every image on the common grid, and a survey of what they hold."""
    jobs = reading_jobs(situation)
    reads = tuple(job.key for job in jobs)
    samples = situation.cohort.samples
    if reads and not situation.tabular:
        subjects = SurveyArguments(tuple(sample.subject for sample in samples))
        survey = make_job(subjects, {READ: reads}, "survey the images")
    else:
        survey = make_job(BlankSurveyArguments(len(samples)), {}, "no images to survey")
    return Plan(jobs=(*jobs, survey), reads=reads, survey=survey.key)


def plan_audit(situation: Situation, facts: Facts) -> Plan:
    """Plan the whole audit, the reading included."""
    reading = plan_reading(situation)
    outline, book = outline_of(situation, facts, reading.reads, reading.survey), JobBook(reading.jobs)
    inputs = InputPlanner(outline, book)
    evidence = _planners(outline, book, inputs)
    for representation in dict.fromkeys(arm.recipe for arm in situation.protocol.arms):
        _plan_arm(outline, inputs, evidence, representation)
    judged = _judgements(outline, book, evidence)
    return Plan(
        jobs=book.jobs,
        reads=reading.reads,
        survey=reading.survey,
        inputs=inputs.blocks,
        models=evidence.networks.models,
        scores=evidence.networks.scores,
        maps=evidence.maps.maps,
        map_rows=outline.map_rows,
        truth=evidence.edits.truth,
        learned=evidence.layers.learned,
        judged=judged,
        contrasts=outline.contrasts,
        contrast_maps=evidence.maps.contrast_maps,
        origins=outline.origins,
        reduced=evidence.controls.reduced,
        skipped=evidence.controls.skipped,
        masks_given=outline.masks_given,
        marked=outline.marked,
    )


def _planners(outline: Outline, book: JobBook, inputs: InputPlanner) -> Evidence:
    networks = NetworkPlanner(outline, book, inputs)
    maps = MapPlanner(outline, book, networks)
    return Evidence(
        networks,
        maps,
        ControlPlanner(outline, inputs, networks, maps),
        LayerPlanner(outline, book, networks),
        EditPlanner(outline, book, networks),
        RetrainingPlanner(outline, book, networks),
    )


def _plan_arm(outline: Outline, inputs: InputPlanner, evidence: Evidence, representation: str) -> None:
    """Plan all that is asked of one arm; without images only the scores that were given."""
    if not outline.cohort.channels:
        evidence.networks.add_target(representation)
        evidence.controls.add_reduced(representation)
        return
    inputs.add(representation)
    evidence.networks.add_target(representation)
    evidence.maps.add_target(representation)
    evidence.layers.add(representation)
    evidence.controls.add_origins(representation)
    evidence.controls.add_reduced(representation)
    evidence.edits.add_truth(representation)
    evidence.layers.add_learned(representation)
    evidence.edits.add_transfer(representation)
    evidence.retraining.add(representation)


def _judgements(outline: Outline, book: JobBook, evidence: Evidence) -> dict[tuple[str, ...], str]:
    planner = JudgementPlanner(outline, book, evidence)
    for arm in outline.protocol.arms:
        for factor in outline.cohort.factors:
            for code in outline.situation.codes(arm.recipe):
                for contrast in outline.contrasts:
                    planner.add((arm.name, factor, code), arm.recipe, contrast)
    return planner.judged


def expected_plan(situation: Situation) -> Plan:
    """Plan without having seen the images: masks where the table has them, nothing outside stripped brains."""
    voxels = tuple(int(sample.has_mask) for sample in situation.cohort.samples)
    return plan_audit(situation, Facts(voxels, background=situation.cohort.dimensions == 2))


def surveyed_facts(store: Store, reading: Plan) -> Facts:
    """Read what the survey found."""
    survey = read_json(store.folder(reading.survey) / "survey.json")
    return Facts(tuple(survey["mask_voxels"]), survey["background"])
