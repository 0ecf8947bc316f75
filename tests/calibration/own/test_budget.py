"""Budgets: trainings or time, and too little of either."""

from __future__ import annotations

import pytest

from biasaudit.calibration.own.budget import FEWEST_COPIES, USUAL_COPIES, Budget, budget_of, require_budget
from biasaudit.errors import UsageError


@pytest.mark.parametrize(
    ("text", "budget"),
    [
        (None, Budget(USUAL_COPIES)),
        ("90", Budget(30)),
        ("91 trainings", Budget(30)),
        ("30min", Budget(None, 1800)),
        ("30 m", Budget(None, 1800)),
        ("90s", Budget(None, 90)),
        ("1.5h", Budget(None, 5400)),
        ("2 hours", Budget(None, 7200)),
    ],
)
def test_trainings_or_a_time(text, budget):
    assert budget_of(text, 3) == budget


def test_too_few_trainings_for_any_rate_say_how_many_it_takes():
    with pytest.raises(UsageError, match=f"pays for 6 copies of 5 trainings each.*give {5 * FEWEST_COPIES} trainings"):
        budget_of("34", 5)


@pytest.mark.parametrize("text", ["", "soon", "-3", "30 days", "1e9min", "0 min", "nan", "9" * 400, "３０ apples"])
def test_what_is_no_budget_is_one_line(text):
    with pytest.raises(UsageError, match="--budget"):
        budget_of(text, 3)


@pytest.mark.parametrize("text", ["30mins", "0", "soon"])
def test_what_is_no_budget_is_told_before_anything_is_read(text):
    with pytest.raises(UsageError, match="--budget"):
        require_budget(text)
    require_budget(None)
    require_budget("5")
