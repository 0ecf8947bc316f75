from __future__ import annotations

import numpy as np
import pytest

from biasaudit.stats.answer_key import AnswerKey, Cell, answer_key

LABEL = np.array(["hc", "hc", "ms", "ms"] * 10)
ORIGIN = np.array(["a", "b"] * 20)
NOISE = np.random.default_rng(0).normal(0, 0.1, 40)


def key(scores, rows=slice(None)) -> AnswerKey:
    return answer_key(scores[rows], LABEL[rows] == "ms", LABEL[rows], ORIGIN[rows])


def test_scores_of_the_disease():
    found = key((LABEL == "ms") + NOISE)
    assert (found.overall, found.inside_origin) == (1.0, 1.0)
    assert found.inside_class < 0.75


def test_scores_of_the_source():
    """Trained where each class has its own source, a network may know the source alone; on all four cells it shows."""
    found = key((ORIGIN == "b") + NOISE)
    assert found.inside_class == 1.0
    assert abs(found.inside_origin - 0.5) < 0.25
    assert key((ORIGIN == "a") + NOISE).inside_class == 1.0  # whichever way round


def test_cells_hold_means_and_numbers():
    found = key(2.0 * (LABEL == "ms") + (ORIGIN == "b"))
    assert found.cells == (
        Cell("hc", "a", 10, 0.0), Cell("hc", "b", 10, 1.0), Cell("ms", "a", 10, 2.0), Cell("ms", "b", 10, 3.0)
    )  # fmt: skip


def test_what_cannot_be_compared_is_not_given():
    aliased = (LABEL == "ms") == (ORIGIN == "b")
    found = key(NOISE, aliased)
    assert np.isfinite(found.overall)
    assert np.isnan([found.inside_origin, found.inside_class]).all()
    assert np.isnan(key(NOISE, LABEL == "ms").overall)


def test_origins_are_weighed_by_their_pairs():
    scores = np.array([0.0, 1.0, 0.0, 1.0, *[1.0, 0.0] * 6])
    label = np.array(["hc", "ms"] * 8)
    origin = np.array(["a"] * 4 + ["b"] * 12)
    found = answer_key(scores, label == "ms", label, origin)
    assert found.inside_origin == pytest.approx(4 / (4 + 36))
