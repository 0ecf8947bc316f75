"""Covariates on their way from the table to the checks."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from checks.conftest import plant

from biasaudit.engine.evidence import assembly as judge

TABLE = {"age": [30.0, None, 41], "sex": ["F", None, "M"], "unknown": [None, None, None]}


def test_numbers_and_words_are_told_apart():
    numbers, words = judge._numeric(TABLE), judge._categories(TABLE)
    assert set(numbers) == {"age", "unknown"}
    np.testing.assert_array_equal(numbers["age"], [30, np.nan, 41])
    assert {name: values.tolist() for name, values in words.items()} == {"sex": ["F", "", "M"]}


def test_two_images_of_a_subject_keep_one_category():
    evidence = plant(n=4)
    evidence = replace(
        evidence,
        subject=np.array(["s1", "s2", "s1", "s3"]),
        positive=np.array([False, True, False, True]),
        origin=np.array(["a", "a", "a", "b"]),
        categories={"sex": np.array(["F", "M", "F", ""])},
    )
    assert judge._one_row_per_unit(evidence).categories["sex"].tolist() == ["F", "M", ""]
