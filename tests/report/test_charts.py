from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from drawings import is_sound, panels_of, texts_of, titles_of

from biasaudit.report.charts import Chart, charts
from biasaudit.report.panels import panel_style
from biasaudit.report.render import html_page, illustrate
from biasaudit.run_folder.reading import load_run

Make = Callable[..., Path]
NASTY = "sub-<script>alert(1)</script>"


def edit_audit(run: Path, change: Callable[[dict], None]) -> Path:
    audit = json.loads((run / "audit.json").read_text())
    change(audit)
    (run / "audit.json").write_text(json.dumps(audit))
    return run


def planned(run: Path) -> dict[str, Chart]:
    return {chart.name: chart for chart in charts(load_run(run))}


def drawn(chart: Chart):
    with panel_style():
        return chart.draw()


def change_finding(code: str, **more: object) -> Callable[[dict], None]:
    def change(audit: dict) -> None:
        for finding in audit["arms"][0]["findings"]:
            if finding["code"] == code:
                finding["details"] |= more.get("details", {})
                finding |= {key: value for key, value in more.items() if key != "details"}

    return change


def renamed_origins(run: Path, amount: int) -> Path:
    path = run / "tables" / "subjects.tsv"
    table = pd.read_csv(path, sep="\t", dtype=str, keep_default_na=False)
    table["origin"] = [f"site {row // 2 % amount}" for row in range(len(table))]
    table.to_csv(path, sep="\t", index=False)
    return run


def test_every_figure_is_sound_and_says_who_each_dot_is(make_run: Make) -> None:
    run = make_run(regime="nested", arms=("intensity", "tissue"), n=24)
    found = planned(run)
    assert {"comparison", "scores_arm-1", "scores_arm-2", "relevance_arm-1", "training_arm-2"} <= set(found)
    for chart in found.values():
        assert is_sound(drawn(chart), chart.alt), chart.name
    titles = [title for panel in panels_of(drawn(found["scores_arm-1"])) for title in titles_of(panel)]
    assert any(title.startswith(f"{NASTY}, ixi-guys, ") for title in titles)


def test_the_page_holds_no_picture_of_a_figure_and_no_id_twice(make_run: Make) -> None:
    pictures, files = illustrate(load_run(make_run(n=24, maps=False)))
    for section in ("scores", "training"):
        (picture,) = pictures[section]
        assert picture.markup.startswith('<div class="plot">')
        assert "data:" not in picture.markup
        assert " id=" not in picture.markup
        assert "<script>" not in picture.markup
    assert files["figures/scores_arm-1.svg"].startswith(b"<svg ")
    assert b"var(" not in files["figures/scores_arm-1.svg"]


def test_one_figure_of_the_truth(make_run: Make) -> None:
    one, two = make_run(n=24), make_run(n=24, arms=("intensity", "tissue"))
    assert "truth" in planned(one)
    assert "truth" not in planned(two)
    words = [key.words for key in drawn(planned(two)["comparison"]).keys]
    assert "planted truth" in words


def test_what_erasing_left_is_drawn_where_it_is_known(make_run: Make) -> None:
    run = make_run(n=24)
    assert "waterfall" not in planned(run)  # an older run: no gap is stored
    edit_audit(run, change_finding("U4", details={"class_gap": 3.2}))
    chart = planned(run)["waterfall"]
    assert "intensity: 91% of 3.20 logits left" in chart.alt
    assert len(drawn(chart).panels) == 1
    edit_audit(run, change_finding("U4", p_value=None))  # the gap was too small for a share of it
    assert "waterfall" not in planned(run)


def test_stored_distributions_are_drawn(make_run: Make) -> None:
    run = make_run(n=24)
    assert not [name for name in planned(run) if name.startswith("nulls")]
    stored = {"quantiles": [place / 40 for place in range(41)], "observed": 0.97, "from": "permutations"}
    edit_audit(run, change_finding("A1", details={"null": stored}))
    edit_audit(run, change_finding("U4", details={"null": {**stored, "from": "resamples"}}))
    edit_audit(run, change_finding("U1", details={"null": {**stored, "quantiles": []}}))
    shown = [text for panel in panels_of(drawn(planned(run)["nulls_arm-1"])) for text in texts_of(panel)]
    assert "Origin readable, healthy (A1), p = 0.0005" in shown
    assert any(text.startswith("Gap left by erasing (U4)") for text in shown)
    assert not any("U1" in text for text in shown)


def test_details_that_a_figure_shows_are_not_listed_as_numbers(make_run: Make) -> None:
    from_figure = {"quantiles": [0.125] * 41, "observed": 0.97, "from": "permutations"}
    run = edit_audit(make_run(n=24), change_finding("A1", details={"null": from_figure}))
    assert "0.125, 0.125" not in html_page(load_run(run), {})


@pytest.mark.parametrize(("amount", "drawn_"), [(9, False), (12, True)])
def test_many_sites_are_compared_one_by_one(make_run: Make, amount: int, drawn_: bool) -> None:
    run = renamed_origins(make_run(n=96, regime="crossed"), amount)
    edit_audit(run, lambda audit: audit["settings"].update(statistics={"alpha": 0.05}))
    found = planned(run)
    assert ("caterpillar_arm-1" in found) is drawn_
    if drawn_:
        sites = [text for panel in panels_of(drawn(found["caterpillar_arm-1"])) for text in texts_of(panel)]
        assert sum(text.startswith("site ") for text in sites) == amount


@pytest.mark.parametrize("names", [("site 3", "site 20"), ("a / b", "c"), ("c", "a / b")])
def test_the_pair_that_is_tested_has_its_rows(make_run: Make, names: tuple[str, str]) -> None:
    run = renamed_origins(make_run(n=96, regime="crossed"), 24)
    path = run / "tables" / "subjects.tsv"
    text = path.read_text()
    for place, name in enumerate(names):
        text = re.sub(rf"site {20 + place}\b", name, text)
    path.write_text(text)
    edit_audit(run, change_finding("U1", details={"pair": " / ".join(names)}))
    healthy, _ = panels_of(drawn(planned(run)["scores_arm-1"]))
    bold = {text for group in healthy if "font-weight" in group.get("style", "") for text in texts_of(group)}
    assert set(names) <= bold
