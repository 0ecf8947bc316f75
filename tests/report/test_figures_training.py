from __future__ import annotations

import pandas as pd
from drawings import HOSTILE, is_sound, panels_of, texts_of, titles_of, words_of

from biasaudit.report.figures_training import training_curves
from biasaudit.report.panels import panel_style


def table_of(label="healthy"):
    networks = [("target", "", "original"), ("origin", label, "original"), ("target", "", "silhouette")]
    return pd.DataFrame(
        [
            {"question": question, "class": name, "input": reduced, "fold": fold, "epoch": epoch,
             "training_loss": 1 / epoch, "validation_loss": 1.1 / epoch}
            for question, name, reduced in networks
            for fold in (1, 2, 3)
            for epoch in range(1, 9)
        ]
    )  # fmt: skip


def test_a_panel_per_network_and_two_lines_per_fold():
    with panel_style():
        plot = training_curves(table_of())
    assert is_sound(plot)
    panels = panels_of(plot)
    shown = ["target", "origin, healthy", "target, silhouette only"]
    assert [name for panel in panels for name in texts_of(panel) if name in shown] == shown
    assert all(titles_of(panel) == [f"fold {fold}" for fold in (1, 2, 3)] * 2 for panel in panels)
    assert all(not any("." in text for text in texts_of(panel) if text in ("2.5", "7.5")) for panel in panels)
    assert words_of(plot) == ["training", "validation"]


def test_hostile_names_stay_inert():
    for name in HOSTILE:
        with panel_style():
            plot = training_curves(table_of(name))
        assert is_sound(plot)
        assert max(len(text) for panel in panels_of(plot) for text in texts_of(panel)) <= 40
