"""Which documents are written: the viewer by default for volumes, and a reason where it was asked for in vain."""

from __future__ import annotations

from pathlib import Path

import pytest
from run_folders import write_run
from viewer_folders import PICTURE, VOLUME, write_viewable

from biasaudit.report.documents import kept_viewer, write_documents


@pytest.fixture(autouse=True)
def drawn(monkeypatch):
    """Runs whose report was drawn, which takes seconds and has tests of its own."""
    runs: list[Path] = []
    monkeypatch.setattr("biasaudit.report.documents.write_report", runs.append)
    return runs


@pytest.mark.parametrize(
    ("grid", "viewer", "there"),
    [
        (VOLUME, None, True),
        (VOLUME, True, True),
        (VOLUME, False, False),
        (PICTURE, None, False),
        (PICTURE, True, True),
    ],
)
def test_the_viewer_is_there_where_it_is_wanted(tmp_path, drawn, grid, viewer, there):
    run = write_viewable(tmp_path / "run", ("intensity",), grid)
    assert write_documents(run, viewer) == ""
    assert (run / "viewer.html").exists() is there
    assert drawn == [run]


def test_it_goes_where_it_is_not_wanted_any_more(tmp_path):
    run = write_viewable(tmp_path / "run", ("intensity",))
    write_documents(run)
    write_documents(run, False)
    assert not (run / "viewer.html").exists()


def test_who_asked_is_told_why_there_is_none(tmp_path, drawn):
    run = write_run(tmp_path / "run")
    assert write_documents(run) == ""
    assert "no volumes for a viewer" in write_documents(run, True)
    assert drawn == [run, run]


def test_a_run_that_is_audited_again_keeps_the_viewer_that_it_had(tmp_path):
    run = write_viewable(tmp_path / "run", ("intensity",), PICTURE)
    assert kept_viewer(run) is None
    write_documents(run, True)
    assert [kept_viewer(run), kept_viewer(run, False)] == [True, False]
