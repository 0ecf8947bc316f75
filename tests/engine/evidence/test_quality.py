from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from biasaudit.engine.evidence.quality import Quality
from biasaudit.engine.evidence.subjects import Units

# Five images of three subjects.
UNITS = Units(np.array([0, 0, 1, 1, 2]), np.array([0, 2, 4]))


def test_a_subject_has_the_mean_of_what_is_known_of_its_images():
    evidence = SimpleNamespace(quality={"snr": np.array([1.0, 2.0, np.nan, 4.0, 5.0])})
    np.testing.assert_allclose(Quality().per_subject(evidence, UNITS)["quality"]["snr"], [1.5, 4.0, 5.0])
