import numpy as np

from biasaudit.stats.distribution import N_QUANTILES, quantiles_of


def test_quantiles_are_those_of_the_draws():
    draws = np.random.default_rng(0).normal(size=2001)
    found = quantiles_of(draws, 3.14159265, "permutations")
    assert (found["observed"], found["from"]) == (3.1416, "permutations")
    assert len(found["quantiles"]) == N_QUANTILES
    assert found["quantiles"] == sorted(found["quantiles"])
    np.testing.assert_allclose(found["quantiles"][20], np.median(draws), rtol=1e-4)
    np.testing.assert_allclose(found["quantiles"][0], draws.min(), rtol=1e-4)
    np.testing.assert_allclose(found["quantiles"][1], np.quantile(draws, 0.025), rtol=1e-4)


def test_draws_that_are_not_finite_do_not_count():
    assert quantiles_of([np.nan, 2.0, np.inf], 1.0, "resamples")["quantiles"] == [2.0] * N_QUANTILES
    assert quantiles_of([np.nan], 1.0, "resamples")["quantiles"] == []
