import numpy as np
import pytest

from biasaudit.stats import intervals


@pytest.fixture
def generator():
    return np.random.default_rng(4)


def test_weights_keep_the_size_of_each_group(generator):
    groups = np.array(["x"] * 5 + ["y"] * 3 + ["z"])
    weights = intervals.resample_weights(groups, 50, generator)
    assert weights.shape == (50, 9)
    assert weights.dtype == np.float32
    for name, size in (("x", 5), ("y", 3), ("z", 1)):
        assert (weights[:, groups == name].sum(axis=1) == size).all()
    assert weights[:, :5].std() > 0.5


def test_weights_are_multinomial(generator):
    weights = intervals.resample_weights(np.zeros(10), 20_000, generator)
    np.testing.assert_allclose(weights.mean(axis=0), 1, atol=0.04)
    np.testing.assert_allclose(weights.var(axis=0), 0.9, atol=0.05)


@pytest.mark.parametrize(("groups", "count"), [([], 3), ([0, 1], 0)])
def test_nothing_to_resample_is_an_error(generator, groups, count):
    with pytest.raises(ValueError, match="need subjects and resamples"):
        intervals.resample_weights(groups, count, generator)


def test_blocks_do_not_change_the_number_of_resamples(generator, monkeypatch):
    monkeypatch.setattr(intervals, "CELLS_PER_BLOCK", 64)
    values = np.arange(20.0)
    assert intervals.bootstrap_means(values, np.zeros(20), 101, generator).shape == (101,)
    assert intervals.bootstrap_gap_share(values, values, values > 9, values > 9, 7, generator).shape == (7,)


def test_resamples_without_a_class_are_nan(generator):
    positive = np.array([True, False])
    shares = intervals.bootstrap_gap_share([2.0, 0], [1.0, 0], positive, [0, 0], 200, generator)
    assert np.isnan(shares).any()
    assert np.nanmax(shares) == np.nanmin(shares) == 0.5


def test_gap_share_refuses_other_lengths(generator):
    with pytest.raises(ValueError, match="groups: 3"):
        intervals.bootstrap_gap_share([1.0, 2], [1.0, 2], [True, False], [0, 0, 1], 5, generator)


def test_percentile_interval_is_safe_from_nan():
    interval = intervals.percentile_interval(0.5, [np.nan, *np.linspace(0, 1, 101)], 0.9)
    assert (interval.low, interval.high) == pytest.approx((0.05, 0.95))
    for estimate, distribution in ((np.nan, [0.0, 1.0]), (0.5, [np.nan]), (0.5, [])):
        bounds = intervals.percentile_interval(estimate, distribution, 0.9)
        assert np.isnan([bounds.low, bounds.high]).all()
    with pytest.raises(ValueError, match=r"between 0 and 1, got 95"):
        intervals.percentile_interval(0.5, [0.0], 95)


def test_one_sided_p_is_never_zero_and_nan_speaks_against():
    assert intervals.one_sided_p([1.0] * 9, 0.0) == pytest.approx(0.1)
    assert intervals.one_sided_p([1.0, 1.0, np.nan, 0.0], 0.0) == pytest.approx(3 / 5)


class TestResampled:
    def test_few_subjects_get_students_interval(self, generator):
        """Hesterberg (2015): the percentile interval of a mean of 5 covers as if there were many more."""
        values = np.array([1.0, 2.0, 3.0, 4.0, 6.0])
        draws = intervals.bootstrap_means(values, np.zeros(5), 20_000, generator)
        plain = intervals.Resampled(values.mean(), draws)
        found = plain.expanded(5, 0.95).interval(0.95)
        factor = 2.776445 / 1.959964 * np.sqrt(5 / 4)
        assert found.high - found.low == pytest.approx(factor * np.subtract(*np.quantile(draws, [0.975, 0.025])))

    def test_one_subject_has_no_interval(self):
        found = intervals.Resampled(2.0, np.full(9, 2.0)).expanded(1, 0.95).interval(0.95)
        assert found.estimate == 2.0
        assert np.isnan([found.low, found.high]).all()

    def test_an_estimate_beyond_the_scale_is_taken_to_its_end_with_its_resamples(self):
        found = intervals.Resampled(1.25, np.array([1.125, 1.25, 1.5])).within(0.0, 1.0)
        assert found.estimate == 1.0
        assert found.draws.tolist() == [0.875, 1.0, 1.25]
        inside = intervals.Resampled(0.5, np.array([-0.25, 1.5]))
        assert inside.within(0.0, 1.0).draws.tolist() == inside.draws.tolist()
