from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawings import SVG, panels_of, texts_of, titles_of
from matplotlib.collections import PathCollection

from biasaudit.report.inks import INKS
from biasaudit.report.panels import Margins, panel, panel_style, plotted
from biasaudit.report.strips import (
    Row,
    Strip,
    class_inks,
    coloured_dots,
    ends_of,
    origin_rows,
    spread_dots,
    strip_panel,
    titles,
)


@pytest.fixture(autouse=True)
def style():
    with panel_style():
        yield


@pytest.fixture
def dots():
    chance = np.random.default_rng(0)
    names = {"ink": ["class-2", "class-1"] * 30, "filled": np.arange(60) % 3 > 0}
    values = {"value": chance.normal(size=60), "place": np.arange(60) % 3 * 1.0}
    return pd.DataFrame({**values, **names, "title": [f"t{row}" for row in range(60)]})


def origins(**sizes):
    return pd.Series([name.replace("_", " / ") for name, size in sizes.items() for _ in range(size)])


def test_origins_of_one_size_are_not_called_smaller():
    equal = origin_rows(origins(**{f"s{number:02d}": 4 for number in range(60)}))
    assert equal.rows()[-1].words == "50 more origins"
    assert len(equal.rows()) == 11


def test_smaller_origins_are_called_so_and_share_the_last_row():
    sizes = {f"s{number:02d}": 9 - (number > 9) for number in range(20)}
    found = origin_rows(origins(**sizes))
    assert found.rows()[-1].words == "10 smaller origins"
    assert found.place(pd.Series(["s00", "s09", "s10", "s19"])).tolist() == [0, 9, 10, 10]


def test_as_many_as_fit_are_all_shown():
    found = origin_rows(origins(**{f"s{number:02d}": 4 for number in range(11)}))
    assert [row.words for row in found.rows()] == [f"s{number:02d}" for number in range(11)]


def test_marked_origins_keep_their_row_whatever_their_size():
    sizes = {f"s{number:02d}": 9 for number in range(20)} | {"z1": 1, "z2": 2}
    found = origin_rows(origins(**sizes), {"z1", "z2", "unknown"})
    marked = [row.words for row in found.rows() if row.marked]
    assert marked == ["z1", "z2"]
    assert found.rows()[-1] == Row("12 more origins")  # no row is smaller than those that the rest would be held to


def test_dots_keep_their_words_colours_and_value(dots):
    figure, axes = panel(80, Margins())
    spread_dots(axes, dots)
    (marks,) = [each for each in axes.collections if isinstance(each, PathCollection)]
    np.testing.assert_array_equal(marks.get_offsets()[:, 0], dots["value"])
    assert np.abs(marks.get_offsets()[:, 1] - dots["place"]).max() <= 0.15 + 1e-9
    assert marks.get_urls() == list(dots["title"])
    assert np.ptp(np.asarray(marks.get_offsets())[:, 1] - dots["place"].to_numpy()) > 0.2
    again, other = panel(80, Margins())
    spread_dots(other, dots)
    assert plotted([figure]) == plotted([again])


def test_a_strip_has_a_dot_for_every_value_and_the_median_of_every_group(dots):
    dots.loc[5, "value"] = np.nan
    rows = [Row("a"), Row("bb …", "bb in full"), Row("c", marked=True)]
    plot = plotted([strip_panel(dots, rows, Strip("healthy", "score", (-5.0, 5.0), 0.0))])
    (found,) = panels_of(plot)
    shown = [title for title in titles_of(found) if title.startswith("t")]
    assert sorted(shown) == sorted(set(dots["title"]) - {"t5"})
    assert "bb in full" in titles_of(found)
    assert {"healthy", "score", "a", "c"} <= set(texts_of(found))
    groups = dots.dropna().groupby(["place", "ink", "filled"]).ngroups
    medians = [path.get("d") for group in found for path in group if INKS["middle"] in group.get("style")]
    assert sum(path.count("M") for path in medians) == groups
    bold = next(group for group in found if "font-weight" in group.get("style") and group[0].text == "c")
    assert bold[0].tag == f"{SVG}text"


def test_a_strip_without_a_value_is_empty_and_does_not_fail(dots):
    assert strip_panel(dots.assign(value=np.nan), [Row("a")], Strip("")).axes


def test_a_dot_is_named_by_what_the_table_tells():
    table = pd.DataFrame({"subject": ["s<1>"], "origin": ["a\nb"], "score": [1.234]})
    assert titles(table, "score", "{:.1f}".format) == ["s<1>, a b, 1.2"]
    assert titles(table[["score"]], "score", "{:.1f}".format) == ["1.2"]


def test_ends_hold_all_values_with_room():
    low, high = ends_of(pd.Series([0.0, 10.0, np.nan, np.inf]))
    assert low < 0 < 10 < high < 11
    assert ends_of(pd.Series([2.0, 2.0])) == (1.5, 2.5)
    assert ends_of(pd.Series([], dtype=float))[0] < 0


def test_more_classes_than_colours_begin_again():
    inks = class_inks(["a", "b", "c", "d", "e"])
    assert inks["e"] == inks["a"]
    assert len(set(inks.values())) == 4


def test_coloured_dots_are_those_that_were_given():
    figure, axes = panel(80, Margins())
    coloured_dots(axes, (pd.Series([0.0, 1.0]), pd.Series([1.0, 0.0])), ["class-1", "class-2"], ["<a>", "b"])
    (found,) = panels_of(plotted([figure]))
    assert titles_of(found) == ["<a>", "b"]
