"""Signatures planted in smooth images are measured, carried over, and lesions stay where they are."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from biasaudit.edits.transfer import MOST_SUBJECTS, Difference, Signature, difference, impose, signature, traits
from biasaudit.records import Volume

SHAPE = (20, 24, 20)
COUNT = 24


def anatomy(index: int, shape=SHAPE) -> np.ndarray:
    chance = np.random.default_rng(index)
    common = ndimage.gaussian_filter(np.random.default_rng(99).normal(size=shape), 0.9)
    own = ndimage.gaussian_filter(chance.normal(size=shape), 0.9)
    image = common / common.std() + 0.3 * own / own.std()
    return 1.0 + 0.25 * image


def volume(image: np.ndarray) -> Volume:
    axes = np.meshgrid(*(np.linspace(-1, 1, n) for n in image.shape), indexing="ij")
    inside = sum(axis**2 for axis in axes) < 0.85
    return Volume((image * inside)[None].astype(np.float32), inside, np.zeros(image.shape, dtype=bool))


def acquire(image: np.ndarray, index: int, kind: str) -> np.ndarray:
    chance = np.random.default_rng(1000 + index)
    ramp = np.linspace(-1, 1, image.shape[0]).reshape(-1, *[1] * (image.ndim - 1))
    if kind == "contrast":
        image = image + 1.5 * np.clip(image - 1, 0, None)
    if kind == "blur":
        image = ndimage.gaussian_filter(image, 1.0)
    if kind == "field":
        image = image * np.exp(0.3 * ramp)
    sd = 0.12 if kind == "noise" else 0.03
    return image + chance.normal(0, sd, image.shape)


def sides(kind: str, shape=SHAPE):
    """Return `COUNT` subjects at a plain site, and other subjects at the site with the signature."""
    plain = [volume(acquire(anatomy(k, shape), k, "none")) for k in range(COUNT)]
    other = [volume(acquire(anatomy(100 + k, shape), 100 + k, kind)) for k in range(COUNT)]
    return plain, other


def measured(volumes) -> Signature:
    return signature(iter(volumes), [traits(v) for v in volumes])


def edited(kind: str, shape=SHAPE):
    plain, other = sides(kind, shape)
    change = difference(measured(plain), measured(other))
    made = [impose(v, traits(v), change, np.random.default_rng(k)) for k, v in enumerate(plain)]
    wanted = [volume(acquire(anatomy(k, shape), k, kind)) for k in range(COUNT)]
    return plain, made, wanted


def apart(first, second, sigma: float) -> float:
    """RMS difference of standardised images at a scale, inside."""
    total = []
    for a, b in zip(first, second, strict=True):
        inside = ndimage.binary_erosion(a.foreground & b.foreground, iterations=2)
        pair = [ndimage.gaussian_filter(v.image[0], sigma) if sigma else v.image[0] for v in (a, b)]
        pair = [(p - p[inside].mean()) / p[inside].std() for p in pair]
        total.append(float(np.mean((pair[0] - pair[1])[inside] ** 2)))
    return float(np.sqrt(np.mean(total)))


def tones(volumes, plain) -> np.ndarray:
    """Intensity in units of its mean where the original's is in each of ten equal bins, mean over the subjects."""
    found = []
    for v, own in zip(volumes, plain, strict=True):
        inside = ndimage.binary_erosion(v.foreground & own.foreground, iterations=2)
        order = np.argsort(own.image[0][inside])
        values = v.image[0][inside] / v.image[0][inside].mean()
        found.append([float(values[part].mean()) for part in np.array_split(order, 10)])
    return np.mean(found, axis=0)


def roughness(volumes) -> float:
    """RMS step along the first axis of the mean image, in its SDs: the noise averages away."""
    mean = np.mean([v.image[0] for v in volumes], axis=0)
    inside = ndimage.binary_erosion(np.all([v.foreground for v in volumes], axis=0), iterations=2)
    steps = np.diff(mean, axis=0)[inside[1:] & inside[:-1]]
    return float(np.sqrt(np.mean(steps**2)) / mean[inside].std())


def test_contrast_is_carried_over():
    plain, made, wanted = edited("contrast")
    before, after, aim = (tones(volumes, plain) for volumes in (plain, made, wanted))
    assert np.abs(before - aim).max() > 0.3
    np.testing.assert_allclose(after, aim, atol=0.07)


def test_blur_is_carried_over():
    plain, made, wanted = edited("blur")
    before, after, aim = (roughness(volumes) for volumes in (plain, made, wanted))
    assert before > 1.2 * aim
    assert after == pytest.approx(aim, rel=0.05)
    assert apart(made, wanted, 0.7) < 0.5 * apart(plain, wanted, 0.7)


def test_field_is_carried_over():
    plain, made, wanted = edited("field")
    assert apart(made, wanted, 0.7) < 0.3 * apart(plain, wanted, 0.7)


def test_imposing_is_deterministic_and_leaves_the_input_alone():
    plain, other = sides("noise")
    change = difference(measured(plain), measured(other))
    source = plain[0]
    image, foreground = source.image.copy(), source.foreground.copy()
    first, again, another = (impose(source, traits(source), change, np.random.default_rng(seed)) for seed in (3, 3, 4))
    np.testing.assert_array_equal(source.image, image)
    np.testing.assert_array_equal(source.foreground, foreground)
    np.testing.assert_array_equal(first.image, again.image)
    assert (first.image != another.image).any()  # the chance is that of the added noise alone
    assert first.image.dtype == np.float32
    assert first.tissue is None


def test_quantiles_are_those_of_the_subjects_that_cover_a_voxel():
    chance = np.random.default_rng(2)
    volumes = []
    for _ in range(31):
        inside = chance.random((6, 7)) < 0.8
        volumes.append(Volume(chance.normal(5.0, 1.0, (1, 6, 7)).astype(np.float32), inside, np.zeros((6, 7), bool)))
    found = measured(volumes)
    for place in [(0, 0), (3, 2), (5, 6)]:
        values = [v.image[0][place] / np.median(v.image[0][v.foreground]) for v in volumes if v.foreground[place]]
        ranks = [round(q * (len(values) - 1)) for q in (0.1, 0.5, 0.9)]
        np.testing.assert_allclose(found.quantiles[:, 0, *place], np.sort(values)[ranks], rtol=2e-3)
        assert found.coverage[place] == pytest.approx(len(values) / 31)


def test_memory_is_bounded_by_a_sample_of_the_subjects():
    blank = np.zeros((4, 4), dtype=bool)
    volumes = [Volume(np.full((1, 4, 4), 1.0 + k, np.float32), ~blank, blank) for k in range(3 * MOST_SUBJECTS)]
    found = signature(iter(volumes), [traits(v) for v in volumes])
    np.testing.assert_allclose(found.quantiles, 1.0, rtol=1e-3)


def test_pictures_too():
    plain, made, wanted = edited("field", (48, 40))
    assert apart(made, wanted, 1.0) < 0.5 * apart(plain, wanted, 1.0)


def test_noise_goes_both_ways():
    plain, noisy = sides("noise")
    signatures = [measured(side) for side in (plain, noisy)]
    louder = difference(*signatures)
    quieter = difference(*signatures[::-1])
    assert louder.noise[0] > 0.3

    def level(volumes):
        return float(np.mean([traits(v).noise for v in volumes]))

    up = [impose(v, traits(v), louder, np.random.default_rng(0)) for v in plain]
    down = [impose(v, traits(v), quieter, np.random.default_rng(0)) for v in noisy]
    assert level(up) == pytest.approx(level(noisy), abs=0.15)
    assert level(down) == pytest.approx(level(plain), abs=0.25)


def test_the_foreground_takes_the_other_size():
    plain, _ = sides("none")
    small = []
    for v in plain:
        inside = ndimage.binary_erosion(v.foreground)
        small.append(Volume(v.image * inside, inside, v.mask))
    signatures = [measured(side) for side in (plain, small)]
    for source, target, change in (
        (plain, small, difference(*signatures)),
        (small, plain, difference(*signatures[::-1])),
    ):
        made = impose(source[0], traits(source[0]), change, np.random.default_rng(0))
        assert made.foreground.sum() == pytest.approx(target[0].foreground.sum(), rel=0.05)


def with_lesions(volumes):
    made = []
    for k, v in enumerate(volumes):
        chance = np.random.default_rng(k)
        centre = chance.integers(6, 13, 3)
        spot = np.zeros(SHAPE, dtype=bool)
        spot[tuple(slice(c, c + 2) for c in centre)] = True
        made.append(Volume(v.image + 1.5 * spot[None], v.foreground, spot))
    return made


def test_lesions_are_no_signature():
    plain, others = sides("none")
    healthy, sick = (difference(measured(plain), measured(side)) for side in (others, with_lesions(others)))
    assert abs(sick.noise[0]) < 0.1
    assert np.abs(sick.blur).max() < 0.1
    # What is left of a difference without lesions is chance; lesions of 1.5 in a few of them hardly add to it.
    assert np.abs(sick.shift - healthy.shift).max() < 0.2
    assert np.abs(sick.shift - healthy.shift).mean() < 0.01


def test_only_what_all_quantiles_agree_on_is_shifted():
    plain, other = sides("field")
    change = difference(measured(plain), measured(other))
    low, middle, high = measured(other).quantiles[:, 0] - measured(plain).quantiles[:, 0]
    agreed = (np.sign(low) == np.sign(middle)) & (np.sign(middle) == np.sign(high))
    assert (change.shift[0][~agreed] == 0).all()
    assert np.abs(change.shift).max() > 0.2
    assert (np.abs(change.shift[0]) <= np.minimum(np.abs(low), np.abs(high)) + 0.05).all()


def test_lesions_keep_their_contrast():
    sick = with_lesions(sides("none")[0])
    bright = [volume(acquire(anatomy(200 + k), 200 + k, "field")) for k in range(COUNT)]
    change = difference(measured(sick), measured(bright))
    made = impose(sick[0], traits(sick[0]), change, np.random.default_rng(0))

    def contrast(v):
        around = ndimage.binary_dilation(v.mask, iterations=2) & ~v.mask
        return float(v.image[0][sick[0].mask].mean() - v.image[0][around & sick[0].foreground].mean())

    assert contrast(made) == pytest.approx(contrast(sick[0]), rel=0.35)
    assert (made.mask == sick[0].mask).all()


def test_equal_sides_change_next_to_nothing():
    plain, others = sides("none")
    change = difference(measured(plain), measured(others))
    made = [impose(v, traits(v), change, np.random.default_rng(0)) for v in plain]
    assert apart(made, plain, 0.7) < 0.12


def test_empty_and_constant_images_do_not_crash():
    plain, others = sides("none")
    empty = Volume(np.zeros((1, *SHAPE), np.float32), np.zeros(SHAPE, bool), np.zeros(SHAPE, bool))
    flat = Volume(np.ones((1, *SHAPE), np.float32), np.ones(SHAPE, bool), np.zeros(SHAPE, bool))
    change = difference(measured([*plain, empty]), measured([*others, flat]))
    for v in (empty, flat):
        made = impose(v, traits(v), change, np.random.default_rng(0))
        assert np.isfinite(made.image).all()


def test_sides_without_a_common_voxel_have_no_difference():
    plain, others = sides("contrast")
    halves = np.arange(SHAPE[0])[:, None, None] < SHAPE[0] / 2
    left = [Volume(v.image * halves, v.foreground & halves, v.mask) for v in plain]
    right = [Volume(v.image * ~halves, v.foreground & ~halves, v.mask) for v in others]
    change = difference(measured(left), measured(right))
    made = impose(left[0], traits(left[0]), change, np.random.default_rng(0))
    np.testing.assert_allclose(made.image, left[0].image, atol=0.05)  # but for noise


def test_intensities_around_zero_have_the_spread_as_their_scale():
    inside = np.ones((8, 8), dtype=bool)
    image = np.random.default_rng(1).normal(0.0, 2.0, (1, 8, 8)).astype(np.float32)
    low, high = np.quantile(image, (0.25, 0.75))
    assert traits(Volume(image, inside, ~inside)).scale[0] == pytest.approx(high - low, rel=1e-5)
    assert traits(Volume(image + 100, inside, ~inside)).scale[0] == pytest.approx(100 + np.median(image), rel=1e-5)


def test_no_images_no_signature():
    with pytest.raises(ValueError, match="without images"):
        signature(iter([]), [])


def test_a_difference_is_a_record():
    plain, others = sides("none")
    change = difference(measured(plain), measured(others))
    assert isinstance(change, Difference)
    assert len(change.blur[0]) == 3


def test_red_green_and_blue_share_one_scale_so_that_a_cast_is_carried():
    chance = np.random.default_rng(3)
    inside = np.ones((16, 18), dtype=bool)
    plain = [chance.normal(1.0, 0.1, (16, 18)) for _ in range(40)]
    casts = np.array([[1.0, 1.0, 1.0], [1.3, 1.0, 0.8]])[:, :, None, None]
    sides = [
        [Volume((cast * grey).astype(np.float32), inside, ~inside, colour=(0,)) for grey in half]
        for cast, half in zip(casts, (plain[:20], plain[20:]), strict=True)
    ]
    known = [[traits(volume) for volume in side] for side in sides]
    assert known[1][0].scale[0] == known[1][0].scale[2]
    across = difference(*(signature(iter(side), own) for side, own in zip(sides, known, strict=True)))
    moved = impose(sides[0][0], known[0][0], across, chance).image
    assert np.log(moved[0].mean() / moved[1].mean()) == pytest.approx(np.log(1.3), rel=0.25)
    assert np.log(moved[2].mean() / moved[1].mean()) == pytest.approx(np.log(0.8), rel=0.25)
