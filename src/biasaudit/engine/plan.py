"""Protocol and cohort in, jobs out: pure, so that the same plan always has the same names.

Every arm gets its target. Every kind of evidence that a check needs is planned by its own file; judgements come last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from biasaudit.engine.arguments.inputs import READ, BlankSurveyArguments, SurveyArguments
from biasaudit.engine.evidence.inputs import InputPlanner, reading_jobs
from biasaudit.engine.evidence.judgements import Judged, PlannedEvidence, add_judgement, planned_evidence
from biasaudit.engine.evidence.kind import Asked, Planning
from biasaudit.engine.evidence.learned import learned_jobs
from biasaudit.engine.evidence.networks import NetworkPlanner
from biasaudit.engine.evidence.reduced import reduced_questions
from biasaudit.engine.evidence.truth import truth_jobs
from biasaudit.engine.jobs.book import JobBook, make_job
from biasaudit.engine.jobs.job import Job, Role
from biasaudit.engine.jobs.json_files import read_json
from biasaudit.engine.jobs.store import Store
from biasaudit.engine.situation.contrasts import Contrast
from biasaudit.engine.situation.outline import Outline, outline_of
from biasaudit.engine.situation.situation import Question, Situation, Survey
from biasaudit.records import Recipe

__all__ = ["ArmContrast", "Plan", "expected_outline", "expected_plan", "finished_survey", "plan_audit", "plan_reading"]


@dataclass(frozen=True)
class ArmContrast:
    """An arm, an origin factor and, with more than two classes, the class that is compared with the rest."""

    arm: str
    factor: str
    contrast: str | None = None


@dataclass(frozen=True)
class Plan:
    """The jobs of an audit in an order that respects their needs, and an index of what is where.

    Attributes
    ----------
    jobs : tuple of Job
    reads : tuple of keys
        Jobs that read the images, block by block.
    survey : key
        Job that looked at them.
    outline : Outline or None
        What the plan follows from; None of the reading alone.
    inputs : mapping of Recipe to tuple of keys, one per block
    models, scores : mapping of Question to tuple of keys, one per fold
        `models` holds one tuple of keys (one per seed) per fold.
    truth, learned : mapping of Recipe to tuple of keys, one per fold
    evidence : mapping of ArmContrast to PlannedEvidence
    judged : mapping of Judged to key
    """

    jobs: tuple[Job, ...]
    reads: tuple[str, ...]
    survey: str
    outline: Outline | None = field(default=None, compare=False)
    inputs: Mapping[Recipe, tuple[str, ...]] = field(default_factory=dict)
    models: Mapping[Question, tuple[tuple[str, ...], ...]] = field(default_factory=dict)
    scores: Mapping[Question, tuple[str, ...]] = field(default_factory=dict)
    truth: Mapping[Recipe, tuple[str, ...]] = field(default_factory=dict)
    learned: Mapping[Recipe, tuple[str, ...]] = field(default_factory=dict)
    evidence: Mapping[ArmContrast, PlannedEvidence] = field(default_factory=dict)
    judged: Mapping[Judged, str] = field(default_factory=dict)

    @property
    def contrasts(self) -> tuple[Contrast, ...]:
        """The questions of class: one with two classes."""
        return () if self.outline is None else self.outline.contrasts

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes of all checks that were asked of any arm."""
        return tuple(dict.fromkeys(judged.code for judged in self.judged))

    def reduced(self, arm: str) -> dict[str, Question]:
        """Return what was asked of reduced inputs for an arm, by the name of the input."""
        asked = {which for which in self.evidence if which.arm == arm and "reduced" in self.evidence[which].needs}
        if not asked or self.outline is None:
            return {}
        recipe = next(own.recipe for own in self.outline.protocol.arms if own.name == arm)
        return reduced_questions(self.outline, recipe)

    def needs(self, which: ArmContrast, kind: str) -> Mapping[Role, tuple[str, ...]]:
        """Return the jobs of one kind of evidence; nothing where it was not planned."""
        return self.evidence[which].needs.get(kind, {})


def plan_reading(situation: Situation) -> Plan:
    """Plan the first stage: every image on the common grid, and a survey of what they hold."""
    jobs = reading_jobs(situation)
    reads = tuple(job.key for job in jobs)
    samples = situation.cohort.samples
    if reads and not situation.tabular:
        subjects = tuple(sample.subject for sample in samples)
        survey = make_job(SurveyArguments(subjects), {READ: reads}, "survey the images")
    else:
        survey = make_job(BlankSurveyArguments(len(samples)), {}, "no images to survey")
    return Plan(jobs=(*jobs, survey), reads=reads, survey=survey.key)


def plan_audit(situation: Situation, survey: Survey) -> Plan:
    """Plan the whole audit, the reading included."""
    reading = plan_reading(situation)
    outline, book = outline_of(situation, survey, reading.reads, reading.survey), JobBook(reading.jobs)
    inputs = InputPlanner(outline, book)
    planning = Planning(outline, book, inputs, NetworkPlanner(outline, book, inputs))
    evidence = _planned_evidence(planning)
    recipes = tuple(dict.fromkeys(arm.recipe for arm in situation.protocol.arms))
    truth = {recipe: keys for recipe in recipes if (keys := truth_jobs(planning, recipe))}
    learned = {recipe: keys for recipe in recipes if (keys := learned_jobs(planning, recipe))}
    judged = {
        Judged(which.arm, which.factor, code, which.contrast): add_judgement(planning, evidence[which], code)
        for which, asked in _asked(outline)
        for code in situation.codes(asked.recipe)
    }
    return Plan(
        jobs=book.jobs,
        reads=reading.reads,
        survey=reading.survey,
        outline=outline,
        inputs=inputs.blocks,
        models=planning.networks.models,
        scores=planning.networks.scores,
        truth=truth,
        learned=learned,
        evidence=evidence,
        judged=judged,
    )


def _planned_evidence(planning: Planning) -> dict[ArmContrast, PlannedEvidence]:
    """Plan the target of every arm and whatever kinds of evidence its checks need."""
    planned = {}
    for which, asked in _asked(planning.outline):
        _plan_target(planning, asked.recipe)
        planned[which] = planned_evidence(planning, which.arm, asked)
    return planned


def _plan_target(planning: Planning, recipe: Recipe) -> None:
    """Plan the target of an arm, once; without images only the scores that were given."""
    if Question("target", recipe) in planning.networks.models:
        return
    if planning.outline.cohort.channels:
        planning.inputs.add(recipe)
    planning.networks.add_target(recipe)


def _asked(outline: Outline) -> Iterator[tuple[ArmContrast, Asked]]:
    """Go over all that is asked: every arm, origin factor and contrast."""
    for arm in outline.protocol.arms:
        for factor in outline.cohort.factors:
            for contrast in outline.contrasts:
                yield ArmContrast(arm.name, factor, contrast.name), Asked(arm.recipe, factor, contrast)


def expected_plan(situation: Situation) -> Plan:
    """Plan without having seen the images: masks where the table has them, nothing outside stripped brains."""
    return plan_audit(situation, _expected_survey(situation))


def expected_outline(situation: Situation) -> Outline:
    """Outline an audit without having seen the images, and without planning its jobs."""
    return outline_of(situation, _expected_survey(situation), (), "")


def _expected_survey(situation: Situation) -> Survey:
    voxels = tuple(int(sample.has_mask or sample.mask is not None) for sample in situation.cohort.samples)
    return Survey(voxels, background=situation.cohort.dimensions == 2)


def finished_survey(store: Store, reading: Plan) -> Survey:
    """Read what the survey of the images found."""
    record = read_json(store.folder(reading.survey) / "survey.json")
    return Survey(tuple(record["mask_voxels"]), record["background"])
