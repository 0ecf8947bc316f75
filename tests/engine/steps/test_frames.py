"""The step that exchanges frames: who gives a frame to whom, and what the networks are asked."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from engine.folders import folders
from scipy import ndimage

from biasaudit.cohort.images.foreground import central_field
from biasaudit.engine.arguments.edits import FramesArguments
from biasaudit.engine.arguments.inputs import READ
from biasaudit.engine.arguments.networks import MODELS
from biasaudit.engine.jobs.job import Folders
from biasaudit.engine.jobs.stack import save_stack
from biasaudit.engine.steps.frames import _donors, frames
from biasaudit.engine.steps.train import train
from biasaudit.records import Grid

SHAPE = (40, 40)
COUNT = 16
ROWS = tuple(range(0, COUNT, 2))


@pytest.fixture
def needs(training, tmp_path):
    """Pictures whose frame says the class, with their field, and a network that was trained to see it."""
    images = []
    for row in range(COUNT):
        own = ndimage.gaussian_filter(np.random.default_rng(row).normal(size=SHAPE), 1.0)
        own[~central_field(SHAPE)] += 2.0 * (row // 2 % 2)
        images.append(own[None])
    stacked = np.stack(images).astype(np.float32)
    read, inputs, model = (tmp_path / name for name in ("read", "inputs", "model"))
    for folder in (read, inputs, model):
        folder.mkdir()
    save_stack(read / "image.npz", stacked)
    for name, values in (("foreground", True), ("mask", False), ("field", central_field(SHAPE))):
        save_stack(read / f"{name}.npz", np.broadcast_to(values, (COUNT, *SHAPE)))
    save_stack(inputs / "original.npz", stacked.astype(np.float16))
    train(training(np.arange(COUNT) // 2 % 2, seed=0, settings={"epochs": 8}), folders(inputs=[inputs]), model)
    return Folders({READ: (read,), MODELS: (model,)})


ARGUMENTS = FramesArguments(
    rows=ROWS,
    sides=tuple(row // 2 % 2 for row in ROWS),
    subjects=tuple(f"s{row}" for row in ROWS),
    representation="intensity",
    grid=Grid(SHAPE),
    seed=3,
    donors=2,
)


def run(needs, folder, arguments=ARGUMENTS):
    folder.mkdir()
    frames(arguments, needs, folder)
    return {path.stem: np.load(path) for path in folder.iterdir()}


def test_every_held_out_row_is_scored_and_no_other(needs, tmp_path):
    found = run(needs, tmp_path / "out")
    assert sorted(found) == ["blanked", "donors", "rows", "transplanted"]
    assert found["rows"].tolist() == list(ROWS)
    assert found["transplanted"].shape == found["donors"].shape == (len(ROWS), 2, 2)
    assert found["blanked"].shape == (len(ROWS), 2)
    assert np.isfinite(found["transplanted"]).all()
    assert np.isin(found["donors"], ROWS).all()


def test_what_the_network_sees_moves_with_the_frame(needs, tmp_path):
    found, sides = run(needs, tmp_path / "out"), np.array(ARGUMENTS.sides) == 1
    other, own = found["transplanted"].mean(2).T
    assert (other - own)[~sides].mean() > 0
    assert (other - own)[sides].mean() < 0
    assert found["blanked"][sides].mean() > found["blanked"][~sides].mean()


def test_it_is_the_same_twice(needs, tmp_path):
    first, second = run(needs, tmp_path / "a"), run(needs, tmp_path / "b")
    assert all(np.array_equal(first[name], second[name]) for name in first)


def test_donors_are_of_the_class_and_never_of_the_subject():
    donors = _donors(replace(ARGUMENTS, donors=6))
    side = dict(zip(ROWS, ARGUMENTS.sides, strict=True))
    for row, (others, own) in zip(ROWS, donors, strict=True):
        assert all(side[donor] != side[row] for donor in others.tolist())
        assert all(side[donor] == side[row] and donor != row for donor in own.tolist())
        assert len(set(others.tolist())) == 4


def test_the_images_of_a_subject_have_the_same_donors():
    donors = _donors(
        replace(ARGUMENTS, subjects=("a", "b", "a", "c", "d", "e", "f", "g"), sides=(0, 1, 0, 1, 0, 1, 0, 1))
    )
    assert np.array_equal(donors[0], donors[2])
    assert not np.isin(donors[0, 1], (0, 4)).any()


def test_a_lone_patient_has_no_sham_donor(needs, tmp_path):
    alone = replace(ARGUMENTS, rows=ROWS[:3], sides=(0, 1, 0), subjects=("a", "b", "c"))
    found = run(needs, tmp_path / "out", alone)
    assert (found["donors"][1, 1] == -1).all()
    assert np.isnan(found["transplanted"][1, 1]).all()
    assert np.isfinite(found["transplanted"][1, 0]).all()


def test_an_image_without_a_frame_is_not_edited(needs, tmp_path):
    whole = np.ones((COUNT, *SHAPE), dtype=bool)
    whole[1:, :, :3] = False
    save_stack(needs.only(READ) / "field.npz", whole)
    found = run(needs, tmp_path / "out")
    assert np.isnan(found["transplanted"]).all()
    assert np.isnan(found["blanked"]).all()
