"""What is known of the data themselves, in one row per subject."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from biasaudit.engine.evidence.data import data_per_unit

from biasaudit.records import Twin


@pytest.fixture
def planted_units():
    evidence = SimpleNamespace(
        quality={"snr": np.array([1.0, 2.0, np.nan, 4.0, 5.0])},
        metadata={"header: x": np.array(list("abcde"), dtype=object)},
        twins=(Twin(0, 1, 0.9, 20.0), Twin(0, 4, 0.8, 12.0), Twin(1, 4, 0.9, 14.0)),
    )
    return evidence, np.array([0, 0, 1, 1, 2]), np.array([0, 2, 4])


def test_images_of_one_unit_become_one_row(planted_units):
    evidence, unit_of, first = planted_units
    fields = data_per_unit(evidence, unit_of, first)
    np.testing.assert_allclose(fields["quality"]["snr"], [1.5, 4.0, 5.0])
    assert fields["metadata"]["header: x"].tolist() == ["a", "c", "e"]
    assert fields["twins"] == (Twin(0, 2, 0.9, 14.0),)
