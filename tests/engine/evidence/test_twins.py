from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from biasaudit.engine.evidence.subjects import Units
from biasaudit.engine.evidence.twins import Twins
from biasaudit.records import Twin

# Five images of three subjects.
UNITS = Units(np.array([0, 0, 1, 1, 2]), np.array([0, 2, 4]))


def test_the_most_similar_pair_of_images_stands_for_two_subjects_and_none_for_one():
    evidence = SimpleNamespace(twins=(Twin(0, 1, 0.9, 20.0), Twin(0, 4, 0.8, 12.0), Twin(1, 4, 0.9, 14.0)))
    assert Twins().per_subject(evidence, UNITS) == {"twins": (Twin(0, 2, 0.9, 14.0),)}
