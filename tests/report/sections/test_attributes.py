from __future__ import annotations

import json

import pytest
from run_folders import finding

from biasaudit.report.render import html_page
from biasaudit.report.sections.attributes import Attributes
from biasaudit.run_folder.reading import load_run

RANKED = {
    "covariate: age": {"utility": 0.4, "detectability": 0.5, "product": 0.2},
    "sidecar: <b>coil</b>": {"utility": 0.9, "detectability": None, "product": None},
    "origin: site": {"utility": 0.6, "detectability": 0.9, "product": 0.54},
}


def with_ranking(run, seen_in):
    audit = json.loads((run / "audit.json").read_text())
    details = {"attributes": RANKED, "attributes_seen_in": seen_in}
    audit["design"]["findings"] = [
        finding("D2", "concern", details=details),
        finding("D2", "concern", **{"class": "healthy"}),
        finding("D2", "concern", details=details, factor="vendor"),
    ]
    (run / "audit.json").write_text(json.dumps(audit))
    return load_run(run)


@pytest.fixture
def ranked(make_run):
    """A run whose D2 has ranked columns, of two factors."""
    return with_ranking(make_run(n=24), "layer block4")


def test_one_table_of_the_primary_factor_best_first(ranked):
    (table,) = Attributes().content(ranked)["tables"]
    assert [row["name"] for row in table["rows"]] == ["origin: site", "covariate: age", "sidecar: <b>coil</b>"]
    assert table["rows"][0]["product"] == "0.54"
    assert table["rows"][-1]["product"] == "–"
    assert table["seen_in"] == "layer block4"


def test_the_page_shows_it_once_and_escaped(ranked):
    html = html_page(ranked, {})
    assert html.count('<section id="attributes"') == 1
    assert "Detectability (layer block4)" in html
    assert "&lt;b&gt;coil" in html
    assert "&#34;detectability&#34;" not in html
    assert "does not rule out that the network relies" in html
    assert "No detectability was measured" not in html


def test_where_nothing_shows_the_columns_it_says_which_check_to_add(make_run):
    html = html_page(with_ranking(make_run(n=24), ""), {})
    assert "No detectability was measured: add U2" in html


def test_without_a_ranking_there_is_no_section(make_run):
    assert Attributes().content(load_run(make_run(n=24))) is None
