"""Tissue priors of the MNI152 space."""

from __future__ import annotations

import numpy as np
import pytest

from biasaudit.cohort.images.template import mni_grid, tissue_priors
from biasaudit.records import Grid


@pytest.mark.parametrize(("spacing", "shape"), [(4.0, (48, 56, 48)), (8.0, (24, 28, 24))])
def test_the_grid_lies_around_the_brain(spacing, shape):
    grid = mni_grid(spacing)
    assert grid.shape == shape
    assert grid.spacing == (spacing,) * 3
    middle = np.asarray(grid.affine) @ [*((np.asarray(shape) - 1) / 2), 1.0]
    np.testing.assert_allclose(middle[:3], (0.0, -16.0, 6.0))


def test_priors_are_probabilities_of_three_tissues():
    grid = mni_grid(8.0)
    priors = tissue_priors(grid)
    assert priors.shape == (3, *grid.shape)
    assert priors.dtype == np.float32
    assert priors.min() >= 0
    assert priors.max() <= 1
    assert priors.sum(0).max() <= 2
    centre = tuple(size // 2 for size in grid.shape)
    assert priors.sum(0)[centre] > 0.9
    assert priors.sum(0)[0, 0, 0] == 0


def test_pictures_have_no_priors():
    with pytest.raises(ValueError, match="no affine"):
        tissue_priors(Grid((8, 8)))
