"""Files of a folder that this program wrote: checked, replaced and removed; those of others stay."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from biasaudit.errors import DataError, UsageError
from biasaudit.run_folder import owned as module
from biasaudit.run_folder.checksums import read_sealed, sealed
from biasaudit.run_folder.owned import LISTS, OwnedFiles
from biasaudit.run_folder.place import MARK, mark

FIRST = {"audit.json": b"{}", "tables/scores.tsv": b"one", "maps/a/b.npz": b"two"}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    mark(tmp_path, "run")
    return tmp_path


@pytest.fixture
def owned(root: Path) -> OwnedFiles:
    found = OwnedFiles(root)
    found.write("results", FIRST)
    return found


def names(root: Path) -> set[str]:
    found = (path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())
    return {name for name in found if not name.startswith(MARK)}


def test_a_part_is_written_and_recorded(owned, root):
    assert names(root) == set(FIRST)
    assert set(owned.parts()["results"]) == set(FIRST)
    assert list(owned.differences(["results"])) == []


def test_a_part_is_replaced_as_a_whole(owned, root):
    owned.write("report", {"report.html": b"page"})
    owned.write("results", {"audit.json": b"[]"})
    assert names(root) == {"audit.json", "report.html"}
    assert not (root / "maps").exists()
    assert (root / "audit.json").read_bytes() == b"[]"


def test_what_others_put_there_is_neither_removed_nor_overwritten(owned, root):
    (root / "notes.txt").write_text("mine")
    (root / "tables" / "mine.tsv").write_text("mine")
    (root / "models").write_text("mine")
    with pytest.raises(UsageError, match=r"models/a and 1 more: not written by biasaudit, which would overwrite it"):
        owned.write("results", {"tables/mine.tsv": b"", "models/a": b"", "audit.json": b"new"})
    assert (root / "audit.json").read_bytes() == b"{}"
    owned.remove("results")
    assert names(root) == {"notes.txt", "tables/mine.tsv", "models"}
    assert {(root / name).read_text() for name in names(root)} == {"mine"}


def test_a_block_that_fails_changes_nothing(owned, root):
    def fail():
        with owned.writing("results") as staged:
            (staged / "audit.json").write_text("half")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert names(root) == set(FIRST)
    assert (root / "audit.json").read_bytes() == b"{}"
    assert not list((root / MARK).glob(".new-*"))


def test_a_crash_while_files_are_put_in_place_leaves_nothing_foreign(owned, root, monkeypatch):
    owned.remove("results")
    replace, moved = module.os.replace, []

    def crash(source, target):
        moved.append(Path(target).name)
        if moved[-1] == "scores.tsv":
            raise KeyboardInterrupt
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(module.os, "replace", crash)
        with pytest.raises(KeyboardInterrupt):
            owned.write("results", FIRST)
    owned.write("results", FIRST)
    assert names(root) == set(FIRST)


def test_every_damaged_file_is_named_with_what_to_do(owned, root):
    (root / "audit.json").write_bytes(b"{")
    (root / "maps/a/b.npz").write_bytes(b"twp")
    (root / "tables/scores.tsv").unlink()
    said = [str(fault) for fault in owned.differences(["results"])]
    assert len(said) == 3
    assert all("run the same `biasaudit run` command again" in fault for fault in said)
    assert [f.where for f in owned.differences(["results"], ["tables"])] == [str(root / "tables/scores.tsv")]
    assert list(owned.differences(["report"])) == []


@pytest.mark.parametrize("name", LISTS)
def test_one_damaged_list_is_made_up_for_by_the_other(name, owned, root):
    (root / MARK / name).write_text("x")
    assert set(owned.parts()["results"]) == set(FIRST)


def test_without_a_list_nothing_is_known_and_nothing_is_touched(owned, root):
    for name in LISTS:
        (root / MARK / name).write_text("x")
    with pytest.raises(DataError, match="nobody knows which files are whose"):
        owned.remove("results")
    assert names(root) == set(FIRST)


def test_files_of_an_older_version_are_taken_over_once(root):
    (root / "report.html").write_text("old")
    owned = OwnedFiles(root)
    owned.adopt("report", ["report.html", "junit.xml"])
    owned.write("report", {"report.html": b"new"})
    assert (root / "report.html").read_text() == "new"
    (root / "junit.xml").write_text("mine")
    owned.adopt("report", ["junit.xml"])
    with pytest.raises(UsageError, match="not written by biasaudit"):
        owned.write("report", {"junit.xml": b""})


@pytest.mark.parametrize("links", [True, False])
def test_everything_is_put_back_after_a_failure(links, owned, root, monkeypatch):
    def refuse(source, target):
        raise OSError("no hard links here")

    if not links:
        monkeypatch.setattr(module.os, "link", refuse)
    (root / "notes.txt").write_text("mine")
    before = owned.parts()

    def fail():
        with owned.kept_if_it_fails():
            owned.remove("results")
            owned.write("results", {"audit.json": b"other", "new": b""})
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert names(root) == {*FIRST, "notes.txt"}
    assert {name: (root / name).read_bytes() for name in FIRST} == FIRST
    assert owned.parts() == before
    assert not (root / MARK / ".kept").exists()


class TestKilledInBetween:
    @pytest.fixture
    def killed(self, owned):
        """Begin what a kill ends: nothing is put back."""
        guard = owned.kept_if_it_fails()
        guard.__enter__()
        yield guard
        guard.__exit__(None, None, None)

    def test_the_next_command_puts_everything_back(self, killed, owned, root):
        before = owned.parts()
        owned.remove("results")
        owned.write("setup", {"other.json": b""})
        assert owned.keeps
        owned.put_back_if_interrupted()
        assert {name: (root / name).read_bytes() for name in FIRST} == FIRST
        assert owned.parts() == before
        assert not owned.keeps

    def test_it_can_itself_be_killed(self, killed, owned, root, monkeypatch):
        owned.remove("results")
        real, moved = module.os.replace, []

        def fail_later(source, target):
            moved.append(target)
            if len(moved) > 1:
                raise OSError("killed")
            real(source, target)

        with monkeypatch.context() as patched:
            patched.setattr(module.os, "replace", fail_later)
            with pytest.raises(OSError, match="killed"):
                owned.put_back_if_interrupted()
        owned._put_back()
        assert {name: (root / name).read_bytes() for name in FIRST} == FIRST

    def test_newer_results_stay(self, killed, owned, root):
        owned.write("results", {"audit.json": b"newer"})
        owned.put_back_if_interrupted()
        assert (root / "audit.json").read_bytes() == b"newer"
        assert not owned.keeps


def test_leftovers_are_swept(owned, root):
    (root / MARK / ".new-crashed").mkdir()
    (root / MARK / ".new-record").touch()
    owned.sweep()
    assert not list((root / MARK).glob(".new-*"))
    assert names(root) == set(FIRST)


@pytest.mark.parametrize("name", ["{outside}", "../outside.txt", "tables/../../outside.txt", ".biasaudit/run", "", "."])
def test_a_list_that_names_files_outside_of_the_folder_is_not_believed(name, tmp_path):
    outside, root = tmp_path / "outside.txt", tmp_path / "run"
    outside.write_text("mine")
    mark(root, "run")
    OwnedFiles(root).write("results", FIRST)
    record = read_sealed(root / MARK / LISTS[0])
    record["parts"]["results"][name.format(outside=outside)] = {"size": 4, "sha256": ""}
    for each in LISTS:
        (root / MARK / each).write_text(sealed(record))
    with pytest.raises(DataError, match="damaged, and so is its copy"):
        OwnedFiles(root).remove("results")
    assert outside.read_text() == "mine"
    assert names(root) == set(FIRST)


@pytest.mark.parametrize(
    "record", [{}, {"parts": 1}, {"parts": {"results": {"a": {"size": 1}}}}, {"parts": {"a": [1]}}]
)
def test_a_sealed_list_that_is_none_counts_as_damaged(record, owned, root):
    (root / MARK / LISTS[0]).write_text(sealed(record))
    assert set(owned.parts()["results"]) == set(FIRST)


def test_nothing_is_written_or_removed_through_a_link(owned, root, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "tables"
    (root / "tables").rename(elsewhere)
    (root / "tables").symlink_to(elsewhere)
    with pytest.raises(UsageError, match="tables: a link"):
        owned.write("results", {"tables/scores.tsv": b"new"})
    owned.remove("results")
    assert (elsewhere / "scores.tsv").read_bytes() == b"one"


def test_a_file_gets_another_name_and_nobody_elses_is_replaced(tmp_path):
    owned = OwnedFiles(tmp_path)
    owned.write("results", {"a.json": b"{}", "b.json": b"[]"})
    owned.rename("results", "a.json", "c.json")
    assert sorted(path.name for path in tmp_path.glob("*.json")) == ["b.json", "c.json"]
    assert set(owned.parts()["results"]) == {"b.json", "c.json"}
    assert not list(owned.differences(["results"]))
    (tmp_path / "mine.json").write_text("mine")
    with pytest.raises(UsageError, match="not written by biasaudit"):
        owned.rename("results", "c.json", "mine.json")
    assert (tmp_path / "mine.json").read_text() == "mine"


@pytest.mark.parametrize("moved", [False, True], ids=["before", "after"])
def test_a_run_killed_while_its_audit_gets_its_name_is_not_damaged(moved, tmp_path, monkeypatch):
    owned = OwnedFiles(tmp_path)
    owned.write("results", {"audit.pending.json": b"{}"})
    replace = os.replace

    def killed(source: Path, target: Path) -> None:
        if Path(target).name == "audit.json":
            if moved:
                replace(source, target)
            raise KeyboardInterrupt
        replace(source, target)

    monkeypatch.setattr(os, "replace", killed)
    with pytest.raises(KeyboardInterrupt):
        owned.rename("results", "audit.pending.json", "audit.json")
    assert not list(owned.differences(["results"]))
    (tmp_path / ("audit.json" if moved else "audit.pending.json")).unlink()
    assert list(owned.differences(["results"]))
