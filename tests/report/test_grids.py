from __future__ import annotations

import numpy as np
from markupsafe import Markup

from biasaudit.report.grids import Cell, Grid, Row, Scale, grid_markup, named
from biasaudit.report.tiles import overlay

HOSTILE = "<script>x</script>"


def tile():
    mask = np.zeros((6, 6))
    mask[2:4, 2:4] = 1
    return overlay(np.random.default_rng(0).random((6, 6)), mask=mask)


def test_names_are_escaped_and_keep_their_own_direction():
    words = named("{who}: shown", who=HOSTILE)
    assert words == "<bdi>&lt;script&gt;x&lt;/script&gt;</bdi>: shown"


def test_every_tile_is_an_image_with_words_and_the_lines_of_its_mask():
    cell = Cell(tile(), f"map of {HOSTILE}", named("{who}", who=HOSTILE))
    html = grid_markup(Grid((Row(Markup("one"), (cell, cell)),), "wide", Scale("opposes", "supports")))
    assert html.count("<img ") == html.count("<path ") == 2
    assert html.count('alt="map of &lt;script&gt;') == 2
    assert 'viewBox="0 0 12 12"' in html
    assert HOSTILE not in html
    assert html.index("opposes") < html.index("supports") < html.index("one")


def test_words_stand_where_there_is_no_tile_or_no_row():
    html = grid_markup(Grid((Row(Markup("unit 3"), (), Markup("nothing changed")),)))
    assert "nothing changed" in html
    assert "<img" not in html
    assert "no tile here" in grid_markup(Grid((Row(Markup(), (Cell(None, "", Markup("no tile here")),)),)))
    assert (
        grid_markup(Grid((), words=Markup("none"))) == '<div class="tiles-grid"><p class="tiles-words">none</p></div>'
    )


def test_folded_rows_are_shown_when_asked():
    first, second = (Row(Markup(name), (Cell(tile(), name),)) for name in ("open", "closed"))
    html = grid_markup(Grid((first,), folded=(second,), summary="more"))
    assert html.index("open") < html.index("<details><summary>more</summary>") < html.index("closed")
    assert "<details>" not in grid_markup(Grid((first,)))


def test_a_thumbnail_says_why_it_is_framed():
    cell = Cell(tile(), "s1", tip="s1, score +2.0", mark="worst highest")
    html = grid_markup(Grid((Row(Markup("a"), (cell,)),), "thumb"))
    assert '<img class="worst highest"' in html
    assert 'title="s1, score +2.0"' in html
