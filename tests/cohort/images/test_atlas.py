from __future__ import annotations

import nibabel
import numpy as np
import pytest
from PIL import Image

from biasaudit.cohort.images.atlas import read_atlas
from biasaudit.errors import DataError
from biasaudit.records import Grid

LABELS = np.arange(64, dtype=np.int16).reshape(4, 4, 4)


def grid(shape, spacing, corner=0.0):
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = corner
    return Grid(shape, tuple(tuple(float(value) for value in row) for row in affine))


def write(path, labels, affine):
    nibabel.save(nibabel.Nifti1Image(labels, affine), path)
    return str(path)


def test_labels_are_never_mixed(tmp_path):
    path = write(tmp_path / "atlas.nii.gz", LABELS, np.diag([2.0, 2, 2, 1]))
    found = read_atlas(path, grid((8, 8, 8), 1.0, -0.5))
    np.testing.assert_array_equal(found, LABELS.repeat(2, 0).repeat(2, 1).repeat(2, 2))
    assert found.dtype == np.int64


def test_a_turned_atlas(tmp_path):
    affine = np.diag([-1.0, 1, 1, 1])
    affine[0, 3] = 3.0
    path = write(tmp_path / "atlas.nii", LABELS, affine)
    np.testing.assert_array_equal(read_atlas(path, grid((4, 4, 4), 1.0)), LABELS[::-1])


def test_grey_levels_of_a_picture(tmp_path):
    labels = np.array([[0, 3], [200, 255]], dtype=np.uint8)
    Image.fromarray(labels).save(tmp_path / "atlas.png")
    found = read_atlas(str(tmp_path / "atlas.png"), Grid((4, 4)))
    np.testing.assert_array_equal(found, labels.repeat(2, 0).repeat(2, 1))


def test_an_atlas_elsewhere_is_refused(tmp_path):
    path = write(tmp_path / "atlas.nii", LABELS, np.eye(4))
    with pytest.raises(DataError, match="no region on the common grid"):
        read_atlas(path, grid((4, 4, 4), 1.0, 500.0))


def test_an_atlas_of_other_axes_is_refused(tmp_path):
    path = write(tmp_path / "atlas.nii", LABELS, np.eye(4))
    with pytest.raises(DataError, match="3 axes, expected 2"):
        read_atlas(path, Grid((4, 4)))
