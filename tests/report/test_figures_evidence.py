from __future__ import annotations

import numpy as np
import pytest
from drawings import HOSTILE, SVG, is_sound, panels_of, texts_of, titles_of, words_of

from biasaudit.report.figures_evidence import Erased, Null, caterpillar, nulls, waterfall
from biasaudit.report.inks import INKS
from biasaudit.report.panels import panel_style
from biasaudit.stats.distribution import quantiles_of
from biasaudit.stats.site_shift import SiteShifts, site_shifts

THRESHOLDS = {"low": 0.1, "tolerance": 0.25, "high": 0.5}


@pytest.fixture(autouse=True)
def style():
    with panel_style():
        yield


def plain(texts):
    return [text.replace("\u202f", " ") for text in texts]


def null_of(seed=0, observed=3.0, **more):
    found = quantiles_of(np.random.default_rng(seed).chisquare(2, 500), observed, "permutations")
    known = {"title": "Scores by origin, healthy (U1)", "statistic": "Wald", "p_value": 0.004}
    return Null(quantiles=tuple(found["quantiles"]), observed=found["observed"], **{**known, **more})


def test_what_is_left_is_drawn_and_said_for_every_arm():
    plot = waterfall(
        [Erased("raw", 6.16, 0.81, 0.77, 0.86, 0.9), Erased("tissue", 2.0, 0.1, 0.02, 0.2, 0.9)], THRESHOLDS
    )
    assert is_sound(plot)
    first, second = panels_of(plot)
    assert "raw: 81 % left (77 % to 86 %)" in plain(texts_of(first))
    assert "tissue: 10 % left (2 % to 20 %)" in plain(texts_of(second))
    assert [text for text in plain(texts_of(first)) if text in ("10 %", "25 %", "50 %")] == ["10 %", "25 %", "50 %"]
    assert "stays: 4.99 logits, 81 %" in plain(titles_of(first))
    assert "closed: 1.17 logits" in titles_of(first)
    assert "90 % interval" in plain(words_of(plot))
    assert "thresholds of the verdict: 10 %, 25 %, 50 %" in plain(words_of(plot))


def test_a_level_that_was_not_recorded_is_not_made_up():
    words = words_of(waterfall([Erased("raw", 6.16, 0.81, 0.77, 0.86)], {}))
    assert words[-1] == "interval"


@pytest.mark.parametrize(("share", "low", "high"), [(1.2, 1.1, 1.4), (-0.1, -0.3, 0.05), (0.0, 0.0, 0.0)])
def test_shares_beyond_the_gap_stay_inside_the_panel(share, low, high):
    (panel,) = panels_of(waterfall([Erased("raw", 3.0, share, low, high)], THRESHOLDS))
    for path in panel.iter(f"{SVG}path"):
        steps = path.get("d").replace("M", " ").replace("L", " ").replace("z", " ").split()
        assert all(0 <= float(x) <= 288 for x in steps[::2])


def test_a_null_is_drawn_with_the_observed_line_and_p():
    plot = nulls([null_of(), null_of(1, 40.0, title="A1", p_value=None)])
    assert is_sound(plot)
    first, second = panels_of(plot)
    assert "Scores by origin, healthy (U1), p = 0.004" in [*texts_of(first), *titles_of(first)]
    assert "observed: 3.00" in titles_of(first)
    assert "observed: 40.00" in titles_of(second)
    assert "A1" in texts_of(second)
    assert len(words_of(plot)) == 2
    (third,) = panels_of(nulls([null_of(title="A1", p_value=0.0001)]))
    assert "A1, p < 0.0005" in texts_of(third)
    areas = [path for group in first for path in group if INKS["null"] in group.get("style")]
    assert max(path.get("d").count(" ") for path in areas) > 100


def test_resamples_are_drawn_with_what_they_are_held_against():
    plot = nulls([null_of(threshold=0.1)])
    assert words_of(plot)[-2:] == ["erasure: resampled subjects", "share that is allowed"]
    assert any(INKS["estimate"] in group.get("style") for group in panels_of(plot)[0])
    dashed = [group for group in panels_of(plot)[0] if "dasharray" in group.get("style")]
    assert len(dashed) == 1


def test_a_null_of_one_value_is_a_line_and_one_without_values_is_left_out():
    one = Null("U1", "Wald", (2.0,) * 41, 2.0, 1.0)
    assert is_sound(nulls([one, Null("U1", "Wald", (), 2.0, 1.0)]))
    assert len(nulls([one, Null("U1", "Wald", (), 2.0, 1.0)]).panels) == 1


def shifts_of(amount, level=0.95):
    chance = np.random.default_rng(0)
    sites = np.repeat([f"site {number:02d}" for number in range(amount)], 8)
    effects = np.repeat(np.linspace(-2, 2, amount), 8)
    return site_shifts(effects + chance.normal(size=sites.size), np.tile([0, 1], 4 * amount), sites, level)


@pytest.mark.parametrize(("amount", "panels"), [(10, 1), (20, 1), (21, 2), (60, 3)])
def test_sites_are_sorted_some_per_panel(amount, panels):
    shifts = shifts_of(amount)
    plot = caterpillar(shifts, {"site 03"}, 0.95)
    assert is_sound(plot)
    found = panels_of(plot)
    assert len(found) == panels
    assert [text for panel in found for text in texts_of(panel) if text.startswith("site")] == list(shifts.sites)
    assert max(len(titles_of(panel)) for panel in found) <= 20
    bold = [
        text for panel in found for group in panel if "font-weight" in group.get("style") for text in texts_of(group)
    ]
    assert bold == ["site 03"]
    assert "95 % interval of each" in plain(words_of(plot))[0]


def test_an_interval_without_zero_has_another_colour():
    shifts = SiteShifts(("a", "b"), np.array([-1.0, 0.1]), np.array([-2.0, -1.0]), np.array([-0.5, 1.2]), np.ones(2))
    (panel,) = panels_of(caterpillar(shifts, (), 0.9))
    inks = {title: group.get("style") for group in panel for title in titles_of(group)}
    assert INKS["truth"] in inks["a, n = 1: −1.00 (−2.00 to −0.50)"]
    assert INKS["estimate"] in inks["b, n = 1: 0.10 (−1.00 to 1.20)"]
    assert len(words_of(caterpillar(shifts, (), 0.9))) == 2


def test_sites_without_an_interval_are_dots():
    nothing = np.full(2, np.nan)
    assert is_sound(caterpillar(SiteShifts(("a", "b"), np.array([-1.0, 1.0]), nothing, nothing, np.ones(2)), (), 0.9))


def test_hostile_names_stay_inert():
    shifts = SiteShifts(HOSTILE, np.arange(4.0), np.arange(4.0) - 1, np.arange(4.0) + 1, np.ones(4))
    for plot in (
        caterpillar(shifts, HOSTILE, 0.95),
        waterfall([Erased(name, 2.0, 0.5, 0.4, 0.6) for name in HOSTILE], THRESHOLDS),
        nulls([null_of(title=name) for name in HOSTILE]),
    ):
        assert is_sound(plot, HOSTILE[0])
        assert max(len(text) for panel in panels_of(plot) for text in texts_of(panel)) <= 60
