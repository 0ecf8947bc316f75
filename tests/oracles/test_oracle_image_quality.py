"""The measures written out voxel by voxel from the papers' formulas."""

import math

import numpy as np
import pytest

from biasaudit.stats import image_quality as fast

SHAPE = (7, 6, 5)


@pytest.fixture
def case():
    chance = np.random.default_rng(2)
    image = 50 + 10 * chance.random(SHAPE)
    codes = chance.integers(0, 4, SHAPE).astype(np.int8)
    return image, codes, codes > 0


def voxels(image, chosen):
    return [float(image[index]) for index in np.ndindex(image.shape) if chosen[index]]


def mean(values):
    return sum(values) / len(values)


def variance(values):
    return sum((value - mean(values)) ** 2 for value in values) / len(values)


def test_signal_to_noise(case):
    image, codes, _ = case
    ratios = []
    for code in (1, 2, 3):
        values = sorted(voxels(image, codes == code))
        n = len(values)
        median = values[n // 2] if n % 2 else (values[n // 2 - 1] + values[n // 2]) / 2
        ratios.append(median / (math.sqrt(variance(values)) * math.sqrt(n / (n - 1))))
    assert fast.signal_to_noise(image, codes) == pytest.approx(mean(ratios))


def test_contrast_to_noise(case):
    image, codes, inside = case
    grey, white, air = voxels(image, codes == 1), voxels(image, codes == 2), voxels(image, ~inside)
    expected = abs(mean(white) - mean(grey)) / math.sqrt(variance(air) + variance(white) + variance(grey))
    assert fast.contrast_to_noise(image, codes, inside) == pytest.approx(expected)


def test_entropy_focus_as_mriqc_writes_it(case):
    image, _, _ = case
    values = [float(value) for value in image.ravel()]
    n = len(values)
    greatest = n * (1 / math.sqrt(n)) * math.log(1 / math.sqrt(n))
    energy = math.sqrt(sum(value**2 for value in values))
    expected = (1 / greatest) * sum((v / energy) * math.log((v + 1e-16) / energy) for v in values)
    assert fast.entropy_focus(image) == pytest.approx(expected)


def test_foreground_background_ratio(case):
    image, _, inside = case
    energy = [mean([value**2 for value in voxels(image, chosen)]) for chosen in (inside, ~inside)]
    assert fast.foreground_background_ratio(image, inside) == pytest.approx(math.log10(energy[0] / energy[1]))


def test_smoothness(case):
    image, _, _ = case
    smooth = np.cumsum(np.cumsum(image - 50, axis=0), axis=1)
    inside = np.ones(SHAPE, dtype=bool)
    spread = variance(voxels(smooth, inside))
    widths = []
    for axis, size in enumerate((1.0, 2.0, 3.0)):
        steps = []
        for index in np.ndindex(SHAPE):
            if index[axis] + 1 < SHAPE[axis]:
                after = tuple(i + (a == axis) for a, i in enumerate(index))
                steps.append(float(smooth[after] - smooth[index]) ** 2)
        widths.append(size * math.sqrt(-2 * math.log(2) / math.log(1 - mean(steps) / (2 * spread))))
    assert fast.smoothness(smooth, inside, (1.0, 2.0, 3.0)) == pytest.approx(mean(widths))


def test_entropy(case):
    image, _, inside = case
    values = np.array(voxels(image, inside))
    low, high = np.percentile(values, 1), np.percentile(values, 99)
    counts = [0] * 64
    for value in values:
        if low <= value <= high:
            counts[min(63, int((value - low) / (high - low) * 64))] += 1
    shares = [count / sum(counts) for count in counts if count]
    assert fast.entropy(image, inside) == pytest.approx(-sum(share * math.log2(share) for share in shares))


def test_bias_field(case):
    """The field by normal equations over monomials, which span the same space as Legendre's polynomials."""
    image, codes, _ = case
    rows, logarithms = [], []
    for index in np.ndindex(SHAPE):
        if codes[index]:
            x, y, z = (2 * i / (n - 1) - 1 for i, n in zip(index, SHAPE, strict=True))
            powers = [x**i * y**j * z**k for i in range(4) for j in range(4) for k in range(4) if 0 < i + j + k <= 3]
            rows.append([float(codes[index] == code) for code in (1, 2, 3)] + powers)
            logarithms.append(math.log(image[index]))
    design = np.array(rows)
    solved = np.linalg.solve(design.T @ design, design.T @ np.array(logarithms))
    field = design[:, 3:] @ solved[3:]
    low, high = np.percentile(field, (5, 95))
    assert fast.bias_field_strength(image, codes) == pytest.approx(high - low, rel=1e-6)
