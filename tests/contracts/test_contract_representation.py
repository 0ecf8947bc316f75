"""What every representation owes the engine."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from biasaudit import registry
from biasaudit.cohort.images.template import tissue_priors
from biasaudit.records import Volume

NAMES = registry.names("representation")
CASES = [
    pytest.param({}, id="stripped"),
    pytest.param({"stripped": False}, id="whole head"),
    pytest.param({"channels": 2}, id="two channels"),
    pytest.param({"tissue": True}, id="own tissue maps"),
]
pytestmark = pytest.mark.parametrize("name", NAMES)


def transform(name, volume, grid):
    representation = registry.get("representation", name)()
    priors = tissue_priors(grid) if representation.needs_priors and volume.tissue is None else None
    return representation.transform(volume, priors, grid)


def arrays(volume: Volume):
    given = (volume.image, volume.foreground, volume.mask, volume.tissue, volume.maps)
    return [array for array in given if array is not None]


@pytest.mark.parametrize("case", CASES)
def test_shape_and_type(name, case, head, head_grid):
    volume = head(**case)
    found = transform(name, volume, head_grid)
    channels = registry.get("representation", name)().channels(len(volume.image))
    assert found.shape == (channels, *head_grid.shape)
    assert found.dtype == np.float32


@pytest.mark.parametrize("case", CASES)
def test_finite_and_fits_the_stored_precision(name, case, head, head_grid):
    found = transform(name, head(**case), head_grid)
    assert np.isfinite(found.astype(np.float16)).all()


@pytest.mark.parametrize("case", CASES)
def test_deterministic(name, case, head, head_grid):
    first, second = (transform(name, head(**case), head_grid) for _ in range(2))
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize("case", CASES)
def test_input_is_unchanged_and_not_shared(name, case, head, head_grid):
    volume, untouched = head(**case), head(**case)
    found = transform(name, volume, head_grid)
    found[:] = -99.0
    for array, before in zip(arrays(volume), arrays(untouched), strict=True):
        np.testing.assert_array_equal(array, before)


def test_the_pathology_mask_is_never_looked_at(name, head, head_grid):
    volume = head()
    blind = replace(volume, mask=np.zeros_like(volume.mask))
    np.testing.assert_array_equal(transform(name, volume, head_grid), transform(name, blind, head_grid))


@pytest.mark.parametrize("value", [0.0, 5.0])
def test_a_constant_image_is_survived(name, value, head, head_grid):
    volume = head()
    flat = replace(volume, image=np.full_like(volume.image, value), maps=np.full_like(volume.image, value))
    assert np.isfinite(transform(name, flat, head_grid)).all()


def test_an_empty_foreground_is_survived(name, head, head_grid):
    volume = head()
    empty = replace(volume, foreground=np.zeros_like(volume.foreground), mask=np.zeros_like(volume.mask))
    assert np.isfinite(transform(name, empty, head_grid)).all()


def test_says_whether_it_needs_priors(name):
    assert isinstance(registry.get("representation", name).needs_priors, bool)
