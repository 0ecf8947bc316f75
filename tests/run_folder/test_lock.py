"""One process at a time writes to a folder."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from biasaudit.errors import UsageError
from biasaudit.run_folder import lock as module
from biasaudit.run_folder.lock import Holder, in_use
from biasaudit.run_folder.place import MARK, is_marked

HOLDING = """
import sys, time
from pathlib import Path
from biasaudit.run_folder.lock import in_use
with in_use(Path(sys.argv[1]), "run"):
    print("held", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "run"


def lock_of(folder: Path) -> Path:
    return folder / MARK / "lock.json"


def put_lock(folder: Path, holder: Holder | None, age: float = 0.0) -> None:
    (folder / MARK).mkdir(parents=True)
    lock_of(folder).write_text(json.dumps(asdict(holder)) if holder else "")
    then = lock_of(folder).stat().st_mtime - age
    os.utime(lock_of(folder), (then, then))


def elsewhere(host: str = "node7") -> Holder:
    return Holder(host, "another", 1, "1", "2026-01-01T00:00:00+00:00", "token")


def test_a_folder_is_held_and_let_go(folder):
    with in_use(folder, "run"):
        holder = json.loads(lock_of(folder).read_text())
        assert holder["pid"] == os.getpid()
        assert is_marked(folder)
        (folder / "result").touch()
    assert [path.name for path in (folder / MARK).iterdir()] == ["run"]


def test_a_folder_made_for_nothing_is_removed_again(tmp_path):
    with pytest.raises(KeyError), in_use(tmp_path / "a" / "b", "run"):
        raise KeyError
    assert list(tmp_path.iterdir()) == []
    with in_use(tmp_path, "run"):  # this one was there
        pass
    assert list(tmp_path.iterdir()) == []


def test_the_same_process_may_ask_again(folder):
    with in_use(folder, "run"):
        with in_use(folder / ".." / folder.name, "run"):
            pass
        assert lock_of(folder).exists()


def test_another_process_is_refused_while_the_first_lives_and_takes_over_when_it_is_dead(folder):
    first = subprocess.Popen([sys.executable, "-c", HOLDING, str(folder)], stdout=subprocess.PIPE, text=True)
    assert first.stdout is not None
    assert first.stdout.readline() == "held\n"
    with (
        pytest.raises(UsageError, match=rf"is in use since 20.* by process {first.pid} on ") as refused,
        in_use(folder, "run"),
    ):
        pass
    assert "\n" not in str(refused.value)
    first.send_signal(signal.SIGKILL)
    while module._start_of(first.pid) is not None:  # a zombie counts as dead, before anybody has waited for it
        pass
    with in_use(folder, "run"):
        assert json.loads(lock_of(folder).read_text())["pid"] == os.getpid()
    first.communicate()


def test_a_number_that_was_given_to_another_process_is_no_holder(folder):
    own = Holder.of_this_process()
    put_lock(folder, replace(own, pid=os.getppid(), started="0", token="old"))
    with in_use(folder, "run"):
        pass


def test_a_lock_of_another_machine_is_dead_only_when_it_is_surely_old(folder, tmp_path):
    put_lock(folder, elsewhere(), age=300)
    with pytest.raises(UsageError, match="by process 1 on node7"), in_use(folder, "run"):
        pass
    assert json.loads(lock_of(folder).read_text())["token"] == "token"
    put_lock(tmp_path / "old", elsewhere(), age=3000)
    with in_use(tmp_path / "old", "run"):
        pass


def test_the_same_host_name_after_a_new_start_or_in_another_container_is_another_machine(folder):
    put_lock(folder, elsewhere(Holder.of_this_process().host))
    with pytest.raises(UsageError, match="in use"), in_use(folder, "run"):
        pass


def test_an_unreadable_lock_is_respected_as_long_as_it_is_young(folder, tmp_path):
    put_lock(folder, None)
    with pytest.raises(UsageError, match="is in use; wait"), in_use(folder, "run"):
        pass
    put_lock(tmp_path / "old", None, age=3000)
    with in_use(tmp_path / "old", "run"):
        pass


def test_without_hard_links_the_lock_is_made_all_the_same(folder, monkeypatch):
    def refuse(source, target):
        raise PermissionError("no hard links")

    monkeypatch.setattr(module.os, "link", refuse)
    with in_use(folder, "run"):
        assert json.loads(lock_of(folder).read_text())["pid"] == os.getpid()
        monkeypatch.setattr(module, "_HELD", set())
        with pytest.raises(UsageError, match="in use"), in_use(folder, "run"):
            pass


def test_who_takes_a_dead_lock_too_late_gives_it_back(folder, monkeypatch):
    dead = replace(Holder.of_this_process(), started="0", token="dead")
    put_lock(folder, dead)
    living = replace(Holder.of_this_process(), pid=os.getppid(), started=str(module._start_of(os.getppid())))
    rename = os.rename

    def overtaken(source, target):
        Path(source).write_text(json.dumps(asdict(living)))
        rename(source, target)

    monkeypatch.setattr(module.os, "rename", overtaken)
    with pytest.raises(UsageError, match=f"by process {os.getppid()}"), in_use(folder, "run"):
        pass
    assert json.loads(lock_of(folder).read_text())["pid"] == os.getppid()


def test_the_lock_is_touched_and_one_that_was_taken_ends_the_process(folder, monkeypatch):
    monkeypatch.setattr(module, "_BEAT", 0.01)
    came = []
    before = signal.signal(signal.SIGTERM, lambda *about: came.append(about))
    try:
        with in_use(folder, "run"):
            os.utime(lock_of(folder), (0, 0))
            while lock_of(folder).stat().st_mtime == 0:
                pass
            lock_of(folder).write_text(json.dumps(asdict(elsewhere())))
            while not came:
                pass
        assert json.loads(lock_of(folder).read_text())["token"] == "token"
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UsageError, match="cannot be written"), in_use(tmp_path / "file" / "run", "run"):
        pass
