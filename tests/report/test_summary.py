"""The summary that a notebook shows."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest

from biasaudit.report.summary import summary_html
from biasaudit.run_folder.reading import load_run

NAME = '<img src=x onerror=alert(1)> "a" & <b>'


class Elements(HTMLParser):
    """Tags with their attributes, and that every tag is closed."""

    def __init__(self):
        super().__init__()
        self.found, self.open = [], []

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def elements(page):
    parser = Elements()
    parser.feed(page)
    parser.close()
    assert parser.open == []
    return parser.found


@pytest.fixture
def hostile(make_run):
    run = make_run(regime="nested", arms=("intensity", "tissue"), maps=False, n=24)
    audit = json.loads((run / "audit.json").read_text())
    audit["name"] = audit["arms"][0]["name"] = audit["arms"][0]["reason"] = NAME
    audit["arms"][0]["verdicts"][0] |= {"reason": NAME, "factor": NAME, "settle": NAME}
    (run / "audit.json").write_text(json.dumps(audit))
    return run


def test_it_says_verdict_reliance_what_to_do_and_arms(finished):
    page = summary_html(load_run(finished))
    text = re.sub(r"<[^>]+>", " ", page).replace("\u202f", " ")
    assert "ORIGIN" in text
    assert "About 91 % of the difference" in text
    assert "Reliance on origin:" in text
    assert "91 %" in text
    assert 2 <= page.count("<li>") <= 5
    rows = re.findall(r'<th scope="row"[^>]*><bdi>(\w+)</bdi>', page)
    assert rows == ["intensity", "tissue"]
    assert "report.html" in text


def test_it_is_small_and_inert(hostile):
    page = summary_html(load_run(hostile))
    allowed = {"div", "p", "strong", "bdi", "ul", "li", "table", "thead", "tbody", "tr", "th", "td", "code"}
    found = elements(page)
    assert {tag for tag, _ in found} <= allowed
    assert {name for _, attributes in found for name in attributes} <= {"style", "scope"}
    assert "url(" not in page
    assert len(page) < 20_000


def test_names_are_shown_as_they_are(hostile):
    assert "&lt;img src=x onerror=alert(1)&gt; &#34;a&#34; &amp; &lt;b&gt;" in summary_html(load_run(hostile))


def test_of_a_picture_it_says_no_voxels(make_run):
    run = make_run(regime="nested", maps=False, n=24)
    audit = json.loads((run / "audit.json").read_text())
    audit["cohort"]["grid"] = {"shape": [8, 8], "affine": None}
    audit["arms"][0]["verdicts"][0]["reason"] = "Every voxel was looked at."
    (run / "audit.json").write_text(json.dumps(audit))
    assert "Every pixel was looked at." in summary_html(load_run(run))
