from __future__ import annotations

import numpy as np
import pytest

from biasaudit.records import Grid, Volume
from biasaudit.representations.harmonised import HarmonisedRepresentation, match_landmarks

GRID = Grid((12, 12, 12))


def volume(seed: int = 0) -> Volume:
    chance = np.random.default_rng(seed)
    inside = np.zeros(GRID.shape, dtype=bool)
    inside[2:10, 2:10, 2:10] = True
    image = (chance.gamma(4.0, 1.0, GRID.shape) * inside).astype(np.float32)
    return Volume(image[None], inside, np.zeros(GRID.shape, dtype=bool))


def harmonised(own: Volume) -> np.ndarray:
    return HarmonisedRepresentation().transform(own, None, GRID)


class TestMatchLandmarks:
    def test_the_landmarks_lie_on_the_scale(self):
        own = volume()
        values = match_landmarks(own.image[0], own.foreground)[own.foreground]
        np.testing.assert_allclose(np.quantile(values, [0.1, 0.5, 0.9]), [-1.2816, 0.0, 1.2816], atol=0.02)

    @pytest.mark.parametrize("bend", [lambda x: 3 * x + 0.5, lambda x: x**1.4, np.sqrt], ids=["scale", "gamma", "root"])
    def test_monotonic_signatures_all_but_vanish(self, bend):
        own = volume()
        bent = Volume((bend(own.image) * own.foreground).astype(np.float32), own.foreground, own.mask)
        middle = np.abs(harmonised(own)) < 1.28
        assert np.abs(harmonised(own) - harmonised(bent))[middle].max() < 0.1

    def test_brighter_voxels_stay_brighter(self):
        own = volume()
        values, moved = own.image[0][own.foreground], harmonised(own)[0][own.foreground]
        assert (np.diff(moved[np.argsort(values)]) >= 0).all()

    def test_a_lesion_beyond_the_last_landmark_still_stands_out(self):
        own = volume()
        bright = own.image.copy()
        bright[0, 5, 5, 5] = 2 * own.image.max()
        lesion = harmonised(Volume(bright, own.foreground, own.mask))[0, 5, 5, 5]
        assert lesion > harmonised(own).max() + 1

    def test_what_is_empty_stays_empty(self):
        own = volume()
        assert (harmonised(own)[0][~own.foreground] == 0).all()

    @pytest.mark.parametrize("image", [np.zeros(GRID.shape), np.ones(GRID.shape)], ids=["nothing", "constant"])
    def test_an_image_without_contrast_becomes_0(self, image):
        inside = np.ones(GRID.shape, dtype=bool)
        assert (match_landmarks(image.astype(np.float32), inside) == 0).all()

    def test_two_intensities_only(self):
        image = np.zeros(GRID.shape, dtype=np.float32)
        image[:6] = 1.0
        moved = match_landmarks(image, np.ones(GRID.shape, dtype=bool))
        assert np.isfinite(moved).all()
        assert moved[0, 0, 0] > moved[-1, 0, 0]
