from __future__ import annotations

import numpy as np
import pytest

from biasaudit.engine.results.inputs import channel_names, cut_of, typical_rows
from biasaudit.records import Sample


def sample(label: str, origin: str) -> Sample:
    return Sample("s", (), label, label != "healthy", {"site": origin})


def test_every_class_shows_its_median_and_that_of_another_origin():
    samples = [sample("healthy", "a")] * 5 + [sample("healthy", "b")] * 3 + [sample("ms", "c")] * 3
    scores = {row: float(row) for row in range(11)}
    assert typical_rows(samples, scores, "site") == [4, 6, 9]


def test_rows_without_a_held_out_score_are_not_shown():
    assert typical_rows([sample("healthy", "a"), sample("ms", "a")], {1: 0.5}, "site") == [1]
    assert typical_rows([sample("healthy", "a")], {}, "site") == []


@pytest.mark.parametrize(
    ("shows", "images", "colour", "count", "names"),
    [
        ("tissue", ["T1w"], (), 4, ["grey matter", "white matter", "CSF", "lesions"]),
        ("image", ["t1", "flair"], (), 2, ["t1", "flair"]),
        ("image", ["photo"], (True,), 3, ["red", "green", "blue"]),
        ("image", ["photo", "depth"], (True, False), 4, ["photo red", "photo green", "photo blue", "depth"]),
        ("maps", ["jacobian"], (), 1, ["jacobian"]),
        ("image", [], (), 1, ["input"]),
        ("image", ["photo"], (), 3, ["channel 1", "channel 2", "channel 3"]),
    ],
)
def test_channels_have_the_names_of_what_they_are_made_from(shows, images, colour, count, names):
    assert channel_names(shows, images, colour, count) == names


def test_a_volume_is_cut_in_the_middle_and_a_picture_stays():
    volume = np.zeros((4, 5, 6), dtype=np.float32)
    volume[1, 4, 3] = 1.0
    assert cut_of(volume).shape == (5, 4)
    assert cut_of(volume)[0, 1] == 1.0
    assert (cut_of(np.eye(3)) == np.eye(3)).all()
