"""The disease field on the grid: by rule, mask and atlas, in pictures and in space."""

from __future__ import annotations

import nibabel
import numpy as np
import pytest
from PIL import Image

from biasaudit.cohort.images.field import field_reader, mask_field, support_of
from biasaudit.cohort.images.foreground import central_field
from biasaudit.errors import DataError
from biasaudit.protocol import FieldSettings
from biasaudit.records import Grid, Volume

PICTURE = Grid((32, 32))
SPACE = Grid((8, 8, 8), ((2.0, 0, 0, 0), (0, 2.0, 0, 0), (0, 0, 2.0, 0), (0, 0, 0, 1.0)))


def field(grid=PICTURE, own=None, foreground=None, **settings):
    return field_reader(FieldSettings.model_validate(settings), grid)(own, foreground)


def picture(path, array):
    Image.fromarray(array.astype(np.uint8)).save(path)
    return path


def volume(path, array, affine):
    nibabel.save(nibabel.Nifti1Image(array.astype(np.int16), affine), path)
    return path


def test_the_centre_and_the_foreground():
    inside = np.eye(32, dtype=bool)
    assert np.array_equal(field(rule="centre"), central_field((32, 32)))
    assert field(rule="foreground", foreground=inside) is inside


def test_a_mask_of_another_resolution_is_taken_edge_to_edge(tmp_path):
    mask = np.zeros((64, 64))
    mask[16:48, 16:48] = 255
    found = field(mask=picture(tmp_path / "m.png", mask))
    assert np.array_equal(np.argwhere(found).min(0), [8, 8])
    assert found.sum() == 16**2


def test_every_image_may_have_its_own(tmp_path):
    masks = [np.zeros((32, 32)) for _ in range(2)]
    masks[0][:4], masks[1][4:9] = 255, 255
    files = [str(picture(tmp_path / f"{number}.png", mask)) for number, mask in enumerate(masks)]
    found = [field(own=file, column="field") for file in files]
    assert [own.sum() for own in found] == [4 * 32, 5 * 32]


def test_a_mask_in_space_is_found_by_its_place(tmp_path):
    mask = np.zeros((4, 4, 4))
    mask[1:3, 1:3, 1:3] = 1
    affine = np.diag([4.0, 4, 4, 1])
    affine[:3, 3] = 1.0
    found = field(SPACE, mask=volume(tmp_path / "m.nii.gz", mask, affine))
    assert np.array_equal(np.argwhere(found).min(0), [2, 2, 2])
    assert found.sum() == 4**3


def test_regions_of_an_atlas(tmp_path):
    atlas = np.zeros((8, 8, 8))
    atlas[:2], atlas[2:4], atlas[4:] = 3, 4, 7
    path = volume(tmp_path / "a.nii.gz", atlas, np.diag([2.0, 2, 2, 1]))
    found = field(SPACE, atlas=path, labels=[3, 4])
    assert found[:4].all()
    assert not found[4:].any()
    with pytest.raises(DataError, match=r"no region 5, 9 on the common grid; it has 3, 4, 7"):
        field(SPACE, atlas=path, labels=[3, 5, 9])


def test_masks_that_do_not_fit_are_refused(tmp_path):
    wide = picture(tmp_path / "wide.png", np.full((32, 64), 255))
    with pytest.raises(DataError, match="32 x 64 pixels, which has another aspect than the grid of 32 x 32"):
        mask_field(str(wide), PICTURE)
    with pytest.raises(DataError, match="a field of 2 axes, expected 3"):
        mask_field(str(wide), SPACE)


def test_a_stripped_volume_shows_its_brain_and_others_everything():
    inside = np.zeros((12, 12, 12), dtype=bool)
    inside[3:9, 3:9, 3:9] = True
    noise = np.random.default_rng(0).normal(10, 1, (1, 12, 12, 12)).astype(np.float32)
    stripped, whole = (Volume(image, inside, np.zeros_like(inside)) for image in (noise * inside, noise))
    assert np.array_equal(support_of(stripped), inside)
    assert support_of(whole).all()
    flat = Volume(np.zeros((1, 8, 8), dtype=np.float32), np.eye(8, dtype=bool), np.zeros((8, 8), dtype=bool))
    assert support_of(flat).all()
