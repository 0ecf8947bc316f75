from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from biasaudit.edits.erasure import erase, inpaint
from biasaudit.records import Volume


def hole_of(volume: Volume) -> np.ndarray:
    return ndimage.binary_dilation(volume.mask) & volume.foreground


class TestErase:
    def test_unchanged_outside_the_dilated_mask(self, random_volume):
        volume = random_volume()
        erased = erase(volume, volume.mask)
        hole = hole_of(volume)
        np.testing.assert_array_equal(erased.image[:, ~hole], volume.image[:, ~hole])
        assert (erased.image[:, hole] != volume.image[:, hole]).all()

    def test_input_unchanged(self, random_volume):
        volume, untouched = random_volume(), random_volume()
        mask = volume.mask.copy()
        erase(volume, mask)
        np.testing.assert_array_equal(volume.image, untouched.image)
        np.testing.assert_array_equal(mask, untouched.mask)

    def test_nothing_of_the_hole_is_looked_at(self, random_volume):
        volume = random_volume()
        image = volume.image.copy()
        image[:, hole_of(volume)] = 1e4
        loud = replace(volume, image=image)
        np.testing.assert_array_equal(erase(loud, volume.mask).image, erase(volume, volume.mask).image)

    def test_nothing_outside_the_brain_is_looked_at(self, random_volume):
        volume = random_volume()
        mask = np.zeros_like(volume.mask)
        mask[2:4, 5:8, 5:8] = True
        image = volume.image.copy()
        image[:, ~volume.foreground] = 1e4
        hole = ndimage.binary_dilation(mask) & volume.foreground
        loud = erase(replace(volume, image=image), mask)
        np.testing.assert_array_equal(loud.image[:, hole], erase(volume, mask).image[:, hole])

    def test_maps_of_the_user_are_filled_too(self, random_volume):
        volume = random_volume()
        hole = hole_of(volume)
        maps = np.where(hole, 9.0, np.random.default_rng(1).normal(size=(2, *hole.shape)))
        erased = erase(replace(volume, maps=maps), volume.mask).maps
        np.testing.assert_allclose(erased[:, ~hole], maps[:, ~hole], rtol=1e-6)
        assert np.abs(erased[:, hole]).max() < 3

    def test_empty_mask_gives_the_same_volume(self, random_volume):
        volume = random_volume()
        erased = erase(volume, np.zeros_like(volume.mask))
        np.testing.assert_array_equal(erased.image, volume.image)

    def test_a_mask_outside_the_brain_erases_nothing(self, random_volume):
        volume = random_volume()
        mask = np.zeros_like(volume.mask)
        mask[0, 0, 0] = True
        np.testing.assert_array_equal(erase(volume, mask).image, volume.image)

    def test_a_constant_image_stays_constant(self, random_volume):
        volume = random_volume()
        flat = replace(volume, image=np.where(volume.foreground, 7.0, 0.0)[None].astype(np.float32))
        np.testing.assert_allclose(erase(flat, flat.mask).image, flat.image, rtol=1e-5)

    def test_user_maps_are_erased_too(self, random_volume):
        volume = random_volume()
        share = np.random.default_rng(1).dirichlet([1, 1, 1], volume.mask.shape).transpose(3, 0, 1, 2)
        tissue = (share * volume.foreground).astype(np.float32)
        erased = erase(replace(volume, tissue=tissue), volume.mask)
        hole = hole_of(volume)
        assert (erased.tissue[:, hole] != tissue[:, hole]).all()
        np.testing.assert_array_equal(erased.tissue[:, ~hole], tissue[:, ~hole])
        np.testing.assert_allclose(erased.tissue[:, volume.foreground].sum(0), 1.0, rtol=1e-4)

    def test_a_mask_of_the_whole_brain_is_survived(self, random_volume):
        volume = random_volume()
        assert np.isfinite(erase(volume, volume.foreground).image).all()

    def test_lesion_contrast_is_removed(self, patient):
        sick, healthy = patient
        core = sick.mask
        assert core.sum() > 50
        before = float((sick.image[0] - healthy.image[0])[core].mean())
        erased = erase(sick, sick.mask)
        after = float((erased.image[0] - healthy.image[0])[core].mean())
        assert before > 0.1
        assert abs(after) < 0.25 * before


class TestInpaint:
    def test_as_local_as_can_be(self):
        ramp = np.broadcast_to(np.arange(40.0, dtype=np.float32), (9, 40)).copy()
        hole = np.zeros(ramp.shape, dtype=bool)
        hole[3:6, 10:13] = True
        filled = inpaint(ramp, hole, ~hole)
        np.testing.assert_allclose(filled[hole], ramp[hole], atol=1.0)

    def test_a_hole_too_wide_for_the_first_scale_is_filled_from_further_away(self):
        image = np.full((61, 61), 3.0, dtype=np.float32)
        hole = np.zeros(image.shape, dtype=bool)
        hole[5:56, 5:56] = True
        image[hole] = np.nan
        filled = inpaint(np.nan_to_num(image, nan=99.0), hole, ~hole)
        np.testing.assert_allclose(filled, 3.0, rtol=1e-4)

    def test_nothing_known(self):
        hole = np.ones((5, 5), dtype=bool)
        np.testing.assert_array_equal(inpaint(np.ones((5, 5), dtype=np.float32), hole, ~hole), 0.0)

    @pytest.mark.parametrize("shape", [(20, 20), (10, 10, 10)])
    def test_pictures_and_volumes(self, shape):
        image = np.random.default_rng(0).normal(size=shape).astype(np.float32)
        hole = np.zeros(shape, dtype=bool)
        hole[(slice(4, 6),) * len(shape)] = True
        filled = inpaint(image, hole, ~hole)
        assert filled.dtype == np.float32
        assert np.abs(filled[hole]).max() < np.abs(image).max()


def test_a_lesion_that_reaches_out_of_the_foreground_of_a_picture_is_erased_whole():
    chance = np.random.default_rng(3)
    foreground, mask = np.zeros((32, 32), dtype=bool), np.zeros((32, 32), dtype=bool)
    foreground[4:28, 4:28] = mask[10:20, 0:12] = True
    skin = 100 + chance.normal(0, 1, (3, 32, 32))
    picture = Volume(np.where(mask, skin - 60, skin).astype(np.float32), foreground, mask)
    erased = erase(picture, mask).image
    assert np.abs(erased[:, mask] - 100).max() < 3
    beyond = ~ndimage.binary_dilation(mask)
    np.testing.assert_array_equal(erased[:, beyond], picture.image[:, beyond])
