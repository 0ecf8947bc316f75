"""Signatures planted in smooth images are measured, carried over, and lesions stay where they are."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from biasaudit.edits.transfer import Difference, SignatureMeter, difference, impose
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


def edited(kind: str, shape=SHAPE):
    plain, other = sides(kind, shape)
    meter = SignatureMeter(lambda: iter([*plain, *other]))
    change = difference(meter.signature(iter(plain)), meter.signature(iter(other)))
    made = [impose(v, meter.traits(v), meter, change, np.random.default_rng(k)) for k, v in enumerate(plain)]
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
    meter = SignatureMeter(lambda: iter([*plain, *other]))
    change = difference(meter.signature(iter(plain)), meter.signature(iter(other)))
    source = plain[0]
    image, foreground = source.image.copy(), source.foreground.copy()
    first, again, another = (
        impose(source, meter.traits(source), meter, change, np.random.default_rng(seed)) for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(source.image, image)
    np.testing.assert_array_equal(source.foreground, foreground)
    np.testing.assert_array_equal(first.image, again.image)
    assert (first.image != another.image).any()  # the chance is that of the added noise alone
    assert first.image.dtype == np.float32
    assert first.tissue is None


def test_traits_measured_before_are_not_measured_again():
    plain, _ = sides("none")
    meter = SignatureMeter(lambda: iter(plain))
    anew, known = meter.signature(iter(plain)), meter.signature(iter(plain), [meter.traits(v) for v in plain])
    np.testing.assert_array_equal(anew.mean, known.mean)
    np.testing.assert_array_equal(anew.field, known.field)


def test_pictures_too():
    plain, made, wanted = edited("field", (48, 40))
    assert apart(made, wanted, 1.0) < 0.5 * apart(plain, wanted, 1.0)


def test_noise_goes_both_ways():
    plain, noisy = sides("noise")
    meter = SignatureMeter(lambda: iter([*plain, *noisy]))
    signatures = [meter.signature(iter(side)) for side in (plain, noisy)]
    louder = difference(*signatures)
    quieter = difference(*signatures[::-1])
    assert louder.noise[0] > 0.3

    def level(volumes):
        return float(np.mean([meter.traits(v).noise for v in volumes]))

    up = [impose(v, meter.traits(v), meter, louder, np.random.default_rng(0)) for v in plain]
    down = [impose(v, meter.traits(v), meter, quieter, np.random.default_rng(0)) for v in noisy]
    assert level(up) == pytest.approx(level(noisy), abs=0.15)
    assert level(down) == pytest.approx(level(plain), abs=0.25)


def test_the_foreground_takes_the_other_size():
    plain, _ = sides("none")
    small = []
    for v in plain:
        inside = ndimage.binary_erosion(v.foreground)
        small.append(Volume(v.image * inside, inside, v.mask))
    meter = SignatureMeter(lambda: iter([*plain, *small]))
    signatures = [meter.signature(iter(side)) for side in (plain, small)]
    for source, target, change in (
        (plain, small, difference(*signatures)),
        (small, plain, difference(*signatures[::-1])),
    ):
        made = impose(source[0], meter.traits(source[0]), meter, change, np.random.default_rng(0))
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
    sick = with_lesions(others)
    meter = SignatureMeter(lambda: iter([*plain, *sick]))
    change = difference(meter.signature(iter(plain)), meter.signature(iter(sick)))
    assert np.abs(change.field).max() < 0.05
    assert abs(change.noise[0]) < 0.1
    knots, tones = change.curve[0]
    assert np.abs(tones - knots).max() < 0.12


def test_lesions_keep_their_contrast():
    sick = with_lesions(sides("none")[0])
    bright = [volume(acquire(anatomy(200 + k), 200 + k, "field")) for k in range(COUNT)]
    meter = SignatureMeter(lambda: iter([*sick, *bright]))
    change = difference(meter.signature(iter(sick)), meter.signature(iter(bright)))
    made = impose(sick[0], meter.traits(sick[0]), meter, change, np.random.default_rng(0))

    def contrast(v):
        around = ndimage.binary_dilation(v.mask, iterations=2) & ~v.mask
        return float(v.image[0][sick[0].mask].mean() - v.image[0][around & sick[0].foreground].mean())

    assert contrast(made) == pytest.approx(contrast(sick[0]), rel=0.35)
    assert (made.mask == sick[0].mask).all()


def test_equal_sides_change_next_to_nothing():
    plain, others = sides("none")
    meter = SignatureMeter(lambda: iter([*plain, *others]))
    change = difference(meter.signature(iter(plain)), meter.signature(iter(others)))
    made = [impose(v, meter.traits(v), meter, change, np.random.default_rng(0)) for v in plain]
    assert apart(made, plain, 0.7) < 0.12


def test_empty_and_constant_images_do_not_crash():
    plain, others = sides("none")
    empty = Volume(np.zeros((1, *SHAPE), np.float32), np.zeros(SHAPE, bool), np.zeros(SHAPE, bool))
    flat = Volume(np.ones((1, *SHAPE), np.float32), np.ones(SHAPE, bool), np.zeros(SHAPE, bool))
    everybody = [*plain, *others, empty, flat]
    meter = SignatureMeter(lambda: iter(everybody))
    change = difference(meter.signature(iter([*plain, empty])), meter.signature(iter([*others, flat])))
    for v in (empty, flat):
        made = impose(v, meter.traits(v), meter, change, np.random.default_rng(0))
        assert np.isfinite(made.image).all()


def test_no_images_no_signature():
    with pytest.raises(ValueError, match="without images"):
        SignatureMeter(lambda: iter([]))


def test_a_difference_is_a_record():
    plain, others = sides("none")
    meter = SignatureMeter(lambda: iter([*plain, *others]))
    change = difference(meter.signature(iter(plain)), meter.signature(iter(others)))
    assert isinstance(change, Difference)
    assert len(change.blur[0]) == 3
