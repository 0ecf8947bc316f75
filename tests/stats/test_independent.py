"""The AUC with class and origin independent: what the origin gives is taken away, what the disease gives is left."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.special import ndtr

from biasaudit.stats.effects import auc
from biasaudit.stats.independent import Scored, auc_inside_origins, independent_auc, shared_origins
from biasaudit.stats.pair_auc import folds_overlap

CELLS = {"a": (45, 8), "b": (8, 45)}


def cohort(gap, signature, seed=1, cells=CELLS):
    """Patients are mostly of a, whose images score higher by `signature`."""
    generator = np.random.default_rng(seed)
    positive = np.concatenate([np.repeat([True, False], cell) for cell in cells.values()])
    origin = np.concatenate([np.repeat(name, sum(cell)) for name, cell in cells.items()])
    fold = np.arange(positive.size) % 3
    noise = generator.normal(size=positive.size) + 5 * generator.normal(size=3)[fold]
    return Scored(gap * positive + signature * (origin == "a") + noise, positive, origin, fold)


def test_shares_are_overlap_weights():
    positive = np.repeat([True, False], [30, 30])
    origin = np.array(["a"] * 20 + ["b"] * 10 + ["a"] * 5 + ["b"] * 20 + ["c"] * 5)
    assert shared_origins(positive, origin) == pytest.approx({"a": 4 / (4 + 20 / 3), "b": (20 / 3) / (4 + 20 / 3)})
    assert shared_origins(positive, origin, fewest=6) == {"b": 1.0}
    assert shared_origins(positive, np.where(positive, "a", "b")) == {}


def test_balanced_cells_of_one_network_are_the_plain_auc():
    made = cohort(1.0, 1.0, cells={"a": (20, 20), "b": (20, 20)})
    single = Scored(made.scores, made.positive, made.origin, np.zeros(80))
    found = independent_auc(single, shared_origins(single.positive, single.origin))
    assert found.estimate == pytest.approx(auc(made.scores, made.positive), abs=0.003)


def test_a_network_that_reads_the_origin_is_left_with_nothing():
    made = cohort(0.0, 8.0)
    shares = shared_origins(made.positive, made.origin)
    assert independent_auc(made, shares).estimate == pytest.approx(0.5, abs=0.06)
    assert auc_inside_origins(made, shares).estimate == pytest.approx(0.5, abs=0.12)


def test_several_scores_of_one_subject_are_one_subject():
    made = cohort(1.0, 0.0)
    shares = shared_origins(made.positive, made.origin)
    twice = Scored(
        np.tile(made.scores, 2),
        np.tile(made.positive, 2),
        np.tile(made.origin, 2),
        np.concatenate([made.fold, made.fold + 3]),
        np.tile(np.arange(made.scores.size), 2),
    )
    once, doubled = independent_auc(made, shares), independent_auc(twice, shares)
    assert doubled.estimate == pytest.approx(once.estimate)
    np.testing.assert_allclose(doubled.influence, once.influence)


def test_nothing_shared_no_area():
    made = cohort(1.0, 0.0)
    assert np.isnan(independent_auc(made, {}).estimate)
    assert np.isnan(auc_inside_origins(made, {}).estimate)


@pytest.mark.parametrize(("gap", "signature"), [(1.5, 0.0), (1.5, 1.5), (3.0, 1.0)])
def test_interval_covers_where_class_and_origin_go_together(gap, signature):
    hits, inside = [], []
    truth = np.mean([ndtr((gap + shift) / np.sqrt(2)) for shift in (0, 0, signature, -signature)])
    for seed in range(200):
        made = cohort(gap, signature, seed)
        shares = shared_origins(made.positive, made.origin)
        found = independent_auc(made, shares).interval(0.9, folds_overlap(made.fold))
        own = auc_inside_origins(made, shares).interval(0.9, folds_overlap(made.fold))
        hits.append(found.low <= truth <= found.high)
        inside.append(own.low <= ndtr(gap / np.sqrt(2)) <= own.high)
    assert np.mean(hits) >= 0.85
    assert np.mean(inside) >= 0.85
