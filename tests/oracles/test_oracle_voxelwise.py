"""Cluster enhancement by thresholds and labelled clusters; max-T by least squares, voxel by voxel and loop by loop."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter, label
from scipy.stats import f as f_distribution
from scipy.stats import norm

from biasaudit.stats.map_columns import region_means
from biasaudit.stats.permutation import permutation_indices
from biasaudit.stats.tfce import enhanced, neighbours
from biasaudit.stats.voxelwise import Places, map_difference_test


def enhancement_by_labels(values, inside):
    """Integrate at every height that occurs, with clusters found anew each time."""
    result = np.zeros(inside.shape)
    for sign in (1, -1):
        volume = np.zeros(inside.shape)
        volume[inside] = np.maximum(sign * values, 0)
        lower = 0.0
        for height in np.unique(volume[volume > 0]):
            clusters, _ = label(volume >= height)
            extent = np.bincount(clusters.ravel())
            extent[0] = 0
            result += sign * np.sqrt(extent[clusters]) * (height**3 - lower**3) / 3
            lower = height
    return result[inside]


@pytest.mark.parametrize("shape", [(7, 8, 6), (13, 9), (40,)])
@pytest.mark.parametrize("kind", ["rough", "smooth", "tied"])
def test_cluster_enhancement(shape, kind):
    generator = np.random.default_rng(len(shape))
    inside = generator.random(shape) < 0.85
    volume = generator.standard_normal(shape)
    if kind == "smooth":
        volume = 5 * gaussian_filter(volume, 1.2)
    values = np.round(volume[inside] * 2) / 2 if kind == "tied" else volume[inside]
    np.testing.assert_allclose(enhanced(values, neighbours(inside)), enhancement_by_labels(values, inside), atol=1e-10)


def test_nilearns_steps_approach_the_integral():
    nilearn = pytest.importorskip("nilearn.mass_univariate._utils")
    generator = np.random.default_rng(2)
    inside = np.ones((10, 11, 12), dtype=bool)
    volume = 12 * gaussian_filter(generator.standard_normal(inside.shape), 1.5)
    structure = np.zeros((3, 3, 3))
    structure[1, 1], structure[1, :, 1], structure[:, 1, 1] = 1, 1, 1
    structure[1] = [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
    step = 0.01
    theirs = nilearn.calculate_tfce(volume[..., None], structure, dh=step)[..., 0]
    theirs *= np.abs(volume).max() / round(np.abs(volume).max() / step)
    ours = enhanced(volume[inside], neighbours(inside))
    np.testing.assert_allclose(ours, theirs[inside], atol=0.01 * np.abs(ours).max())


def statistic_by_least_squares(column, groups, blocks):
    """t of the group, or F of all groups, in a model with one mean per block."""
    means = (blocks[:, None] == np.unique(blocks)).astype(float)
    contrasts = (groups[:, None] == np.unique(groups)[1:]).astype(float)
    full = np.hstack([means, contrasts])

    def residual(design):
        return ((column - design @ np.linalg.lstsq(design, column, rcond=None)[0]) ** 2).sum()

    q, freedom = contrasts.shape[1], column.size - full.shape[1]
    ratio = (residual(means) - residual(full)) / q / (residual(full) / freedom)
    if q > 1:
        return norm.isf(f_distribution.sf(ratio, q, freedom))
    slope = np.linalg.lstsq(full, column, rcond=None)[0][-1]
    return np.sign(slope) * np.sqrt(ratio)


@pytest.mark.parametrize("n_groups", [2, 3])
def test_statistics_and_corrected_p_values(n_groups):
    generator = np.random.default_rng(5)
    n, inside = 30, np.ones((2, 2, 3), dtype=bool)
    groups, blocks = np.arange(n) % n_groups, np.arange(n) // 3 % 2
    groups = groups[permutation_indices(blocks, 1, generator)[0]]
    maps = generator.standard_normal((n, 12)) + blocks[:, None]
    maps[groups == 1, :3] += 0.8
    regions = np.repeat([0, 1, 2], 4)
    places = Places(neighbours(inside), regions)
    result = map_difference_test(maps, groups, blocks, 60, np.random.default_rng(6), places)
    arrangements = [groups, *groups[permutation_indices(blocks, 60, np.random.default_rng(6))]]

    def by_loops(columns):
        return np.array([[statistic_by_least_squares(c, g, blocks) for c in columns.T] for g in arrangements])

    voxels, means = by_loops(maps), by_loops(region_means(maps, regions))
    tolerance = {"rtol": 1e-4} if n_groups == 2 else {"atol": 0.03}  # Paulson's approximation
    if n_groups > 2:
        voxels, means = np.maximum(voxels, 0), np.maximum(means, 0)
    np.testing.assert_allclose(result.families["voxels"].statistic, voxels[0], **tolerance)
    np.testing.assert_allclose(result.families["regions"].statistic, means[0], **tolerance)
    for name, table in (("voxels", voxels), ("regions", means)):
        expected = (np.abs(table).max(axis=1)[:, None] >= np.abs(table[0]) * (1 - 1e-9)).mean(axis=0)
        np.testing.assert_allclose(result.families[name].p_value, expected)
    if n_groups == 2:
        clusters = np.abs([enhancement_by_labels(row, inside) for row in voxels])
        expected = (clusters.max(axis=1)[:, None] >= clusters[0] * (1 - 1e-9)).mean(axis=0)
        np.testing.assert_allclose(result.families["tfce"].p_value, expected)
