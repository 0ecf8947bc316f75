from __future__ import annotations

from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest
from drawings import HOSTILE, SVG, titles_of
from matplotlib.figure import Figure

from biasaudit.report.svg import draw, text_width


def drawn(figure, ink=lambda colour: colour):
    with matplotlib.rc_context({"figure.frameon": False}):
        found = draw(figure)
    return ElementTree.fromstring(f'<svg xmlns="{SVG[1:-1]}">{found.written(ink)}</svg>')


@pytest.fixture
def axes():
    return Figure((2, 1), dpi=72, frameon=False).add_axes((0, 0, 1, 1), frameon=False, xlim=(0, 2), ylim=(0, 1))


def test_every_dot_stands_where_it_is_and_says_what_it_is(axes):
    axes.set_axis_off()
    axes.scatter([0.5, np.nan, 1.5], [0.25, 0.5, 0.75], s=16, urls=["<a> & b", "absent", "c"], linewidths=0)
    root = drawn(axes.figure)
    circles = list(root.iter(f"{SVG}circle"))
    assert [(each.get("cx"), each.get("cy"), each.get("r")) for each in circles] == [
        ("36", "54", "2"),
        ("108", "18", "2"),
    ]
    assert titles_of(root) == ["<a> & b", "c"]


def test_text_stays_text_and_keeps_its_anchor(axes):
    axes.set_axis_off()
    for place, name in enumerate(HOSTILE):
        printable = "".join(letter if letter.isprintable() else " " for letter in name)
        axes.text(1, 0.2 * place, printable, ha="right", parse_math=False, url=printable)
    texts = list(drawn(axes.figure).iter(f"{SVG}text"))
    assert [each.get("text-anchor") for each in texts] == ["end"] * 4
    assert [each.get("x") for each in texts] == ["72"] * 4
    assert texts[0][0].tail == "$a_b^$ <script>x</script>"
    assert texts[0][0].text == "$a_b^$ <script>x</script>"


def test_lines_of_one_style_are_one_path(axes):
    axes.set_axis_off()
    for row in (0.25, 0.5):
        axes.plot([0, 1, 2], [row] * 3, color="#102030", linewidth=2, linestyle=(0, (1, 2)), solid_capstyle="round")
    (group,) = drawn(axes.figure)
    (path,) = group
    assert path.get("d") == "M0 54L72 54 144 54M0 36L72 36 144 36"
    assert group.get("style") == "fill:none;stroke:#102030;stroke-width:2;stroke-dasharray:2 4"


def test_a_line_with_words_stays_by_itself(axes):
    axes.set_axis_off()
    for row in (0.25, 0.5):
        axes.plot([0, 2], [row] * 2, color="#102030", url=f"fold {row}")
    root = drawn(axes.figure)
    assert titles_of(root) == ["fold 0.25", "fold 0.5"]


def test_colours_are_written_by_the_ink_and_only_colours(axes):
    axes.set_axis_off()
    axes.text(1, 0.5, "#102030", color="#102030")
    found = drawn(axes.figure, lambda colour: f"ink({colour})")
    assert found[0].get("style").startswith("fill:ink(#102030)")
    assert found[0][0].text == "#102030"


def test_what_is_not_seen_is_not_written(axes):
    axes.set_axis_off()
    axes.plot([0, 1], [0, 1], color="none")
    assert not list(drawn(axes.figure))


def test_wide_letters_take_more_room():
    assert text_width("病院") > text_width("ab")
    assert text_width("iiii") < text_width("mmmm")
    assert text_width("e\u0301") == text_width("e")
