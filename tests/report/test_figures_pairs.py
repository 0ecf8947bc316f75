from __future__ import annotations

import numpy as np
import pytest

from biasaudit.report.encoding import pixels
from biasaudit.report.figures_pairs import pairs


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("count", [1, 4])
def test_both_images_of_every_pair_are_drawn(narrow, count):
    dark, bright = np.zeros((8, 6)), np.linspace(0, 1, 48).reshape(8, 6)
    pictures = {f"{place}__{side}": (dark, bright)[side] for place in range(count) for side in range(2)}
    names = [(f"first{place}", f"second{place}", "r = 0.97") for place in range(count)]
    figure = pairs(names, pictures, narrow)
    (canvas,) = figure.axes
    assert len(canvas.images) == 2 * count
    assert [text.get_text() for text in canvas.texts] == [f"{a} and {b}\n{how}" for a, b, how in names]
    drawn = pixels(figure)
    assert np.asarray(drawn).std() > 0
    width, height = figure.get_size_inches()
    assert all(image.get_extent()[0] >= 0 and image.get_extent()[1] <= width for image in canvas.images)
    assert all(image.get_extent()[2] >= 0 and image.get_extent()[3] <= height for image in canvas.images)
