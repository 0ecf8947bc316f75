from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from biasaudit.engine.results.pairs import slice_of, suspected_pairs
from biasaudit.records import Finding


def test_pairs_are_those_of_the_check_of_leakage_each_once():
    pairs = [{"subjects": ["a", "b"]}, {"subjects": ["c", "d"]}]
    leakage = Finding("D3", "concern", "two pairs", details={"pairs": pairs})
    other = Finding("D1", "clear", "fine", details={"pairs": [{"subjects": ["x", "y"]}]})
    arm = SimpleNamespace(findings={"site": [leakage, other], "vendor": [leakage]})
    assert suspected_pairs(arm) == [("a", "b"), ("c", "d")]


def test_a_volume_is_cut_in_the_middle_and_a_picture_stays():
    volume = np.zeros((4, 5, 6))
    volume[1, 4, 3] = 1.0
    assert slice_of(volume).shape == (5, 4)
    assert slice_of(volume)[0, 1] == 1.0
    picture = np.arange(6.0).reshape(2, 3)
    assert (slice_of(picture) == picture).all()
