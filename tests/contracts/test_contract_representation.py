"""What every representation owes the engine."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

import numpy as np
import pytest

from biasaudit import registry
from biasaudit.cohort.images.template import tissue_priors
from biasaudit.records import Volume
from biasaudit.representations.representation import Harmonising, Shown

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


def test_says_what_it_shows(name):
    own = registry.get("representation", name)
    assert own.shows in get_args(Shown)
    assert all(isinstance(flag, bool) for flag in (own.shows_pathology, own.needs_priors))
    assert isinstance(own.remedy, str)


def test_what_shows_no_pathology_is_the_same_without_it(name, head, head_grid):
    if registry.get("representation", name).shows_pathology:
        pytest.skip("shows the inside of the anatomy")
    volume = head()
    erased = replace(volume, image=np.where(volume.foreground, -7.0, volume.image).astype(np.float32))
    np.testing.assert_array_equal(transform(name, volume, head_grid), transform(name, erased, head_grid))


def test_what_is_made_of_the_image_changes_with_it(name, head, head_grid):
    own, volume = registry.get("representation", name), head(stripped=False)
    found = transform(name, replace(volume, image=volume.image[..., ::-1].copy()), head_grid)
    same = np.array_equal(found, transform(name, volume, head_grid))
    assert same == (own.shows == "maps" or name == "silhouette")


def test_what_is_learnt_by_fold_keeps_shape_and_type(name):
    own = registry.get("representation", name)()
    if not isinstance(own, Harmonising):
        pytest.skip("learns nothing")
    pytest.importorskip("pycombat")
    inputs = np.random.default_rng(2).normal(size=(20, 5, 1, 1)).astype(np.float32)
    untouched = inputs.copy()
    moved = own.harmonise(inputs, np.arange(16), np.repeat(["a", "b"], 10), None)
    assert (moved.shape, moved.dtype) == (inputs.shape, np.float32)
    np.testing.assert_array_equal(inputs, untouched)
