from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from biasaudit.cohort.images.template import mni_grid
from biasaudit.cohort.simulation.phantom import anatomy, render, sites
from biasaudit.protocol import PhantomSettings
from biasaudit.records import Grid, Volume


@pytest.fixture(scope="session")
def fine_grid() -> Grid:
    return mni_grid(4.0)


@pytest.fixture(scope="session")
def phantom(fine_grid) -> Callable[..., tuple[Volume, Volume]]:
    """One simulated patient at 4 mm with and without the lesions."""

    def build(index: int = 1, **settings) -> tuple[Volume, Volume]:
        own = PhantomSettings.model_validate({"lesion_load": 2.0, **settings})
        subject = anatomy(own, index, 45.0, fine_grid, True)
        sick, healthy = (render(own, subject, sites(own)[0], fine_grid, pathology=p) for p in (True, False))
        return sick, healthy

    return build


@pytest.fixture(scope="session")
def patient(phantom) -> tuple[Volume, Volume]:
    return phantom()


@pytest.fixture
def random_volume() -> Callable[..., Volume]:
    """A box of noise in a field that is empty unless a background is asked for."""

    def build(background: float = 0.0, channels: int = 2) -> Volume:
        chance = np.random.default_rng(0)
        inside = np.zeros((12, 13, 14), dtype=bool)
        inside[2:10, 2:11, 2:12] = True
        mask = np.zeros_like(inside)
        mask[4:7, 5:8, 5:8] = True
        image = chance.normal(50.0, 5.0, (channels, *inside.shape)).astype(np.float32)
        image *= np.where(inside, 1.0, background).astype(np.float32)
        return Volume(image, inside, mask)

    return build
