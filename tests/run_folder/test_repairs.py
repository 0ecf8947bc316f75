from __future__ import annotations

from biasaudit.run_folder.place import MARK, mark
from biasaudit.run_folder.reading import load_run
from biasaudit.run_folder.repairs import read_repairs, write_repairs


def test_notes_are_kept_and_forgotten(tmp_path):
    mark(tmp_path, "run")
    assert read_repairs(tmp_path) == []
    write_repairs(tmp_path, ["a was damaged"])
    assert read_repairs(tmp_path) == ["a was damaged"]
    write_repairs(tmp_path, [])
    assert [path.name for path in (tmp_path / MARK).iterdir()] == ["run"]


def test_the_report_tells_of_them(make_run):
    run = make_run(n=24)
    before = load_run(run).audit["notes"]
    mark(run, "run")
    write_repairs(run, ["a was damaged"])
    assert load_run(run).audit["notes"] == [*before, "a was damaged"]
