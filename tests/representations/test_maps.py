import numpy as np
import pytest

from biasaudit.errors import UsageError
from biasaudit.records import Grid, Volume
from biasaudit.registry import get

GRID = Grid((4, 5))


def test_maps_as_they_are():
    maps = np.random.default_rng(0).normal(size=(2, 4, 5))
    volume = Volume(np.ones((1, 4, 5)), np.ones((4, 5), bool), np.zeros((4, 5), bool), maps=maps)
    found = get("representation", "maps")().transform(volume, None, GRID)
    np.testing.assert_array_equal(found, maps.astype(np.float32))


def test_without_maps():
    volume = Volume(np.ones((1, 4, 5)), np.ones((4, 5), bool), np.zeros((4, 5), bool))
    with pytest.raises(UsageError, match=r"maps need files of your own; name them by `cohort\.maps`"):
        get("representation", "maps")().transform(volume, None, GRID)
