from __future__ import annotations

import json
import os
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from biasaudit.engine.jobs.job import Arguments, Job, Role
from biasaudit.engine.jobs.json_files import digest, read_json, write_json
from biasaudit.engine.jobs.store import DamagedJobError, Store
from biasaudit.run_folder.checksums import sealed

KEY = "0123456789abcdef"


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "run")


def write(store: Store, text: str, key: str = KEY) -> None:
    with store.writing(key) as folder:
        (folder / "result.txt").write_text(text)


def left_in(store: Store) -> list[str]:
    return sorted(path.name for path in store.jobs.iterdir())


class TestWriting:
    def test_a_finished_job_is_one_folder(self, store):
        assert not store.finished(KEY)
        write(store, "one")
        assert store.finished(KEY)
        assert (store.folder(KEY) / "result.txt").read_text() == "one"
        assert left_in(store) == [KEY]

    def test_nothing_is_finished_while_the_block_runs(self, store):
        with store.writing(KEY) as folder:
            (folder / "result.txt").write_text("half")
            assert not store.finished(KEY)
            assert not store.place(KEY).exists()

    @pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
    def test_an_error_leaves_nothing(self, store, error):
        def fail() -> None:
            with store.writing(KEY) as folder:
                (folder / "result.txt").write_text("half")
                raise error

        with pytest.raises(error):
            fail()
        assert not store.finished(KEY)
        assert left_in(store) == []

    def test_an_error_leaves_a_finished_job_as_it_was(self, store):
        write(store, "one")
        with pytest.raises(RuntimeError), store.writing(KEY):
            raise RuntimeError
        assert (store.folder(KEY) / "result.txt").read_text() == "one"

    def test_a_half_written_folder_is_replaced(self, store):
        store.place(KEY).mkdir(parents=True)
        (store.place(KEY) / "leftover.txt").write_text("from a crash")
        assert not store.finished(KEY)
        write(store, "one")
        assert sorted(path.name for path in store.folder(KEY).iterdir()) == ["done", "result.txt"]

    def test_the_first_of_two_writers_wins(self, store):
        with store.writing(KEY) as first:
            (first / "result.txt").write_text("first")
            write(store, "second")
        assert (store.folder(KEY) / "result.txt").read_text() == "second"
        assert store.finished(KEY)
        assert left_in(store) == [KEY]

    def test_a_writer_that_loses_the_race_at_the_rename_is_content(self, store, monkeypatch):
        def overtaken(source, target):
            Path(target).mkdir(parents=True)
            (Path(target) / "done").write_text(sealed({"files": {}, "repairs": []}))
            raise OSError("directory not empty")

        monkeypatch.setattr("biasaudit.engine.jobs.store.os.rename", overtaken)
        write(store, "late")
        assert store.finished(KEY)

    def test_a_rename_that_fails_otherwise_is_not_swallowed(self, store, monkeypatch):
        def full(source, target):
            raise OSError("no space left")

        monkeypatch.setattr("biasaudit.engine.jobs.store.os.rename", full)
        with pytest.raises(OSError, match="no space left"):
            write(store, "one")
        assert not store.finished(KEY)

    def test_a_job_appears_as_a_whole(self, store, monkeypatch):
        def crash(*args):
            assert not store.place(KEY).exists()
            raise RuntimeError("power cut")

        with monkeypatch.context() as patch:
            patch.setattr("biasaudit.engine.jobs.store.write_flushed", crash)
            with pytest.raises(RuntimeError, match="power cut"):
                write(store, "one")
        assert left_in(store) == []
        write(store, "two")
        assert (store.folder(KEY) / "result.txt").read_text() == "two"

    def test_a_result_may_hold_folders(self, store):
        with store.writing(KEY) as folder:
            (folder / "inner").mkdir()
            (folder / "inner" / "result.txt").write_text("one")
        assert store.finished(KEY)
        (store.folder(KEY) / "inner" / "result.txt").write_text("two")
        assert not store.finished(KEY)

    def test_colleagues_may_read_what_the_umask_lets_them(self, store):
        write(store, "one")
        assert store.folder(KEY).stat().st_mode == store.jobs.stat().st_mode

    def test_sweep_removes_leftovers_only(self, store):
        write(store, "one")
        for name in (f".{KEY}-0123456789ab", ".my-notes"):
            (store.jobs / name).mkdir()
            (store.jobs / name / "x").write_text("half")
        store.sweep()
        assert left_in(store) == [".my-notes", KEY]
        assert store.finished(KEY)

    def test_sweep_of_a_new_folder(self, store):
        store.sweep()


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


DAMAGE = {
    "flipped": (lambda folder: flip(folder / "result.txt"), "result.txt: its content is not what was written"),
    "truncated": (lambda folder: (folder / "result.txt").write_bytes(b"o"), "result.txt: 1 bytes long, 3 were written"),
    "missing": (lambda folder: (folder / "result.txt").unlink(), "result.txt: missing"),
    "marker flipped": (lambda folder: flip(folder / "done"), "done: damaged"),
    "marker emptied": (lambda folder: (folder / "done").write_bytes(b""), "done: of a version without checksums"),
    "marker missing": (lambda folder: (folder / "done").unlink(), "done: missing"),
    "all missing": (shutil.rmtree, "done: missing"),
}


@pytest.mark.parametrize(("damage", "said"), DAMAGE.values(), ids=DAMAGE)
class TestDamage:
    def test_a_damaged_result_is_not_finished_and_is_not_handed_out(self, store, damage, said):
        write(store, "one")
        damage(store.folder(KEY))
        assert not store.finished(KEY)
        with pytest.raises(DamagedJobError, match=re.escape(said)):
            store.folder(KEY)

    def test_it_is_written_again_and_the_new_one_tells_of_it(self, store, damage, said):
        write(store, "one")
        damage(store.folder(KEY))
        write(store, "two")
        assert (store.folder(KEY) / "result.txt").read_text() == "two"
        gone = damage is shutil.rmtree  # as a user does who saves space
        assert [said in repair.what for repair in store.repairs(KEY)] == ([] if gone else [True])


def test_a_file_is_hashed_once_by_a_process(store, monkeypatch):
    write(store, "one")
    path = store.folder(KEY) / "result.txt"
    os.utime(path, (0, 0))
    monkeypatch.setattr("biasaudit.run_folder.checksums._SETTLED", -1.0)
    assert store.finished(KEY)
    monkeypatch.setattr("biasaudit.run_folder.checksums.hashlib.file_digest", None)
    assert store.finished(KEY)


@dataclass(frozen=True)
class _Training(Arguments):
    step: ClassVar[str] = "train"
    rows: tuple[int, ...] = (1, 2)
    rate: float = 0.1


@dataclass(frozen=True)
class _Scoring(Arguments):
    step: ClassVar[str] = "score"
    rows: tuple[int, ...] = (1, 2)
    rate: float = 0.1


class TestJobKey:
    needs: ClassVar = {Role("inputs"): ("a", "b")}
    base = Job(_Training(), needs, "v1", "train it")

    def test_title_is_no_part_of_it(self):
        again = Job(_Training(rate=0.1, rows=(1, 2)), self.needs, "v1", "another title")
        assert again.key == self.base.key
        assert len(self.base.key) == 24

    @pytest.mark.parametrize(
        "other",
        [
            Job(_Scoring(), needs, "v1"),
            Job(_Training(rows=(2, 1)), needs, "v1"),
            Job(_Training(rate=0.2), needs, "v1"),
            Job(_Training(), {Role("inputs"): ("b", "a")}, "v1"),
            Job(_Training(), {Role("models"): ("a", "b")}, "v1"),
            Job(_Training(), {Role("inputs", "0"): ("a", "b")}, "v1"),
            Job(_Training(), {}, "v1"),
            Job(_Training(), needs, "v2"),
        ],
        ids=["step", "order of rows", "argument", "order of needs", "role", "which", "no needs", "code"],
    )
    def test_everything_else_is(self, other):
        assert other.key != self.base.key

    def test_dependencies(self):
        job = Job(_Training(), {Role("target"): ("a", "b"), Role("maps"): ("c",)})
        assert job.dependencies == ("a", "b", "c")


class TestJson:
    def test_digest_ignores_the_order_of_keys_and_the_kind_of_number(self):
        assert digest({"a": 1, "b": [2.5]}) == digest({"b": np.array([2.5]), "a": np.int64(1)})
        assert digest({"path": Path("/x")}) == digest({"path": "/x"})
        assert digest({"a": 1}) != digest({"a": 2})

    def test_what_is_not_json_is_refused(self):
        with pytest.raises(TypeError, match="set is not JSON"):
            digest({"a": {1, 2}})

    def test_round_trip_leaves_no_temporary_file(self, tmp_path):
        value = {"a": [1, 2.5, None], "b": "ü"}
        write_json(tmp_path / "x.json", value)
        assert read_json(tmp_path / "x.json") == value
        assert [path.name for path in tmp_path.iterdir()] == ["x.json"]

    def test_a_failed_write_keeps_the_old_file(self, tmp_path):
        write_json(tmp_path / "x.json", 1)
        with pytest.raises(TypeError):
            write_json(tmp_path / "x.json", object())
        assert json.loads((tmp_path / "x.json").read_text()) == 1
