from __future__ import annotations

from itertools import combinations, pairwise

import pandas as pd
import pytest
from drawings import HOSTILE, SVG, is_sound, panels_of, texts_of, titles_of, words_of

from biasaudit.report.figures_arms import forest, truth_against_estimate
from biasaudit.report.panels import panel_style
from biasaudit.report.words import QUANTITIES

COMPARED = ("auc", "reliance", "lesion_gain", "origin_auc")


@pytest.fixture(autouse=True)
def style():
    with panel_style():
        yield


def estimates_of(arms, truth=False):
    rows = [
        {"arm": arm, "quantity": quantity, "estimate": 0.5 + 0.01 * place, "low": 0.4, "high": 0.7}
        for place, arm in enumerate(arms)
        for quantity in COMPARED
    ]
    rows += [{"arm": arm, "quantity": "truth", "estimate": 0.45, "low": None, "high": None} for arm in arms if truth]
    return pd.DataFrame(rows)


def pairs_of(arms):
    return pd.DataFrame(
        [
            {"first": first, "second": second, "quantity": quantity, "difference": 0.1, "low": 0.05, "high": 0.3}
            for first, second in combinations(arms, 2)
            for quantity in COMPARED
        ]
    )


@pytest.mark.parametrize("amount", [1, 2, 5, 8])
def test_a_panel_per_quantity_and_a_row_per_arm(amount):
    arms = [f"arm {number}" for number in range(amount)]
    plot = forest(estimates_of(arms), pairs_of(arms) if amount > 1 else pd.DataFrame(), "arm 0")
    assert is_sound(plot)
    panels = panels_of(plot)
    shown = [QUANTITIES[name].title for name in COMPARED]
    assert [text for panel in panels for text in texts_of(panel) if text in shown] == shown
    for panel in panels:
        heights = {text.text: float(text.get("y")) for text in panel.iter(f"{SVG}text")}
        rows = [heights[arm] for arm in arms]
        assert rows == sorted(rows)
        assert all(later - earlier >= 20 for earlier, later in pairwise(rows))
        assert [f"− {arm}" in heights for arm in arms] == [False, *[True] * (amount - 1)]


def test_only_differences_with_the_primary_arm_are_drawn_and_in_one_direction():
    arms = ["raw", "main", "tissue"]
    titles = titles_of(panels_of(forest(estimates_of(arms), pairs_of(arms), "main"))[0])
    differences = [title for title in titles if title.startswith("minus")]
    # raw minus main is turned; raw minus tissue is not drawn.
    assert differences == ["minus raw: −0.10 (−0.30 to −0.05)", "minus tissue: 0.10 (0.05 to 0.30)"]


def test_a_quantity_without_differences_has_no_empty_axes():
    arms = ["raw", "tissue"]
    pairs = pairs_of(arms)
    plot = forest(estimates_of(arms), pairs[pairs["quantity"] == "auc"], "raw")
    assert [("− tissue" in texts_of(panel)) for panel in panels_of(plot)] == [True, False, False, False]
    assert plot.panels[0].height > plot.panels[1].height


def test_the_truth_stands_beside_the_reliance_alone():
    arms = ["raw", "tissue"]
    without = forest(estimates_of(arms), pairs_of(arms), "raw")
    plot = forest(estimates_of(arms, truth=True), pairs_of(arms), "raw")
    assert "planted truth" in words_of(plot)
    assert "planted truth" not in words_of(without)
    changed = [one != other for one, other in zip(plot.panels, without.panels, strict=True)]
    assert changed == [False, True, False, False]


def test_a_lower_bound_has_no_dot():
    table = pd.DataFrame([{"arm": "raw", "quantity": "reliance", "estimate": None, "low": 0.44, "high": None}])
    (panel,) = panels_of(forest(table.astype({"estimate": float, "high": float}), pd.DataFrame(), "raw"))
    assert [title.replace("\u202f", " ") for title in titles_of(panel)] == ["raw: at least 44 %"]
    assert not list(panel.iter(f"{SVG}circle"))


def test_the_truth_has_a_row_per_arm_and_factor():
    rows = [
        {"arm": arm, "factor": factor, "estimate": 0.5, "low": 0.4, "high": 0.6, "omega": 0.55, "r": r}
        for arm in ("raw", "tissue")
        for factor, r in (("site", 0.3), ("vendor", float("nan")))
    ]
    plot = truth_against_estimate(pd.DataFrame(rows))
    assert is_sound(plot)
    (panel,) = panels_of(plot)
    names = ["raw, site", "raw, vendor", "tissue, site", "tissue, vendor"]
    assert [text for text in texts_of(panel) if text in names] == names


def test_hostile_names_stay_inert():
    plot = forest(estimates_of(HOSTILE, truth=True), pairs_of(HOSTILE), HOSTILE[3])
    assert is_sound(plot, HOSTILE[3])
    for panel in panels_of(plot):
        assert max(len(text) for text in texts_of(panel)) <= 40
        assert any(len(title) > 247 for title in titles_of(panel))


def test_the_level_stands_in_the_title_where_it_was_recorded():
    table = estimates_of(["raw", "tissue"])
    levels = {"auc": 0.95, "reliance": 0.9, "lesion_gain": 0.95}
    panels = panels_of(forest(table.assign(level=table["quantity"].map(levels)), pd.DataFrame(), "raw"))
    titles = [QUANTITIES[name].title for name in COMPARED]
    expected = [f"{titles[0]}, 95 %", f"{titles[1]}, 90 %", f"{titles[2]}, 95 %", titles[3]]
    for panel, title in zip(panels, expected, strict=True):
        assert title in [text.replace("\u202f", " ") for text in texts_of(panel)]
