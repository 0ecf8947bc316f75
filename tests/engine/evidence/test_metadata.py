from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from biasaudit.engine.evidence.metadata import Metadata
from biasaudit.engine.evidence.subjects import Units

# Five images of three subjects.
UNITS = Units(np.array([0, 0, 1, 1, 2]), np.array([0, 2, 4]))


def test_a_subject_has_the_fields_of_its_first_image():
    evidence = SimpleNamespace(metadata={"header: x": np.array(list("abcde"), dtype=object)})
    assert Metadata().per_subject(evidence, UNITS)["metadata"]["header: x"].tolist() == ["a", "c", "e"]
