from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawings import HOSTILE, is_sound, panels_of, texts_of, titles_of, words_of

from biasaudit.report.figures_quality import quality_by_origin
from biasaudit.report.panels import panel_style


@pytest.fixture(autouse=True)
def style():
    with panel_style():
        yield


@pytest.fixture
def table():
    chance = np.random.default_rng(0)
    rows = [
        {"label": label, "origin": origin, "measure": measure, "value": chance.normal(), "subject": f"s{number}"}
        for label, origins in (("ms", "ab"), ("hc", "bc"))
        for origin in origins
        for measure in ("snr", "fwhm (channel 2)", "odd")
        for number in range(5)
    ]
    return pd.DataFrame(rows)


def test_one_panel_per_measure_and_one_row_per_origin(table):
    plot = quality_by_origin(table, "ms")
    assert is_sound(plot)
    panels = panels_of(plot)
    named = [next(text for text in texts_of(panel) if len(text) > 2 and text[0].isalpha()) for panel in panels]
    assert named == ["SNR", "FWHM (mm) (channel 2)", "odd"]
    for panel in panels:
        assert [text for text in texts_of(panel) if text in "abc"] == ["a", "b", "c"]
        dots = [title for title in titles_of(panel) if title.startswith("s")]
        assert len(dots) == 20
    assert words_of(plot) == ["hc", "ms", "median"]


def test_an_origin_without_the_first_measure_has_its_row(table):
    table.loc[(table["origin"] == "c") & (table["measure"] == "snr"), "value"] = np.nan
    for panel in panels_of(quality_by_origin(table, "ms")):
        assert [text for text in texts_of(panel) if text in "abc"] == ["a", "b", "c"]


def test_lengths_are_in_the_unit_of_the_images(table):
    texts = [text for panel in panels_of(quality_by_origin(table, "ms", "pixels")) for text in texts_of(panel)]
    assert "FWHM (pixels) (channel 2)" in texts


def test_a_measure_without_meaning_is_left_out(table):
    table.loc[table["measure"] == "odd", "value"] = np.nan
    assert len(quality_by_origin(table, "ms").panels) == 2


def test_sixty_origins_fit(table):
    many = pd.concat([table.assign(origin=f"centre {number}") for number in range(60)])
    panel = panels_of(quality_by_origin(many, "ms"))[0]
    rows = [text for text in texts_of(panel) if "centre" in text or "origins" in text]
    assert len(rows) == 11
    assert rows[-1] == "50 more origins"
    assert len([title for title in titles_of(panel) if title.startswith("s")]) == 1200


def test_hostile_names_stay_inert(table):
    odd = table.assign(origin=np.resize(HOSTILE, len(table)), subject="<script>alert(1)</script>")
    assert is_sound(quality_by_origin(odd, "ms"))
