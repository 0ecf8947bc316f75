"""The page as text: escaped, with a policy that allows its own scripts and nothing else."""

from __future__ import annotations

import base64
import hashlib
import json
import re

import pytest
from run_folders import NASTY, write_run
from viewer_folders import PICTURE, write_viewable

from biasaudit.report.render import write_report
from biasaudit.report.viewer.niivue import Niivue
from biasaudit.report.viewer.page import has_viewer, json_element, remove_viewer, viewer_page, write_viewer
from biasaudit.run_folder.contract import VIEWER_PAGE
from biasaudit.run_folder.owned import OwnedFiles
from biasaudit.run_folder.reading import load_run

SCRIPT = Niivue("0.68.1", "var niivue = 1;")


@pytest.fixture
def page(tmp_path):
    return viewer_page(load_run(write_viewable(tmp_path / "run")), SCRIPT)


def scripts(page):
    return re.findall(r"<script>(.*?)</script>", page, re.DOTALL)


def policy(page):
    content = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    return dict(part.strip().partition(" ")[::2] for part in content.split(";"))


def digest(text):
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_the_policy_allows_the_scripts_of_the_page_and_no_request(page):
    found = policy(page)
    assert found.pop("script-src").split() == [digest(text) for text in scripts(page)]
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]
    assert found.pop("style-src") == digest(style)
    assert found == {"default-src": "'none'", "img-src": "data:", "base-uri": "'none'", "form-action": "'none'"}
    assert len(scripts(page)) == 2
    assert " style=" not in page


def test_nothing_leads_elsewhere(page):
    own = page.replace(SCRIPT.script, "")
    assert re.findall(r'\b(?:src|href)="([^"]*)"', own) == ["#controls", "report.html"]
    assert "http:" not in own
    assert "https:" not in own


def test_names_are_escaped_also_inside_the_data(page):
    assert NASTY not in page
    data = re.search(r'id="viewer-data">(.*?)</script>', page, re.DOTALL)[1]
    assert "<" not in data
    assert json.loads(data)["shown"][1]["name"].startswith(NASTY)


def test_json_cannot_end_its_element():
    text = json_element({"a": "</script><!--&amp;"})
    assert not set("<>&") & set(text)
    assert json.loads(text) == {"a": "</script><!--&amp;"}


def test_who_is_left_out_is_named(page):
    assert "Left out, so that the page stays below about 25 MB: <bdi>sub-ms002</bdi>." in page


def test_the_version_of_the_script_is_said(page, tmp_path, monkeypatch):
    assert "Drawn by niivue 0.68.1" in page
    monkeypatch.setattr("biasaudit.report.viewer.page.niivue", lambda: None)
    without = viewer_page(load_run(tmp_path / "run"))
    assert "no niivue of a known version" in without
    assert len(scripts(without)) == 1


def test_pictures_need_no_such_script(tmp_path):
    page = viewer_page(load_run(write_viewable(tmp_path / "other", ("intensity",), PICTURE)), SCRIPT)
    assert SCRIPT.script not in page
    assert "Drawn by this page itself" in page
    assert "mm of the common grid" not in page


class TestWriting:
    def test_it_is_a_file_of_the_run_and_leaves_the_report_ours_where_nothing_was_recorded(self, tmp_path):
        run = write_viewable(tmp_path / "run")
        (run / "report.html").write_text("of an older version")
        assert not has_viewer(run)
        assert write_viewer(run) == ""
        assert VIEWER_PAGE in OwnedFiles(run).parts()["viewer"]
        write_report(run)
        assert has_viewer(run)
        assert "older version" not in (run / "report.html").read_text()

    def test_the_same_run_gives_the_same_page(self, tmp_path):
        run = write_viewable(tmp_path / "run")
        write_viewer(run)
        first = (run / VIEWER_PAGE).read_bytes()
        write_viewer(run)
        assert (run / VIEWER_PAGE).read_bytes() == first

    def test_it_is_removed_and_nothing_else(self, tmp_path):
        run = write_viewable(tmp_path / "run")
        remove_viewer(run)
        write_viewer(run)
        remove_viewer(run)
        assert not has_viewer(run)
        assert (run / "maps" / "viewer").is_dir()

    def test_a_page_of_somebody_else_stays(self, tmp_path):
        run = write_viewable(tmp_path / "run")
        (run / VIEWER_PAGE).write_text("mine")
        remove_viewer(run)
        assert (run / VIEWER_PAGE).read_text() == "mine"

    def test_of_pictures_only_if_asked(self, tmp_path):
        run = write_viewable(tmp_path / "run", ("intensity",), PICTURE)
        assert write_viewer(run, volumes_only=True) == ""
        assert not has_viewer(run)
        assert write_viewer(run) == ""
        assert has_viewer(run)

    def test_an_older_run_gets_a_reason_and_no_page(self, tmp_path):
        run = write_run(tmp_path / "run")
        assert write_viewer(run).startswith(f"{run}: no volumes for a viewer")
        assert not has_viewer(run)
