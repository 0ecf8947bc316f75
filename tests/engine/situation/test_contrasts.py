from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from engine.folders import folders
from engine.planned import about, judgement, map_keys

from biasaudit.engine.arguments.networks import LogOddsArguments
from biasaudit.engine.evidence.assembly import assemble
from biasaudit.engine.evidence.judgements import Judged
from biasaudit.engine.jobs.held_out import write_rows
from biasaudit.engine.jobs.job import Role
from biasaudit.engine.jobs.json_files import write_json
from biasaudit.engine.plan import plan_audit
from biasaudit.engine.situation.contrasts import Contrast, contrast_logits, contrasts_of, log_odds, marked_classes
from biasaudit.engine.situation.situation import Question, Survey
from biasaudit.engine.steps import log_odds as odds
from biasaudit.records import Recipe

CLASSES = ("healthy", "ms", "tumour")


@pytest.fixture
def three(situation):
    """Sixty subjects of three classes, each at both sites; `marked` classes have masks."""

    def build(extra: str = "", marked=("ms", "tumour"), **kwargs):
        own = situation(extra, **kwargs)
        samples = []
        for sample in own.cohort.samples:
            number = int(sample.subject[1:]) // 4
            label = CLASSES[number % 3]
            masked = label in marked
            samples.append(
                replace(
                    sample,
                    label=label,
                    positive=label != "healthy",
                    has_mask=masked,
                    mask=f"/data/{sample.subject}-mask.nii.gz" if masked else None,
                )
            )
        hashes = {path: path for s in samples for path in (*s.images, s.mask) if path}
        folds = tuple(int(s.subject[1:]) // 12 % own.protocol.folds.n for s in samples)
        return replace(
            own, cohort=replace(own.cohort, samples=tuple(samples), classes=CLASSES), hashes=hashes, folds=folds
        )

    return build


def plan_of(own):
    return plan_audit(own, Survey(tuple(7 * sample.has_mask for sample in own.cohort.samples), True))


def judged(plan, contrast, code="U1"):
    return judgement(plan, code, contrast=contrast)


class TestLogOdds:
    def test_is_the_logit_of_the_softmax_probability(self):
        logits = np.random.default_rng(0).normal(size=(6, 4))
        share = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        expected = np.log(share[:, 2] / (1 - share[:, 2]))
        assert log_odds(logits, 2) == pytest.approx(expected)
        assert log_odds(logits, 2, against_class=True) == pytest.approx(-expected)

    def test_of_two_classes_is_their_difference(self):
        assert log_odds(np.array([[1.0, 3.5]]), 1) == pytest.approx([2.5])

    def test_high_only_where_the_network_chooses_the_class(self):
        assert log_odds(np.array([[10.0, -10.0, 9.0]]), 2)[0] < 0

    def test_a_single_logit_is_taken_as_it_is(self):
        assert contrast_logits(
            np.array([[1.5], [2.0]]), Contrast(None, 1, ("healthy", "ms"), (True,))
        ) == pytest.approx([1.5, 2.0])


class TestContrasts:
    def test_two_classes_have_one_without_a_name(self, situation):
        (only,) = contrasts_of(situation().cohort)
        assert (only.name, only.classes, only.against_class) == (None, ("healthy", "ms"), False)

    def test_every_class_is_held_against_the_rest(self, three):
        cohort = three().cohort
        found = contrasts_of(cohort)
        assert [contrast.name for contrast in found] == list(CLASSES)
        assert found[1].classes == ("not ms", "ms")
        assert found[1].positive == tuple(sample.label == "ms" for sample in cohort.samples)

    def test_the_healthy_are_the_negative_side(self, three):
        cohort = three().cohort
        healthy = contrasts_of(cohort)[0]
        assert healthy.against_class
        assert healthy.classes == ("healthy", "not healthy")
        assert healthy.positive == tuple(sample.positive for sample in cohort.samples)

    def test_a_class_is_marked_if_every_subject_is(self, three):
        cohort = three(marked=("tumour",)).cohort
        assert marked_classes(cohort, [7 * s.has_mask for s in cohort.samples]) == ("tumour",)
        assert marked_classes(cohort, [0] * len(cohort.samples)) == ()


class TestPlan:
    def test_two_classes_are_asked_without_a_contrast(self, situation):
        own = situation("checks: [D1, G1, A1, A2, U1, U3, U4, U5, U6, U7]\n", sites=("a", "b"), masked=True)
        nested = tuple(replace(s, origins={"site": f"{s.label}-{s.origins['site']}"}) for s in own.cohort.samples)
        plan = plan_of(replace(own, cohort=replace(own.cohort, samples=nested)))
        asked = {step: [job.arguments for job in plan.jobs if job.step == step] for step in ("judge", "attribute")}
        assert {arguments.request.contrast.name for arguments in asked["judge"]} == {None}
        of_target = set(map_keys(plan))
        assert {job.arguments.outputs for job in plan.jobs if job.key in of_target} == {None}
        assert "log_odds" not in {job.step for job in plan.jobs}

    def test_the_target_has_one_output_per_class(self, three):
        own = three()
        plan = plan_of(own)
        jobs = {job.key: job for job in plan.jobs}
        (key,) = plan.models[Question("target", Recipe("intensity"))][0]
        assert jobs[key].arguments.classes == 3
        rows, targets = jobs[key].arguments.rows, jobs[key].arguments.targets
        assert [CLASSES[target] for target in targets] == [own.cohort.samples[row].label for row in rows]

    def test_every_check_is_judged_once_per_contrast(self, three):
        plan = plan_of(three("checks: [D1, U1]\n"))
        assert set(plan.judged) == {Judged("intensity", "site", c, name) for c in ("D1", "U1") for name in CLASSES}
        tables = [judged(plan, name).arguments.request.contrast.positive for name in CLASSES]
        assert len({tuple(table) for table in tables}) == 3

    def test_everyone_erases_own_masks_and_the_healthy_exchanged_ones(self, three):
        own = three()
        plan = plan_of(own)
        given = [job for job in plan.jobs if job.step == "represent" and job.arguments.mask_donors]
        pairs = [pair for job in given for pair in zip(job.arguments.rows, job.arguments.mask_donors, strict=True)]
        for row, donors in pairs:
            assert (donors == (row,)) == own.cohort.samples[row].positive

    def test_masks_count_contrast_by_contrast(self, three):
        plan = plan_of(three(marked=("tumour",)))
        given = {name: judged(plan, name).arguments.request.masks_given for name in CLASSES}
        assert given == {"healthy": False, "ms": False, "tumour": True}
        assert any(job.arguments.mask_donors for job in plan.jobs if job.step == "represent")
        assert any("erased" in job.arguments.variants for job in plan.jobs if job.step == "score")
        assert "tumour only" in about(judged(plan, "tumour", "A2"), "reduced").skipped["erased"]
        table = judged(plan, "tumour").arguments.request.table
        assert all(ok == (name != "ms") for ok, name in zip(table.erasable, table.label, strict=True))

    def test_maps_explain_the_contrast_of_its_own_subjects(self, three):
        own = three()
        plan = plan_of(own)
        jobs = {job.key: job for job in plan.jobs}
        for key in map_keys(plan, contrast="ms"):
            assert {own.cohort.samples[row].label for row in jobs[key].arguments.rows} == {"ms"}
            (model,) = jobs[key].needs[Role("models")]
            assert jobs[model].step == "log_odds"
            assert jobs[model].arguments == LogOddsArguments(index=1, against_class=False)

    def test_transfer_moves_a_class_to_the_rest(self, three):
        own = three("checks: [G1, U5]\n", marked=())
        apart = tuple(replace(s, origins={"site": s.label}) for s in own.cohort.samples)
        plan = plan_of(replace(own, cohort=replace(own.cohort, samples=apart)))
        moved = [job.arguments.sides for job in plan.jobs if job.step == "signature_transfer"]
        assert sorted(map(sum, moved)) == sorted(sum(contrast.positive) for contrast in contrasts_of(own.cohort))

    def test_retraining_is_planned_for_every_contrast(self, three):
        plan = plan_of(three("checks: [G1, G3, U10]\n", n=120))
        for name in CLASSES:
            design = about(judged(plan, name, "G3"), "spike_in")
            positive = np.array(judged(plan, name, "G3").arguments.request.contrast.positive)
            planted = np.array(design.edited.planted)
            assert planted[positive].mean() > 0.7 > 0.3 > planted[~positive].mean()


class TestAssembly:
    @pytest.fixture
    def evidence(self, three, tmp_path):
        own = three("checks: [U1]\n")
        plan = plan_of(own)
        logits = np.random.default_rng(1).normal(size=(len(own.folds), 3))
        logits[:, 1] += 3 * np.array([s.label == "ms" for s in own.cohort.samples])
        scored = []
        for fold in range(own.protocol.folds.n):
            folder = tmp_path / f"fold{fold}"
            folder.mkdir()
            rows = own.rows(fold, held_out=True)
            write_rows(folder, rows)
            np.save(folder / "logits-original.npy", logits[rows])
            scored.append(folder)
        write_json(tmp_path / "survey.json", {"mask_voxels": [7 * s.has_mask for s in own.cohort.samples]})
        needs = folders(target=scored, survey=[tmp_path])

        def build(contrast):
            return assemble(judged(plan, contrast).arguments.request, needs)

        return SimpleNamespace(build=build, logits=logits, cohort=own.cohort)

    def test_scores_are_the_odds_of_the_contrast(self, evidence):
        subjects = [sample.subject for sample in evidence.cohort.samples]
        first = [subjects.index(name) for name in evidence.build("ms").subject]
        single = [
            row for row, name in zip(first, evidence.build("ms").subject, strict=True) if subjects.count(name) == 1
        ]
        for name, index, sign in (("ms", 1, 1), ("healthy", 0, -1)):
            own = evidence.build(name)
            expected = sign * log_odds(evidence.logits, index)
            places = {subject: place for place, subject in enumerate(own.subject.tolist())}
            assert [own.logit[places[subjects[row]]] for row in single] == pytest.approx(expected[single].tolist())

    def test_the_rest_keeps_its_classes_and_its_patients(self, evidence):
        own = evidence.build("ms")
        assert own.contrast == "ms"
        assert own.classes == ("not ms", "ms")
        assert own.inside == ("ms",)
        assert set(own.label[~own.positive].tolist()) == {"healthy", "tumour"}
        assert own.patient.tolist() == (own.label != "healthy").tolist()
        assert np.isfinite(own.severity).all()


def test_a_wrapped_network_answers_with_the_odds(blocks, training, tmp_path):
    import torch

    from biasaudit.engine.steps.train import load_network, train

    images = np.random.default_rng(0).normal(size=(30, 1, 16, 16)).astype(np.float32)
    arguments = training(np.arange(30) % 3, settings={"epochs": 1})
    train(arguments, folders(inputs=blocks(images)), tmp_path)
    batch = torch.from_numpy(images[:4])
    with torch.no_grad():
        logits = load_network(tmp_path / "model.safetensors")(batch).numpy()
        for index, turned in ((1, False), (0, True)):
            folder = tmp_path / f"{index}"
            folder.mkdir()
            odds.log_odds(LogOddsArguments(index, turned), folders(model=[tmp_path]), folder)
            answered = load_network(folder / "model.safetensors")(batch).numpy()
            assert answered.shape == (4, 1)
            assert answered[:, 0] == pytest.approx(log_odds(logits, index, against_class=turned), abs=1e-5)
