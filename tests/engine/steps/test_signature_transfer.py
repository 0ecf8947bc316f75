"""The step that imposes signatures: who scores what, where the edit goes, and what it leaves alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from engine.folders import folders
from scipy import ndimage

from biasaudit.engine.arguments.edits import SignatureTransferArguments, models_of_fold
from biasaudit.engine.arguments.inputs import READ
from biasaudit.engine.jobs.job import Folders
from biasaudit.engine.jobs.stack import save_stack
from biasaudit.engine.steps.signature_transfer import _statistics, signature_transfer
from biasaudit.engine.steps.train import train
from biasaudit.records import Grid, Volume

SHAPE = (24, 22)
COUNT = 16


@pytest.fixture(scope="module")
def cohort() -> list[Volume]:
    """Sixteen smooth pictures; every other one is of another contrast, and blurred."""
    axes = np.meshgrid(*(np.linspace(-1, 1, n) for n in SHAPE), indexing="ij")
    inside = sum(axis**2 for axis in axes) < 0.9
    common = ndimage.gaussian_filter(np.random.default_rng(99).normal(size=SHAPE), 1.0)
    volumes = []
    for row in range(COUNT):
        chance = np.random.default_rng(row)
        own = ndimage.gaussian_filter(chance.normal(size=SHAPE), 1.0)
        image = 1.0 + 0.25 * (common / common.std() + 0.3 * own / own.std())
        if row % 2:
            image = ndimage.gaussian_filter(image + 1.5 * np.clip(image - 1, 0, None), 0.8)
        image = (image + chance.normal(0, 0.03, SHAPE)) * inside
        volumes.append(Volume(image[None].astype(np.float32), inside, np.zeros(SHAPE, dtype=bool)))
    return volumes


@pytest.fixture
def needs(cohort, training, tmp_path):
    """`read` blocks of five and a network for each of two folds."""
    reads = []
    for start in range(0, COUNT, 5):
        folder = tmp_path / f"read{start}"
        folder.mkdir()
        for name in ("image", "foreground", "mask"):
            save_stack(folder / f"{name}.npz", np.stack([getattr(v, name) for v in cohort[start : start + 5]]))
        reads.append(folder)
    inputs = tmp_path / "inputs"
    inputs.mkdir()
    save_stack(inputs / "original.npz", np.stack([v.image - 1 for v in cohort]).astype(np.float16))
    found = {READ: tuple(reads)}
    for fold in (0, 1):
        model = tmp_path / f"model{fold}"
        model.mkdir()
        train(training(np.arange(COUNT) % 2, seed=fold, settings={"epochs": 1}), folders(inputs=[inputs]), model)
        found[models_of_fold(fold)] = (model,)
    return Folders(found)


FIRST, SECOND = models_of_fold(0), models_of_fold(1)
ARGUMENTS = SignatureTransferArguments(
    sides=tuple(row % 2 for row in range(COUNT)),
    folds=tuple(row // 2 % 2 for row in range(COUNT)),
    representation="intensity",
    grid=Grid(SHAPE),
    seed=3,
)


def run(arguments, needs, folder):
    folder.mkdir()
    signature_transfer(arguments, needs, folder)
    assert sorted(path.name for path in folder.iterdir()) == ["margins.npy", "traits.npy"]
    return np.load(folder / "margins.npy"), np.load(folder / "traits.npy")


def test_every_row_is_scored_and_measured(cohort, needs, tmp_path):
    margins, traits = run(ARGUMENTS, needs, tmp_path / "out")
    assert margins.shape == (COUNT, 2)
    assert traits.shape == (3, COUNT, len(_statistics(cohort[0])))
    assert np.isfinite(margins).all()
    assert np.isfinite(traits).all()
    np.testing.assert_allclose(traits[0], [_statistics(volume) for volume in cohort])


def test_images_go_to_the_other_side_and_the_sham_stays(needs, tmp_path):
    _, (plain, edited, sham) = run(ARGUMENTS, needs, tmp_path / "out")
    side = np.array(ARGUMENTS.sides) == 1
    spread = (plain[side].std(0) + plain[~side].std(0)) / 2
    gap = (plain[side].mean(0) - plain[~side].mean(0)) / np.maximum(spread, 1e-9)
    told_apart = np.abs(gap) > 2
    assert told_apart.sum() >= 2
    for own in (side, ~side):
        start, aim, after, mock = (v[:, told_apart].mean(0) for v in (plain[own], plain[~own], edited[own], sham[own]))
        assert ((after - start) / (aim - start)).mean() > 0.6
        assert np.abs((mock - start) / (aim - start)).mean() < 0.25


def test_same_seed_same_numbers_and_nothing_read_is_written(needs, tmp_path):
    before = {path: path.read_bytes() for folder in needs[READ] for path in folder.iterdir()}
    first, again = run(ARGUMENTS, needs, tmp_path / "one"), run(ARGUMENTS, needs, tmp_path / "two")
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
    another, _ = run(replace(ARGUMENTS, seed=4), needs, tmp_path / "three")
    assert (another[:, 1] != first[0][:, 1]).any()  # other halves, other noise
    assert {path: path.read_bytes() for path in before} == before


def test_the_network_that_held_a_row_out_scores_it(needs, tmp_path):
    margins, _ = run(ARGUMENTS, needs, tmp_path / "one")
    exchanged, _ = run(ARGUMENTS, Folders({**needs, SECOND: needs[FIRST]}), tmp_path / "two")
    fold = np.array(ARGUMENTS.folds)
    np.testing.assert_array_equal(exchanged[fold == 0], margins[fold == 0])
    assert (exchanged[fold == 1] != margins[fold == 1]).all()


def test_several_networks_are_averaged(needs, tmp_path):
    each = [
        run(ARGUMENTS, Folders({**needs, FIRST: needs[role], SECOND: needs[role]}), tmp_path / role.which)[0]
        for role in (FIRST, SECOND)
    ]
    both = needs[FIRST] + needs[SECOND]
    mean, _ = run(ARGUMENTS, Folders({**needs, FIRST: both, SECOND: both}), tmp_path / "both")
    np.testing.assert_allclose(mean, np.mean(each, axis=0), rtol=1e-5, atol=1e-6)


def test_statistics_of_empty_and_constant_images_are_finite(cohort):
    blank = np.zeros(SHAPE, dtype=bool)
    for image, inside in ((np.zeros((1, *SHAPE)), blank), (np.ones((1, *SHAPE)), ~blank)):
        found = _statistics(Volume(image.astype(np.float32), inside, blank))
        assert found.shape == _statistics(cohort[0]).shape
        assert np.isfinite(found).all()
