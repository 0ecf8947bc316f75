from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from engine.folders import folders
from stacks import whole_stack

from biasaudit.engine.arguments.hidden_layers import LearnedArguments
from biasaudit.engine.jobs.stack import save_stack
from biasaudit.engine.plan import plan_audit
from biasaudit.engine.steps.learned import embedding, learned, level_of, unit_ranking
from biasaudit.engine.steps.train import train


@pytest.fixture
def looked_at(pictures, blocks, training, tmp_path):
    """A network that has learned the bright square, looked at through pictures half of which have another origin."""
    images, targets = pictures
    images = images.copy()
    origin = np.arange(40) // 2 % 2
    images[origin == 1, :, :3] += 2.0  # a bright edge
    inputs = blocks(images)
    for folder in inputs:
        save_stack(folder / "foreground.npz", np.ones((len(whole_stack(folder / "original.npz")), 16, 16), bool))
    model = tmp_path / "model"
    model.mkdir()
    train(training(targets), folders(inputs=inputs), model)

    def look(name: str = "looked", **changes):
        arguments = LearnedArguments(
            rows=tuple(range(40)),
            label=tuple(targets.tolist()),
            origin=tuple(f"site{value}" for value in origin),
            classes=2,
            baseline=tuple(tuple(row for row in range(0, 40, 2) if origin[row] == own) for own in (0, 1)),
            layers=None,
            batch_size=7,
            gallery=True,
            units=1,
            steps=12,
            seed=3,
        )
        folder = tmp_path / name
        folder.mkdir()
        learned(replace(arguments, **changes), folders(inputs=inputs, models=[model], read=inputs), folder)
        return folder

    return look


def test_units_gallery_and_places_are_written(looked_at):
    folder = looked_at()
    units = json.loads((folder / "units.json").read_text())
    assert len(units) == 4 + 8  # one record per channel of both blocks
    assert {unit["held"] for unit in units} == {"origin"}
    assert max(unit["pathology_share"] for unit in units) > 0.5
    gallery = json.loads((folder / "gallery.json").read_text())
    assert [record["layer"] == "" for record in gallery[:2]] == [True, True]
    assert all(record["after"] >= record["before"] for record in gallery)
    assert gallery[1]["after"] > gallery[1]["before"] + 1
    # What lights the pathology's logit up are pictures with the square, and those without for the healthy.
    assert all(row % 2 == 1 for row in gallery[1]["most"])
    assert all(row % 2 == 0 for row in gallery[1]["least"])
    assert all(row % 2 == 0 for row in gallery[0]["most"])
    slices = np.load(folder / "gallery.npz")
    names = {"mean", "preferred", "change", "most1", "most2", "least1", "least2"}
    assert {name.split("__")[1] for name in slices.files} == names
    assert {slices[name].shape for name in slices.files} == {(16, 16)}
    assert np.load(folder / "embedding.npy").shape == (40, 2)


def test_the_preferred_picture_of_the_pathology_is_brighter(looked_at):
    # The network pools over space, so that its preferred picture may be bright anywhere.
    slices = np.load(looked_at(steps=24) / "gallery.npz")
    assert slices["1__change"].mean() > slices["0__change"].mean() + 0.5
    assert np.abs(slices["1__change"]).max() <= 3 + 1e-5


def test_the_same_job_writes_the_same_and_only_one_fold_gets_a_gallery(looked_at):
    first, second = looked_at("first"), looked_at("second")
    assert (first / "gallery.json").read_text() == (second / "gallery.json").read_text()
    plain = looked_at("plain", gallery=False)
    assert sorted(path.name for path in plain.iterdir()) == ["embedding.json", "embedding.npy", "rows.npy"]


def test_a_ranking_says_what_it_holds_fixed():
    chance = np.random.default_rng(5)
    label, origin = np.arange(60) % 2, np.arange(60) // 2 % 2
    knows_label = chance.normal(size=60) + 3 * label
    knows_origin = chance.normal(size=60) + 3 * origin
    units = {"layer": np.stack([knows_label, knows_origin], axis=1)}
    first, second = unit_ranking(units, label, origin)
    assert first.pathology_share > 0.4 > 0.2 > first.origin_share
    assert second.origin_share > 0.4 > 0.2 > second.pathology_share
    # One origin per class: nothing to say of the origin, and the class is all that can be asked.
    aliased = unit_ranking(units, label, label)
    assert aliased[0].origin_share is None
    assert aliased[0].held == "nothing"
    assert aliased[0].pathology_share > 0.4


def test_places_are_principal_components():
    chance = np.random.default_rng(6)
    hidden = chance.normal(size=(50, 5)) * [10, 1, 1, 0.1, 1] + 7
    hidden[:, 1] = hidden[:, 0] + 0.1 * chance.normal(size=50)
    places, shares = embedding(hidden)
    scaled = (hidden - hidden.mean(0)) / hidden.std(0)
    values = np.linalg.eigvalsh(np.cov(scaled.T, ddof=0))[::-1]
    assert shares == pytest.approx(values[:2] / 5)
    assert places.std(axis=0) == pytest.approx([1, 1])
    assert abs(np.corrcoef(places[:, 0], scaled[:, 0])[0, 1]) > 0.9
    flat, none = embedding(np.ones((4, 3)))
    assert not flat.any()
    assert not none.any()


def test_plan_has_one_job_per_fold_and_arm_or_none(situation, facts):
    own = situation("arms: [intensity, tissue]\n")
    plan = plan_audit(own, facts(own))
    assert {str(recipe): len(keys) for recipe, keys in plan.learned.items()} == {"intensity": 3, "tissue": 3}
    jobs = [job for job in plan.jobs if job.step == "learned"]
    assert [job.arguments.gallery for job in jobs] == [True, False, False] * 2
    assert all(own.folds[row] == fold for fold, job in enumerate(jobs[:3]) for row in job.arguments.rows)
    off = situation("learned: {enabled: false}\n")
    bare = plan_audit(off, facts(off))
    assert bare.learned == {}
    assert not any(job.step == "learned" for job in bare.jobs)
    # The switch renames no other job.
    plain = situation()
    assert {job.key for job in bare.jobs} == {
        job.key for job in plan_audit(plain, facts(plain)).jobs if job.step != "learned"
    }


def test_a_volume_that_did_not_change_is_cut_in_its_middle():
    strength = np.zeros((5, 6, 9))
    assert level_of(strength) == 4
    strength[2, 3, 7] = 0.1
    assert level_of(strength) == 7
