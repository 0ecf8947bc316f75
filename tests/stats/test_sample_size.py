import numpy as np
import pytest
from scipy.special import ndtri
from scipy.stats import rankdata

from biasaudit.stats.sample_size import equivalence_cell_size, feasible


@pytest.mark.parametrize("power", [0.6, 0.8, 0.9])
def test_two_one_sided_tests_of_that_many_subjects_have_the_power(power):
    delta, alpha = 0.10, 0.05
    m = equivalence_cell_size(delta, alpha, power)
    chance = np.random.default_rng(1)
    ranks = rankdata(chance.random((4000, 2, 2 * m)), axis=2)[:, :, :m].sum(axis=2)
    area = (ranks - m * (m + 1) / 2) / m**2
    error = np.sqrt((2 * m + 1) / (12 * m**2) / 2)
    equivalent = np.abs(area.mean(axis=1) - 0.5) + ndtri(1 - alpha) * error < delta
    assert equivalent.mean() == pytest.approx(power, abs=0.03)


def test_half_the_margin_takes_four_times_as_many():
    assert equivalence_cell_size(0.05) == pytest.approx(4 * equivalence_cell_size(0.10), abs=4)


def test_a_number_that_nobody_could_collect_is_none():
    assert feasible(71.2) == 72
    assert feasible(1e6) == 1_000_000
    assert feasible(1e30) is None
