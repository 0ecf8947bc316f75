import time

import numpy as np
import pytest

from biasaudit.stats.twins import PRIOR, outlying_pairs, similarities


def draw(n=60, voxels=400, origins=3, signature=0.0, seed=0):
    chance = np.random.default_rng(seed)
    origin = np.arange(n) % origins
    anatomy = chance.normal(size=(n, voxels))
    return anatomy + signature * chance.normal(size=(origins, voxels))[origin], origin, chance


def test_the_same_image_twice():
    images, origin, _ = draw()
    images[7] = images[3]
    similarity = similarities(images, origin)
    assert outlying_pairs(similarity, 7, 0.5).tolist() == [[3, 7]]
    assert similarity.correlations([[3, 7]])[0] > 0.9


@pytest.mark.parametrize("signature", [0.0, 3.0])
def test_a_subject_scanned_again_elsewhere(signature):
    images, origin, chance = draw(signature=signature)
    other = 1 - origin[0]
    shared = images[origin == other].mean(0) - images[origin == origin[0]].mean(0)
    images = np.vstack([images, images[0] + shared + 0.4 * chance.normal(size=images.shape[1])])
    pairs = outlying_pairs(similarities(images, np.append(origin, other)), 7, 0.5)
    assert pairs.tolist() == [[0, 60]]


@pytest.mark.parametrize("signature", [0.0, 3.0])
def test_different_subjects_are_not_paired_by_their_origin(signature):
    for seed in range(10):
        images, origin, _ = draw(signature=signature, seed=seed)
        assert outlying_pairs(similarities(images, origin), 7, 0.5).size == 0


def test_too_few_images_know_no_usual_similarity():
    images, origin, _ = draw(n=7)
    images[1] = images[0]
    similarity = similarities(images, origin)
    assert not similarity.heights([[0, 1], [2, 3]]).any()
    assert outlying_pairs(similarity, -1, 0.5).size == 0


@pytest.mark.parametrize("n", [9, 40, 700])
def test_blocks_are_one_matrix(n):
    images, origin, _ = draw(n=n, voxels=50)
    images[n - 1] = images[2]
    own = images - images.mean(0)
    for name in range(3):
        rows = origin == name
        own[rows] -= own[rows].mean(0) * rows.sum() / (rows.sum() + PRIOR)
    whole = np.corrcoef(own)
    pairs = np.argwhere(np.triu(np.ones((n, n), dtype=bool), 1))
    found = similarities(iter(images), origin)
    np.testing.assert_allclose(found.correlations(pairs), whole[tuple(pairs.T)], atol=1e-12)
    np.fill_diagonal(whole, np.nan)
    low, middle, high = np.nanpercentile(np.arctanh(np.clip(whole, -1 + 1e-12, 1 - 1e-12)), (25, 50, 75))
    usual = (np.arctanh(np.clip(whole[tuple(pairs.T)], -1 + 1e-12, 1 - 1e-12)) - middle) / ((high - low) / 1.3489795)
    np.testing.assert_allclose(found.heights(pairs), usual, rtol=1e-6, atol=1e-6)
    assert sorted(outlying_pairs(found, 2.5, -1).tolist()) == pairs[usual > 2.5].tolist()


def test_constant_images():
    similarity = similarities(np.ones((10, 30)), np.zeros(10))
    assert outlying_pairs(similarity, 7, 0.5).size == 0


def test_a_thousand_images_in_seconds():
    images, origin, _ = draw(n=1000, voxels=4000)
    images[999] = images[0]
    started = time.perf_counter()
    assert outlying_pairs(similarities(images, origin), 7, 0.5).tolist() == [[0, 999]]
    assert time.perf_counter() - started < 5
