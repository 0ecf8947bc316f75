import math
from collections.abc import Callable
from pathlib import Path

import pytest

from biasaudit.report.methods import methods, references
from biasaudit.report.modelcard import model_card
from biasaudit.report.words import interval, number, percent, probability, worst
from biasaudit.run_folder.reading import load_run

Make = Callable[..., Path]


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


def test_methods_are_filled_from_the_settings(make_run: Make) -> None:
    records = load_run(make_run(n=24))
    text = " ".join(methods(records))
    for part in ("5-fold", "2000 bootstrap samples", "exceeded 0.50", "integrated gradients", "background, silhouette"):
        assert part in text
    assert "permutations of the origin" not in text, "U1 did not apply to this run"
    assert any("Axiomatic attribution" in line for line in references(records))


def test_model_card(make_run: Make) -> None:
    text = model_card(load_run(make_run(arms=("intensity", "tissue"), regime="nested", n=24)))
    for part in ("Intended use", "METRICS (item 19", "TRIPOD+AI", "### Input intensity: ORIGIN (provisional)"):
        assert part in text
    assert "| origin | healthy | ms |\n|---|---:|---:|\n" in text
    assert "| ofsep-lyon | 0 | 6 |\n" in text
    assert "\n\n\n" not in text
