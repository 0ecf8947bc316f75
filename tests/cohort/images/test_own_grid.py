from __future__ import annotations

import nibabel
import numpy as np
import pytest
from PIL import Image

from biasaudit.cohort.images.own_grid import on_own_grid, write_picture
from biasaudit.records import Grid


def grid(shape, affine):
    return Grid(shape, tuple(tuple(float(value) for value in row) for row in affine))


def ramp(shape, affine):
    """Map that is the world coordinate x + 2 y - z."""
    indices = np.indices(shape).reshape(3, -1)
    world = affine[:3, :3] @ indices + affine[:3, 3:]
    return (world[0] + 2 * world[1] - world[2]).reshape(shape).astype(np.float32)


def test_values_are_kept_in_any_orientation(tmp_path):
    common = np.diag([4.0, 4, 4, 1])
    own = np.array([[0, -2.0, 0, 20], [2, 0, 0, 6], [0, 0, 3, 7], [0, 0, 0, 1]])
    nibabel.save(nibabel.Nifti1Image(np.zeros((6, 5, 4), np.float32), own), tmp_path / "own.nii.gz")
    found, where = on_own_grid(ramp((12, 12, 12), common), grid((12, 12, 12), common), str(tmp_path / "own.nii.gz"))
    np.testing.assert_allclose(found, ramp((6, 5, 4), own), atol=1e-4)
    np.testing.assert_allclose(where.affine, own)
    assert where.shape == (6, 5, 4)


def test_outside_of_the_map_there_is_no_relevance(tmp_path):
    common, own = np.diag([4.0, 4, 4, 1]), np.diag([4.0, 4, 4, 1])
    own[0, 3] = -40
    nibabel.save(nibabel.Nifti1Image(np.zeros((12, 3, 3), np.float32), own), tmp_path / "own.nii.gz")
    found, _ = on_own_grid(np.full((3, 3, 3), -5.0), grid((3, 3, 3), common), str(tmp_path / "own.nii.gz"))
    assert not found[:9].any()
    assert (found[10:] == -5).all()


def test_pictures_meet_at_their_edges(tmp_path):
    Image.fromarray(np.zeros((8, 4), np.uint8)).save(tmp_path / "own.png")
    found, where = on_own_grid(np.array([[1.0, 2], [3, 4]]), Grid((2, 2)), str(tmp_path / "own.png"))
    assert where == Grid((8, 4))
    assert found[0, 0] == pytest.approx(1)
    assert found[-1, -1] == pytest.approx(4)
    assert found.mean() == pytest.approx(2.5)


def test_a_drawn_picture_shows_sign_and_strength(tmp_path):
    write_picture(str(tmp_path / "map.png"), np.array([[2.0, -1.0, 0.0]]), 1.0)
    with Image.open(tmp_path / "map.png") as drawn:
        supports, opposes, nothing = np.asarray(drawn)[0].astype(int)
    assert supports[0] > supports[2]
    assert opposes[2] > opposes[0]
    assert [supports[3], opposes[3], nothing[3]] == [255, 255, 0]
