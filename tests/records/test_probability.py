"""A p-value is written alike wherever it is, and never as zero."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from biasaudit.checks.premises import probability
from biasaudit.records import probability_text
from biasaudit.report import words


@pytest.mark.parametrize(
    ("p_value", "text"),
    [
        *((1.0, "1.00"), (0.996, "1.00"), (0.25, "0.25"), (0.0999, "0.10"), (0.0994, "0.099"), (0.0244, "0.024")),
        *((0.05, "0.05"), (0.0015, "0.0015"), (0.0005, "0.0005"), (0.00049975, "< 0.0005"), (1e-12, "< 0.0005")),
    ],
)
def test_two_significant_digits(p_value, text):
    assert probability_text(p_value) == text


@given(st.floats(1e-300, 1.0))
def test_a_sentence_and_a_table_say_the_same_and_never_zero(p_value):
    text = probability_text(p_value)
    assert probability(p_value).removeprefix("p ").removeprefix("= ") == text
    assert words.probability(p_value) == text
    assert float(text.removeprefix("< ")) > 0
