import math

import pytest

from biasaudit.report.words import interval, number, percent, probability, signed, worst


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.934, "0.93"),
        (-1.0, "−1.00"),
        (-0.001, "0.00"),
        (None, "–"),
        (math.nan, "–"),
        (math.inf, "–"),
        (12345.6, "1.23e+04"),
    ],
)
def test_number(value: float | None, text: str) -> None:
    assert number(value) == text


def test_percent_and_interval() -> None:
    assert percent(0.005) == "0\u202f%"
    assert interval(0.1, None) == "from 0.10"
    assert interval(None, 0.25, is_share=True) == "up to 25\u202f%"
    assert interval(None, None) == ""


@pytest.mark.parametrize(("value", "text"), [(0.0005, "0.0005"), (0.123, "0.12"), (0.0404, "0.04"), (1.0, "1.00")])
def test_probability(value: float, text: str) -> None:
    assert probability(value) == text


def test_worst_verdict() -> None:
    assert worst(["PATHOLOGY", "MIXED", "UNDETERMINED"]) == "MIXED"


@pytest.mark.parametrize(
    ("value", "text"), [(-0.0513, "−0.05"), (0.04, "+0.04"), (-0.001, "0.00"), (0.0, "0.00"), (-3.26, "−3.3")]
)
def test_a_small_number_keeps_its_sign(value: float, text: str) -> None:
    assert signed(value) == text
