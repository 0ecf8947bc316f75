import numpy as np
import pytest

from biasaudit.cohort.images.resampling import (
    picture_transform,
    resample,
    resample_mask,
    resample_pathology,
    volume_transform,
)


def scaling(factor, shape):
    """Transform and shape of a grid over the same field of view, `factor` coarser."""
    small = tuple(size // factor for size in shape)
    return picture_transform(shape, small), small


def test_identity_copies():
    data = np.random.default_rng(0).random((4, 5, 6)).astype(np.float32)
    result = resample(data, np.eye(4), data.shape)
    np.testing.assert_array_equal(result, data)
    assert result is not data


def test_a_linear_ramp_survives():
    ramp = np.add.outer(np.arange(32.0), 2 * np.arange(32.0))
    transform, shape = scaling(2, ramp.shape)
    expected = ramp.reshape(16, 2, 16, 2).mean((1, 3))
    np.testing.assert_allclose(resample(ramp, transform, shape)[3:-3, 3:-3], expected[3:-3, 3:-3], rtol=1e-4)


def test_downsampling_does_not_alias():
    noise = np.random.default_rng(0).normal(size=(128, 128))
    transform, shape = scaling(4, noise.shape)
    assert resample(noise, transform, shape).std() < 0.3


def test_outside_lies_the_smallest_value():
    data = np.full((4, 4), -5.0)
    data[2, 2] = 1.0
    shifted = np.eye(3)
    shifted[0, 2] = 10
    np.testing.assert_array_equal(resample(data, shifted, (4, 4)), -5.0)


def test_flipped_axes_are_the_same_place():
    source = np.diag([-2.0, 2.0, 2.0, 1.0])
    source[0, 3] = 14
    data = np.random.default_rng(0).random((8, 8, 8))
    result = resample(data, volume_transform(source, np.diag([2.0, 2.0, 2.0, 1.0])), (8, 8, 8))
    np.testing.assert_allclose(result, data[::-1], rtol=1e-5)


def test_permuted_axes_are_the_same_place():
    source = np.zeros((4, 4))
    source[0, 1] = source[1, 0] = source[2, 2] = 1.0
    source[3, 3] = 1.0
    data = np.random.default_rng(0).random((5, 6, 7))
    np.testing.assert_allclose(resample(data, source, (6, 5, 7)), data.transpose(1, 0, 2), rtol=1e-5)


def test_mask_keeps_more_than_half():
    mask = np.zeros((16, 16), dtype=bool)
    mask[4:12, 4:12] = True
    transform, shape = scaling(2, mask.shape)
    result = resample_mask(mask, transform, shape)
    assert result[2:6, 2:6].all()
    assert result.sum() == 16


@pytest.mark.parametrize("place", [(0, 0, 0), (5, 9, 2), (15, 15, 15)])
def test_a_lesion_of_one_voxel_does_not_vanish(place):
    mask = np.zeros((16, 16, 16), dtype=bool)
    mask[place] = True
    transform, shape = scaling(4, mask.shape)
    result = resample_pathology(mask, transform, shape)
    assert np.argwhere(result).tolist() == [[index // 4 for index in place]]
    assert not resample_mask(mask, transform, shape).any()


def test_a_third_of_a_voxel_is_kept_as_pathology():
    mask = np.zeros((16, 16), dtype=bool)
    mask[4:8, 4:12] = True
    mask[8:10, 4:12] = True
    transform, shape = scaling(4, mask.shape)
    assert resample_pathology(mask, transform, shape)[1:3, 1:3].all()


def test_empty_mask_stays_empty():
    transform, shape = scaling(4, (16, 16))
    assert not resample_pathology(np.zeros((16, 16), dtype=bool), transform, shape).any()


def test_a_lesion_outside_the_grid_is_left_out():
    mask = np.zeros((8, 8), dtype=bool)
    mask[7, 7] = True
    assert not resample_pathology(mask, np.eye(3), (4, 4)).any()
