import time

import numpy as np
import pytest

from biasaudit.stats.twins import outlying_pairs, similarities


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
    assert similarity.correlation[3, 7] > 0.9
    assert np.isnan(np.diag(similarity.correlation)).all()


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
    assert not similarities(images, origin).height.any()


def test_constant_images():
    similarity = similarities(np.ones((10, 30)), np.zeros(10))
    assert outlying_pairs(similarity, 7, 0.5).size == 0


def test_a_thousand_images_in_seconds():
    images, origin, _ = draw(n=1000, voxels=4000)
    images[999] = images[0]
    started = time.perf_counter()
    assert outlying_pairs(similarities(images, origin), 7, 0.5).tolist() == [[0, 999]]
    assert time.perf_counter() - started < 5
