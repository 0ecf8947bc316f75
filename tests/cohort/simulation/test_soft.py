from __future__ import annotations

import numpy as np
import pytest

from biasaudit.cohort.simulation.soft import add_ellipsoid


def drawn(centre=(10.0, 10.0, 10.0), radii=(4.0, 4.0, 4.0), shape=(21, 21, 21)):
    fraction = np.zeros(shape, dtype=np.float32)
    add_ellipsoid(fraction, np.array(centre), np.array(radii))
    return fraction


def test_full_inside_and_nothing_outside():
    found = drawn()
    assert found[10, 10, 10] == 1
    assert found[10, 10, 16] == 0
    assert found.sum() == pytest.approx(4 / 3 * np.pi * 4**3, rel=0.05)


def test_the_surface_is_soft():
    found = drawn()
    assert ((found > 0) & (found < 1)).any()


def test_radii_follow_the_axes():
    found = drawn(radii=(2.0, 4.0, 6.0)) >= 0.5
    assert [int(found.any(axis=axes).sum()) for axes in ((1, 2), (0, 2), (0, 1))] == [5, 9, 13]


def test_what_leaves_the_volume_is_cut():
    assert 0 < drawn(centre=(0.0, 10.0, 10.0)).sum() < drawn().sum()


def test_shapes_are_joined_and_not_added():
    fraction = drawn()
    add_ellipsoid(fraction, np.array([11.0, 10.0, 10.0]), np.array([4.0, 4.0, 4.0]))
    assert fraction.max() == 1
