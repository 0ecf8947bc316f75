from __future__ import annotations

import numpy as np
import pytest

from biasaudit.cohort.images.inspection import inspect_files
from biasaudit.cohort.images.sizes import grid_notes
from biasaudit.cohort.images.volumes import choose_grid
from biasaudit.errors import DataError
from biasaudit.protocol import GridSettings
from biasaudit.records import Grid


@pytest.fixture
def images(volume, cohort, sample):
    """Cohort of three equal volumes of a size in mm, most of it foreground."""

    def build(spacing, shape=(40, 40, 40), margin=2):
        data = np.zeros(shape, np.float32)
        data[(slice(margin, -margin),) * 3] = 1 + np.random.default_rng(0).random([n - 2 * margin for n in shape])
        affine = np.diag([spacing, spacing, spacing, 1.0])
        return cohort(*(sample(volume(f"{n}.nii", data + n * (data > 0), affine)) for n in range(3)))

    return build


def facts(cohort):
    return inspect_files(cohort, GridSettings(), {}).facts


@pytest.mark.parametrize("spacing", [0.02, 0.1, 0.4])
def test_the_default_grid_follows_small_images(images, spacing):
    mice = images(spacing)
    grid = choose_grid(mice, GridSettings())
    assert grid.spacing == pytest.approx((36 * spacing / 32,) * 3, rel=0.05)
    (note,) = grid_notes(mice, facts(mice), grid, by_default=True)
    assert "finer than the usual 4 mm" in note
    assert grid_notes(mice, facts(mice), grid, by_default=False) == []


def test_the_foreground_decides_and_not_the_empty_space_around_it(images):
    padded = images(0.5, (80, 80, 80), margin=32)
    assert choose_grid(padded, GridSettings()).spacing == pytest.approx((0.5, 0.5, 0.5))


@pytest.mark.parametrize("spacing", [1.0, 2.0, 3.3])
def test_heads_keep_the_usual_grid_and_no_voxel_is_read_for_it(images, spacing, monkeypatch):
    heads = images(spacing, (150, 45, 40) if spacing == 1 else (70, 60, 50))
    monkeypatch.setattr("biasaudit.cohort.images.volumes.read_scan", None)
    grid = choose_grid(heads, GridSettings())
    assert grid.spacing == (4.0, 4.0, 4.0)


def test_few_voxels_across_the_foreground_are_told(images):
    mice = images(0.4)
    grid = choose_grid(mice, GridSettings(spacing=4.0))
    assert grid.shape == (4, 4, 4)
    (note,) = grid_notes(mice, facts(mice), grid, by_default=False)
    assert "the foreground spans 4 x 4 x 4 voxels of the common grid" in note
    assert "grid.spacing" in note


def test_few_pixels_are_told(picture, cohort, sample):
    pictures = cohort(sample(picture("a.png", np.arange(99, dtype=np.uint8).reshape(9, 11))), dimensions=2)
    (note,) = grid_notes(pictures, facts(pictures), Grid((9, 11)), by_default=True)
    assert note == "the common grid has 9 x 11 pixels only"
    assert grid_notes(pictures, facts(pictures), Grid((32, 32)), by_default=True) == []


def test_one_field_of_view_of_another_unit_is_refused(volume, cohort, sample):
    data = np.random.default_rng(0).random((8, 8, 8)).astype(np.float32)
    sizes = [2.0, 2.2, 2.0, 2000.0, 0.002]
    mixed = cohort(*(sample(volume(f"{n}.nii", data + n, np.diag([s, s, s, 1.0]))) for n, s in enumerate(sizes)))
    (fault,) = inspect_files(mixed, GridSettings(), {}).faults
    assert "3.nii: a field of view of 1.6e+04 mm, whereas most have 16 mm (2 images like it); correct" in str(fault)


def test_a_cohort_without_any_volume_to_place(picture, cohort, sample):
    pictures = cohort(sample(picture("a.png", np.arange(99, dtype=np.uint8).reshape(9, 11))))
    with pytest.raises(DataError, match="no volume among the images"):
        choose_grid(pictures, GridSettings())
