"""Whether a run is finished, and its files are what can be read."""

from __future__ import annotations

import os

import pytest

from biasaudit.errors import DataError, IncompleteError, UsageError
from biasaudit.run_folder.finished import arm_of, finished_audit
from biasaudit.run_folder.owned import OwnedFiles
from biasaudit.run_folder.place import MARK
from biasaudit.vocabulary import PLACES


@pytest.fixture
def run(make_run):
    folder = make_run()
    (folder / "protocol.yaml").write_text("name: a run")
    return folder


def test_a_finished_run_is_read(run):
    audit = finished_audit(run, "tables")
    assert arm_of(audit, None)["primary"]
    with pytest.raises(UsageError, match="no arm 'x'"):
        arm_of(audit, "x")


def test_what_is_no_run_and_what_is_not_finished_are_told_apart(run, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "protocol.yaml").write_text("name: a draft beside the data")
    with pytest.raises(IncompleteError, match=r"data: an incomplete run, or none; .* -o$"):
        finished_audit(tmp_path / "data")
    with pytest.raises(UsageError, match="is no run"):
        finished_audit(tmp_path / "nowhere")
    (run / "audit.json").unlink()
    (run / MARK).mkdir(exist_ok=True)
    with pytest.raises(IncompleteError, match=r"is incomplete; .* to resume"):
        finished_audit(run)


def test_a_shared_run_comes_without_its_places_but_not_with_damaged_ones(run):
    OwnedFiles(run).write("setup", {PLACES: b"{}", "protocol.yaml.copy": b""})
    (run / PLACES).write_text("{")
    with pytest.raises(DataError, match=PLACES):
        finished_audit(run)
    (run / PLACES).unlink()
    assert finished_audit(run)["arms"]


@pytest.mark.parametrize("name", ["audit.json", "protocol.yaml", "tables/scores.tsv"])
def test_a_pipe_in_place_of_a_file_keeps_nobody_waiting(name, run):
    (run / name).unlink()
    os.mkfifo(run / name)
    with pytest.raises(DataError, match=f"{name}: not readable .a named pipe, expected a regular file"):
        finished_audit(run, "tables")


@pytest.mark.parametrize("text", [b"{}", b"[]", b"\xff", b"[" * 100_000, b'{"arms": [1]}'])
def test_an_audit_that_is_none_is_one_line(text, run):
    (run / "audit.json").write_bytes(text)
    with pytest.raises(DataError, match=r"audit\.json: "):
        finished_audit(run)
