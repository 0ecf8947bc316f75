"""Size and power of the map difference test, and what goes wrong without both precautions."""

import numpy as np
import pytest
from calibration.simulation import class_maps, origin_maps, plausible_rates, rejection_rate

from biasaudit.stats.map_columns import equal_gain
from biasaudit.stats.strata import joint_codes
from biasaudit.stats.tfce import neighbours
from biasaudit.stats.voxelwise import Places, map_difference_test

SHAPE = (8, 8, 8)
INSIDE = np.ones(SHAPE, dtype=bool)
REGIONS = 1 + (np.indices(SHAPE) // 4 * np.array([1, 2, 4])[:, None, None, None]).sum(axis=0).ravel()
PLACES = Places(neighbours(INSIDE), REGIONS)


def origins_inside_class(n_runs, focus=0.0, n_permutations=99, places=PLACES):
    """Corrected p-values (runs, families and all together) of comparing origins inside a class."""
    generator, results = np.random.default_rng(300), []
    for _ in range(n_runs):
        maps, origin, fold = origin_maps(40, SHAPE, focus, generator)
        scaled = equal_gain(maps, fold, fold)
        results.append(p_values(map_difference_test(scaled, origin, fold, n_permutations, generator, places)))
    return np.array(results)


def classes_inside_origins(n_runs, n_permutations=99, places=PLACES):
    generator, results = np.random.default_rng(301), []
    for _ in range(n_runs):
        maps, label, origin = class_maps(60, SHAPE, generator)
        results.append(p_values(map_difference_test(maps, label, origin, n_permutations, generator, places)))
    return np.array(results)


def p_values(result):
    return [*(family.p_value.min() for family in result.families.values()), result.p_value]


def assert_size(results):
    low, high = plausible_rates(0.05, len(results))
    rates = (results <= 0.05).mean(axis=0)
    assert ((low <= rates) & (rates <= high)).all(), rates


def test_size_of_origins_inside_a_class():
    assert_size(origins_inside_class(300, places=Places(regions=REGIONS)))


def test_size_of_classes_inside_origins():
    assert_size(classes_inside_origins(300, places=Places(regions=REGIONS)))


def test_size_of_cluster_enhancement():
    assert_size(classes_inside_origins(100, n_permutations=39, places=Places(neighbours(INSIDE))))


@pytest.mark.slow
@pytest.mark.parametrize("simulate", [origins_inside_class, classes_inside_origins])
def test_documented_size(simulate):
    assert_size(simulate(1000))


def test_a_focal_difference_is_found():
    """The focus fills an eighth of its region, whose mean hides it."""
    voxels, _, enhanced, together = (origins_inside_class(30, focus=2.0, n_permutations=59) <= 0.05).mean(axis=0)
    assert min(voxels, enhanced, together) >= 0.8


def test_without_the_origin_held_fixed_classes_seem_to_differ():
    """Classes are unequally spread over origins: permuting freely takes the origin's signature for the disease."""
    generator, results = np.random.default_rng(302), []
    for _ in range(60):
        maps, label, origin = class_maps(60, SHAPE, generator)
        free = map_difference_test(maps, label, np.zeros(60), 59, generator)
        fixed = map_difference_test(maps, label, joint_codes(origin), 59, generator)
        results.append([free.p_value, fixed.p_value])
    free_rate, fixed_rate = (np.array(results) <= 0.05).mean(axis=0)
    assert free_rate > 0.5
    assert fixed_rate <= plausible_rates(0.05, 60)[1]


def test_power_does_not_hang_on_the_loudest_fold():
    generator, rates = np.random.default_rng(303), []
    for _ in range(40):
        maps, origin, fold = origin_maps(40, SHAPE, 1.3, generator)
        raw = map_difference_test(maps, origin, fold, 59, generator).p_value
        rates.append([raw, map_difference_test(equal_gain(maps, fold, fold), origin, fold, 59, generator).p_value])
    raw_rate, scaled_rate = (rejection_rate(p) for p in np.transpose(rates))
    assert scaled_rate > raw_rate
