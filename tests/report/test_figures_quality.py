import numpy as np
import pandas as pd
import pytest

from biasaudit.report.figures_quality import quality_by_origin


@pytest.fixture
def table():
    chance = np.random.default_rng(0)
    rows = [
        {"label": label, "origin": origin, "measure": measure, "value": chance.normal()}
        for label, origins in (("ms", "ab"), ("hc", "bc"))
        for origin in origins
        for measure in ("snr", "fwhm (channel 2)", "odd")
        for _ in range(5)
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize("narrow", [False, True])
def test_one_panel_per_measure_and_one_row_per_group(table, narrow):
    figure = quality_by_origin(table, "ms", narrow)
    panels = [axes for axes in figure.axes if axes.get_visible()]
    assert [axes.get_xlabel() for axes in panels] == ["SNR", "FWHM (mm) (channel 2)", "odd"]
    assert [text.get_text() for text in panels[0].get_yticklabels()] == ["hc, b", "hc, c", "ms, a", "ms, b"]
    # Dots and a median for each of the four groups.
    assert all(len(axes.lines) == 8 for axes in panels)


def test_a_measure_without_meaning_is_left_out(table):
    table.loc[table["measure"] == "odd", "value"] = np.nan
    assert len(quality_by_origin(table, "ms", False).axes) == 2


def test_sixty_origins_fit(table):
    many = pd.concat([table.assign(origin=f"centre {number}") for number in range(60)])
    figure = quality_by_origin(many, "ms", False)
    assert len(figure.axes[0].get_yticks()) == 22
