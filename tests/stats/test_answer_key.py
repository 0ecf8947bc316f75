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


def drawn(rng, origins, per_cell, effect):
    """Scores that know the class and no origin."""
    label = np.array((["hc"] * per_cell + ["ms"] * per_cell) * origins)
    origin = np.repeat([f"o{k}" for k in range(origins)], 2 * per_cell)
    return answer_key(rng.standard_normal(len(label)) + effect * (label == "ms"), label == "ms", label, origin)


@pytest.mark.parametrize(("origins", "per_cell", "effect"), [(6, 4, 1.47), (2, 5, 0.0)])
def test_without_an_effect_of_the_origin_none_is_found(origins, per_cell, effect):
    rng = np.random.default_rng(1)
    found = [drawn(rng, origins, per_cell, effect) for _ in range(60)]
    assert np.mean([key.origin_over_class[0] > 0 for key in found]) <= 0.05
    assert np.median([key.inside_class for key in found]) < 0.55


def test_a_known_effect_of_the_origin_is_estimated():
    """Two origins that a score parts by an AUC of .76 (one standard deviation)."""
    rng = np.random.default_rng(2)
    scores = rng.standard_normal(2000) + np.tile([0.0, 1.0], 1000)
    label, origin = np.repeat(["hc", "ms"], 1000), np.tile(["a", "b"], 1000)
    found = answer_key(scores, label == "ms", label, origin)
    assert found.inside_class == pytest.approx(0.76, abs=0.03)
    assert found.origin_over_class[0] > 0


def test_origins_are_compared_with_all_others_and_not_by_the_two_furthest_apart():
    scores = np.concatenate([np.full(20, 5.0) if k == 0 else np.arange(20.0) / 10 for k in range(5)])
    origin = np.repeat([f"o{k}" for k in range(5)], 20)
    label = np.tile(["hc", "ms"], 50)
    found = answer_key(scores, label == "ms", label, origin)
    assert found.inside_class == pytest.approx(0.5 + np.sqrt(0.25 * 4 / 10), abs=0.02)
