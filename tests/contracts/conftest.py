from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from biasaudit.cohort.images.template import mni_grid
from biasaudit.records import Grid, Volume


@pytest.fixture(scope="session")
def head_grid() -> Grid:
    return mni_grid(16.0)


@pytest.fixture
def head(head_grid: Grid) -> Callable[..., Volume]:
    """A noisy ball of two channels with a bright spot, stripped or not, with or without the user's tissue maps."""

    def build(*, channels: int = 1, stripped: bool = True, tissue: bool = False) -> Volume:
        chance = np.random.default_rng(7)
        axes = np.meshgrid(*(np.linspace(-1, 1, n) for n in head_grid.shape), indexing="ij")
        inside = sum(axis**2 for axis in axes) < 0.6
        image = chance.normal(100.0, 10.0, (channels, *head_grid.shape)).astype(np.float32)
        if stripped:
            image *= inside
        mask = np.zeros(head_grid.shape, dtype=bool)
        mask[5:7, 6:8, 5:7] = True
        image[:, mask] += 60.0
        maps = None
        if tissue:
            maps = (chance.dirichlet([2.0, 2.0, 1.0], head_grid.shape) * inside[..., None]).transpose(3, 0, 1, 2)
            maps = maps.astype(np.float32)
        return Volume(image, inside, mask, maps, maps=image / 100 - 1)

    return build
