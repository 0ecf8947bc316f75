import numpy as np
import pytest

from biasaudit.cohort.images.alignment import alignment, dice


class Streamed:
    """Gives one array at a time and nothing else."""

    def __init__(self, arrays):
        self.arrays = arrays

    def __len__(self):
        return len(self.arrays)

    def __getitem__(self, row):
        return self.arrays[row]


@pytest.fixture
def images(ball):
    chance = np.random.default_rng(0)
    texture = chance.random((20, 20, 20)) * (ball((20, 20, 20)) > 0)
    return [
        ((1 + k) * texture + chance.normal(0, 0.1, texture.shape) * (texture > 0))[None].astype(np.float32)
        for k in range(12)
    ]


def measure(images):
    return alignment(Streamed(images), Streamed([one[0] != 0 for one in images]), [f"s{k}" for k in range(len(images))])


def test_aligned_cohort(images):
    report = measure(images)
    assert report.outliers == ()
    assert report.dice.min() > 0.99
    assert report.correlation.min() > 0.8
    assert len(report.notes) == 1


def test_scale_and_offset_do_not_matter(images):
    report = measure(images)
    changed = measure([one if k else 7 * one + 100 * (one != 0) for k, one in enumerate(images)])
    np.testing.assert_allclose(report.correlation, changed.correlation, atol=1e-5)


def test_a_shifted_subject_is_named(images):
    images[4] = np.roll(images[4], 5, axis=1)
    report = measure(images)
    assert report.outliers == ("s4",)
    assert "probably not in register: s4; look at them" in report.notes


def test_a_flipped_subject_is_named_by_correlation_alone(images):
    images[7] = images[7][:, ::-1]
    report = measure(images)
    assert report.outliers == ("s7",)
    assert report.dice[7] > 0.99


def test_another_foreground_is_named_by_overlap_alone(images):
    foregrounds = [one[0] != 0 for one in images]
    foregrounds[5] = np.roll(foregrounds[5], 6, axis=0)
    report = alignment(images, foregrounds, [f"s{k}" for k in range(len(images))])
    assert report.outliers == ("s5",)
    assert report.correlation[5] > 0.8


def test_correlation_is_with_the_others(images):
    inside = sum((one[0] != 0).astype(int) for one in images) > 6
    standard = [(one[0][inside] - one[0][inside].mean()) / one[0][inside].std() for one in images]
    expected = np.corrcoef(standard[3], sum(standard) - standard[3])[0, 1]
    assert measure(images).correlation[3] == pytest.approx(expected)


def test_a_cohort_out_of_register_is_said_so(images):
    chance = np.random.default_rng(1)
    moved = [np.roll(one, tuple(chance.integers(-6, 7, 3)), axis=(1, 2, 3)) for one in images]
    assert any("do not look registered" in note for note in measure(moved).notes)


def test_few_samples_name_nobody(images):
    three = [*images[:2], np.roll(images[2], 5, axis=1)]
    assert measure(three).outliers == ()
    assert np.isnan(measure(images[:1]).correlation).all()


def test_constant_image_has_no_correlation(images):
    report = alignment([np.ones((1, 4, 4))] * 6, [np.ones((4, 4), bool)] * 6, list("abcdef"))
    assert np.isnan(report.correlation).all()
    assert report.outliers == ()


def test_dice():
    first = np.array([1, 1, 0, 0], bool)
    assert dice(first, np.array([0, 1, 1, 0], bool)) == 0.5
    assert dice(first[2:], first[2:]) == 1.0
