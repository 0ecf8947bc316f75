"""Feature tables: which columns are features, and in which units they travel."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from biasaudit.cohort.readers.features import feature_columns, feature_grid, feature_volume, with_features
from biasaudit.cohort.readers.manifest import read_manifest
from biasaudit.errors import DataError
from biasaudit.protocol import TableCohort

HEAD = "subject\tlabel\torigin\tlh_a_thickness\tlh_b_thickness\tvolume"
ROWS = [f"s{n}\tms\ta\t{2 + n / 10}\t{3 - n / 10}\t{1000 + 10 * n}" for n in range(5)]


def settings(*features: str) -> TableCohort:
    known = {"reader": "table", "table": "t.tsv", "label": {"positive": "ms"}, "origins": ["origin"]}
    return TableCohort.model_validate(known | {"features": list(features)})


@pytest.fixture
def manifest(table):
    return read_manifest(table([HEAD, *ROWS]))


def test_patterns_are_columns_in_the_order_of_the_table(manifest):
    assert feature_columns(manifest, settings("volume", "lh_*_thickness")) == (
        "lh_a_thickness",
        "lh_b_thickness",
        "volume",
    )


def test_all_faults_of_the_names_at_once(manifest):
    with pytest.raises(DataError) as caught:
        feature_columns(manifest, settings("rh_*", "origin", "label"))
    found = [fault.message for fault in caught.value.faults]
    assert found == [
        "no column fits the feature 'rh_*'",
        "'label' is a feature and an answer at once",
        "'origin' is a feature and an answer at once",
    ]


def test_features_are_scaled_by_median_and_quartiles(manifest, sample):
    samples = [replace(sample(), subject=f"s{n}") for n in range(5)]
    made, notes = with_features(samples, manifest, ("volume", "lh_b_thickness"))
    np.testing.assert_allclose([each.features for each in made], [[n / 2, -n / 2] for n in (-2, -1, 0, 1, 2)])
    assert notes == ["2 features in place of images: volume, lh_b_thickness"]
    assert all(not each.features for each in samples)


def test_cells_that_are_no_numbers_are_gathered_by_column(table, sample):
    rows = [*ROWS[:3], "s3\tms\ta\tn/a\t2\t3", "s4\tms\ta\tinf\t2\tx"]
    manifest = read_manifest(table([HEAD, *rows]))
    with pytest.raises(DataError) as caught:
        with_features([sample()] * 5, manifest, ("lh_a_thickness", "volume"))
    found = [(fault.where.rpartition(":")[2], fault.message) for fault in caught.value.faults]
    assert found == [
        ("5", "feature 'lh_a_thickness' is empty"),
        ("6", "feature 'lh_a_thickness' holds 'inf', expected a finite number"),
        ("6", "feature 'volume' holds 'x', expected a finite number"),
    ]


def test_a_feature_that_tells_the_classes_by_itself_is_named(table, sample):
    rows = [f"s{n}\t{9 + n if n % 2 else 0}\t{(7 * n) % 11}" for n in range(24)]
    samples = [replace(sample(), subject=f"s{n}", positive=bool(n % 2)) for n in range(24)]
    _, notes = with_features(samples, read_manifest(table(["subject\tADOS\tvolume", *rows])), ("ADOS", "volume"))
    assert notes[1].startswith("'ADOS' tells the classes apart (AUC 0.99 or more)")
    few = read_manifest(table(["subject\tADOS\tvolume", *rows[:12]]))
    assert len(with_features(samples[:12], few, ("ADOS", "volume"))[1]) == 1


def test_a_constant_column_is_refused(table, sample):
    manifest = read_manifest(table(["subject\ta", *(f"s{n}\t7" for n in range(4))]))
    with pytest.raises(DataError, match="the feature 'a' is the same in all rows"):
        with_features([sample()] * 4, manifest, ("a",))


def test_a_row_travels_as_a_picture_of_one_pixels_width(sample):
    volume = feature_volume(sample(features=(1.0, -2.0, 0.5)))
    assert volume.image.shape == (1, *feature_grid(3).shape) == (1, 3, 1)
    assert volume.image.ravel().tolist() == [1.0, -2.0, 0.5]
    assert volume.foreground.all()
    assert not volume.mask.any()
