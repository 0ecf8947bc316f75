from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from drawings import HOSTILE, SVG, is_sound, panels_of, texts_of, titles_of, words_of

from biasaudit.report.figures_scores import relevance_by_region, scores
from biasaudit.report.panels import panel_style


@pytest.fixture(autouse=True)
def style():
    with panel_style():
        yield


def table_of(n=40, sites=("a", "b"), variants=("original", "erased")):
    chance = np.random.default_rng(0)
    return pd.DataFrame(
        [
            {"subject": f"s{row}", "label": ("ms", "healthy")[row % 2], "origin": sites[row // 2 % len(sites)],
             "variant": variant, "logit": chance.normal() + row % 2}
            for row in range(n)
            for variant in variants
        ]
    )  # fmt: skip


def test_a_panel_per_class_with_the_pathology_last():
    plot = scores(table_of(), "ms")
    assert is_sound(plot)
    healthy, ill = panels_of(plot)
    assert "healthy, n = 20" in texts_of(healthy)
    assert "ms, n = 20" in texts_of(ill)
    assert len(titles_of(healthy)) == len(titles_of(ill)) == 40
    assert sum(title.endswith(", pathology erased") for title in titles_of(healthy)) == 20
    assert any(title.startswith("s1, a, ") for title in titles_of(healthy))
    assert not any(title.startswith("s0,") for title in titles_of(healthy))


def test_hollow_dots_are_the_erased_ones():
    panel = panels_of(scores(table_of(), "ms"))[0]
    for group in panel:
        for title in titles_of(group):
            assert ("stroke:" in group.get("style")) == title.endswith("erased")


def test_without_erasure_nothing_is_said_of_it():
    plot = scores(table_of(variants=("original",)), "ms")
    assert words_of(plot) == ["as it is", "median"]
    assert not any("erased" in title for panel in panels_of(plot) for title in titles_of(panel))


def test_classes_share_one_scale():
    plot = scores(table_of(), "ms")
    first, second = (
        {text.text: text.get("x") for text in panel.iter(f"{SVG}text") if text.text in ("−2", "0", "2")}
        for panel in panels_of(plot)
    )
    assert first == second


def test_sixty_origins_keep_the_pair_that_is_tested():
    table = table_of(n=480, sites=[f"site {number:02d}" for number in range(60)])
    tested = {"ms": {"site 37", "site 58"}}
    plot = scores(table, "ms", tested)
    healthy, ill = panels_of(plot)
    assert "50 more origins" in texts_of(healthy)
    assert "50 more origins" in texts_of(ill)
    bold = {text for group in ill if "font-weight" in group.get("style") for text in texts_of(group) if "site" in text}
    assert bold == {"site 37", "site 58"}
    assert "site 37" not in texts_of(healthy)
    assert "bold: the origins that U1 compares" in words_of(plot)
    assert sum(title.startswith("s") for title in titles_of(ill)) == 480


def test_hostile_names_stay_inert():
    table = table_of(sites=HOSTILE).replace({"label": {"ms": HOSTILE[3], "healthy": HOSTILE[1]}})
    plot = scores(table.assign(subject="<script>alert(1)</script>"), HOSTILE[3], {HOSTILE[1]: {HOSTILE[0]}})
    assert is_sound(plot, HOSTILE[0])
    assert max(len(text) for panel in panels_of(plot) for text in texts_of(panel)) <= 40


def test_regions_are_drawn_on_one_scale_by_class():
    chance = np.random.default_rng(0)
    regions = ("edge", "pathology", "brain", "odd", "background")
    table = pd.DataFrame(
        [
            {"subject": f"s{row}", "label": ("ms", "healthy")[row % 2], "region": region, "share": chance.random()}
            for row in range(12)
            for region in regions
        ]
    )
    plot = relevance_by_region(table, "ms")
    assert is_sound(plot)
    assert words_of(plot) == ["healthy", "ms", "median"]
    panels = panels_of(plot)
    assert [[text for text in texts_of(panel) if text in regions] for panel in panels] == [
        ["pathology", "brain"],
        ["edge", "background"],
        ["odd"],
    ]
    assert [len(titles_of(panel)) for panel in panels] == [24, 24, 12]
    share = table["share"].iloc[2]
    assert f"s0, {100 * share:.1f} %" in titles_of(panels[0])
    assert is_sound(relevance_by_region(table.drop(columns="subject"), "ms"))
