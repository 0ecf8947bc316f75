from __future__ import annotations

import shutil

import pytest

from biasaudit.errors import DataError, IncompleteError, UsageError
from biasaudit.run_folder.cleaning import clean
from biasaudit.run_folder.lock import in_use
from biasaudit.run_folder.owned import OwnedFiles
from biasaudit.run_folder.place import mark

KEYS = ("0123456789abcdef01234567", "a" * 24)


@pytest.fixture
def run(make_run):
    folder = make_run()
    (folder / "protocol.yaml").write_text("name: a run")
    mark(folder, "run")
    for key in KEYS:
        (folder / "jobs" / key).mkdir(parents=True)
        (folder / "jobs" / key / "maps.npz").write_bytes(b"x" * 1000)
        (folder / "jobs" / key / "done").write_text("{}")
    (folder / "jobs" / f".{KEYS[0]}-a1b2").mkdir()
    return folder


def files(folder):
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file() and "jobs" not in path.parts}


def test_jobs_go_and_all_else_stays(run):
    before = files(run)
    freed = clean(run)
    assert (freed.jobs, freed.size) == (3, 2004)
    assert files(run) == before
    assert not any((run / "jobs").iterdir())
    assert clean(run).jobs == 0


def test_what_is_not_ours_stays(run):
    kept = [run / "jobs" / "notes.txt", run / "jobs" / "mine" / "a.npz", run / "jobs" / ("b" * 23) / "a.npz"]
    for path in kept:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    elsewhere = run.parent / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "data").write_text("mine")
    (run / "jobs" / ("c" * 24)).symlink_to(elsewhere)
    clean(run)
    assert all(path.exists() for path in (*kept, elsewhere / "data", run / "jobs" / ("c" * 24)))


def test_a_link_in_place_of_the_jobs_is_not_followed(run):
    shutil.move(run / "jobs", run.parent / "jobs")
    (run / "jobs").symlink_to(run.parent / "jobs")
    with pytest.raises(UsageError, match="is a link"):
        clean(run)
    assert (run.parent / "jobs" / KEYS[0] / "done").exists()


def test_no_run(tmp_path):
    (tmp_path / "jobs" / KEYS[0]).mkdir(parents=True)
    with pytest.raises(UsageError, match="no run"):
        clean(tmp_path, unfinished=True)
    (tmp_path / "protocol.yaml").write_text("name: my own")
    with pytest.raises(UsageError, match="no run"):
        clean(tmp_path, unfinished=True)
    assert (tmp_path / "jobs" / KEYS[0]).exists()
    assert not (tmp_path / ".biasaudit").exists()


def test_an_unfinished_run_is_cleaned_only_on_demand(run):
    (run / "audit.json").unlink()
    with pytest.raises(IncompleteError, match="--unfinished"):
        clean(run)
    assert (run / "jobs" / KEYS[1] / "done").exists()
    assert clean(run, unfinished=True).jobs == 3


def test_a_damaged_audit_keeps_its_jobs(run):
    (run / "audit.json").unlink()
    OwnedFiles(run).write("results", {"audit.json": b"{}"})
    (run / "audit.json").write_text("{ }")
    with pytest.raises(DataError):
        clean(run, unfinished=True)
    assert (run / "jobs" / KEYS[1] / "done").exists()


def test_a_run_that_is_going_on_is_left_alone(run, monkeypatch):
    with in_use(run, "run"):
        monkeypatch.setattr("biasaudit.run_folder.lock._HELD", set())
        with pytest.raises(UsageError, match="in use"):
            clean(run)
    assert (run / "jobs" / KEYS[1] / "done").exists()


def test_an_interrupted_removal_leaves_no_job_that_looks_finished(run, monkeypatch):
    def stopped(folder):
        raise KeyboardInterrupt

    (run / "jobs" / f".{KEYS[0]}-a1b2").rmdir()
    monkeypatch.setattr(shutil, "rmtree", stopped)
    with pytest.raises(KeyboardInterrupt):
        clean(run)
    assert not (run / "jobs" / KEYS[0] / "done").exists()
