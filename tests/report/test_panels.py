from __future__ import annotations

from xml.etree import ElementTree

import pytest
from drawings import SVG, is_sound, panels_of, texts_of

from biasaudit.report.inks import INKS
from biasaudit.report.panels import (
    PANEL_WIDTH,
    Key,
    Margins,
    gridlines,
    inline,
    panel,
    panel_below,
    panel_style,
    plotted,
    standalone,
    titled,
)


def made(amount, keys=()):
    with panel_style():
        figures = []
        for number in range(amount):
            figure, axes = panel(40 + 10 * number, Margins())
            titled(axes, f"panel {number}", f"panel {number} in full")
            gridlines(axes)
            figures.append(figure)
        return plotted(figures, keys)


@pytest.mark.parametrize(("amount", "across", "rows"), [(1, 1, 1), (2, 2, 1), (3, 3, 1), (7, 3, 3)])
def test_a_file_holds_all_panels_three_abreast(amount, across, rows):
    plot = made(amount)
    found = panels_of(plot)
    assert len(found) == amount
    assert len({each.get("x") for each in found}) == across
    assert len({each.get("y") for each in found}) == rows
    whole = ElementTree.fromstring(standalone(plot))
    for each in found:
        assert float(each.get("x")) + float(each.get("width")) <= float(whole.get("width"))
        assert float(each.get("y")) + float(each.get("height")) <= float(whole.get("height"))
    assert found[0].get("width") == str(PANEL_WIDTH)


def test_a_page_gets_each_panel_once_and_the_keys_before_them():
    marks = ("dot", "ring", "square", "diamond", "box", "bar", "line", "dash", "letter")
    plot = made(2, [Key(mark, "class-1", f"<{mark}> & more") for mark in marks])
    assert is_sound(plot, 'a "quoted" <alt>')
    page = str(inline(plot, "x"))
    assert page.index('class="keys"') < page.index('class="panels"')
    assert page.count("&lt;") == len(marks)
    assert page.count(f'viewBox="0 0 {PANEL_WIDTH} ') == 2


def test_keys_of_a_file_break_into_lines():
    plot = made(1, [Key("dot", "class-1", f"a rather long word of a key {number}") for number in range(5)])
    whole = ElementTree.fromstring(standalone(plot))
    words = whole.findall(f"{SVG}text")
    assert len({each.get("y") for each in words}) >= 3
    assert min(int(each.get("y")) for each in panels_of(plot)) > max(int(each.get("y")) for each in words)


def test_a_title_begins_at_the_left_end_and_tells_the_whole():
    (found,) = panels_of(made(1))
    title = next(each for each in found.iter(f"{SVG}text") if "".join(each.itertext()).startswith("panel"))
    assert title.get("x") == "4"
    assert title[0].text == "panel 0 in full"
    assert "panel 0" in texts_of(found)


def test_axes_below_keep_the_place_across():
    with panel_style():
        figure, axes = panel(40, Margins(bottom=90))
        below = panel_below(figure, 30, 20)
    assert below.get_position().x0 == axes.get_position().x0
    assert below.get_position().y1 < axes.get_position().y0
    assert below.get_position().height * 72 * figure.get_figheight() == pytest.approx(30)


def test_gridlines_stand_at_the_ticks_that_are_seen():
    with panel_style():
        _, axes = panel(40, Margins())
        axes.set_xticks([0, 1, 2, 3])
        axes.set(xlim=(0.5, 2.5), ylim=(0, 1))
        gridlines(axes, level=True)
    assert list(axes.get_xticks()) == [1, 2]
    assert [len(lines.get_segments()) for lines in axes.collections] == [2, len(axes.get_yticks())]
    assert axes.get_xlim() == (0.5, 2.5)


def test_no_ink_of_a_key_is_unknown():
    with pytest.raises(KeyError):
        inline(made(1, [Key("dot", "pink", "x")]), "x")
    assert "pink" not in INKS
