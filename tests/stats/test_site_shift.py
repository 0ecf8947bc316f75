import numpy as np
import pytest

from biasaudit.stats.site_shift import site_shifts


def drawn(generator, counts, effects, spread=1.0):
    """Scores of class 0 and 1 at sites with these counts (site x class) and shifts."""
    sites, classes = np.indices(counts.shape)
    site, label = np.repeat(sites.ravel(), counts.ravel()), np.repeat(classes.ravel(), counts.ravel())
    scores = 3.0 * label + effects[site] + spread * generator.normal(size=site.size)
    return scores, label, site


def test_two_sites_of_one_class_are_the_t_interval_of_their_difference():
    scores = np.array([0.0, 1.0, 2.0, 5.0, 7.0])
    sites = np.array(["a", "a", "a", "b", "b"])
    found = site_shifts(scores, np.zeros(5), sites, 0.95)
    assert found.sites == ("a", "b")
    np.testing.assert_allclose(found.estimate, [-5.0, 5.0])
    # Pooled variance (2 + 2) / 3 with three degrees of freedom, t = 3.182446.
    half = 3.182446305284263 * np.sqrt(4 / 3 * (1 / 3 + 1 / 2))
    np.testing.assert_allclose(found.high - found.estimate, half)
    np.testing.assert_allclose(found.n, [3, 2])


def test_classes_are_compared_inside_themselves():
    generator = np.random.default_rng(0)
    counts = np.array([[30, 2], [2, 30], [10, 10]])  # the class goes with the site
    scores, label, site = drawn(generator, counts, np.zeros(3), spread=1e-6)
    found = site_shifts(scores, label, site, 0.95)
    np.testing.assert_allclose(found.estimate, 0.0, atol=1e-5)


def test_a_site_without_another_in_its_class_is_left_out():
    found = site_shifts([1.0, 2.0, 3.0, 4.0], ["x", "x", "y", "y"], ["a", "b", "c", "c"], 0.9)
    assert found.sites == ("a", "b")
    assert np.isfinite(found.low).all()  # the variance comes from c


def test_nothing_to_estimate_a_variance_from():
    found = site_shifts([1.0, 2.0], ["x", "x"], ["a", "b"], 0.9)
    np.testing.assert_allclose(found.estimate, [-1.0, 1.0])
    assert np.isnan(found.low).all()
    assert site_shifts([], [], [], 0.9).sites == ()


def test_a_score_that_is_nan_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        site_shifts([np.nan, 1.0], ["x", "x"], ["a", "b"], 0.9)


@pytest.mark.parametrize("level", [0.8, 0.95])
def test_intervals_cover_as_often_as_they_say(level):
    generator = np.random.default_rng(7)
    counts = generator.integers(1, 9, size=(12, 2))
    counts[3] = [5, 0]
    effects = generator.normal(size=12)
    # The same formula on the means without noise is what an interval should hold.
    truth = site_shifts(*drawn(generator, counts, effects, spread=0.0), level)
    expected = dict(zip(truth.sites, truth.estimate, strict=True))
    covered = []
    for _ in range(400):
        found = site_shifts(*drawn(generator, counts, effects), level)
        for name, low, high in zip(found.sites, found.low, found.high, strict=True):
            covered.append(low <= expected[name] <= high)
    assert np.mean(covered) == pytest.approx(level, abs=0.02)
