"""Workers that somebody else has started: a scheduler and a worker of Dask's own commands."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from engine.jobs.dask_steps import job

from biasaudit.engine.jobs import dask_client
from biasaudit.engine.jobs.dask_client import connected
from biasaudit.engine.jobs.dask_run import run_on_dask
from biasaudit.engine.jobs.store import Store
from biasaudit.engine.jobs.where import Where
from biasaudit.errors import IncompleteError, UsageError

pytest.importorskip("distributed")
pytestmark = pytest.mark.slow

Start = Callable[..., tuple[Path, subprocess.Popen[bytes]]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a scheduler and a worker; give the scheduler's file and process."""
    with ExitStack() as running:

        def begun(*words: str, **environment: str) -> subprocess.Popen[bytes]:
            paths = os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])
            process = subprocess.Popen(
                [sys.executable, "-m", *words],
                env={**os.environ, "PYTHONPATH": paths, **environment},
                cwd=tmp_path,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            running.callback(process.wait)
            running.callback(process.kill)
            return process

        def started(**environment: str) -> tuple[Path, subprocess.Popen[bytes]]:
            file = tmp_path / "scheduler.json"
            words = ["--scheduler-file", str(file), "--host", "127.0.0.1"]
            scheduler = begun("distributed.cli.dask_scheduler", *words, "--port", "0", "--no-dashboard")
            while not file.exists():
                time.sleep(0.1)
            own = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", str(tmp_path / "node")]
            begun("distributed.cli.dask_worker", *words, *own, **environment)
            return file, scheduler

        yield started


def test_jobs_run_on_workers_that_are_there_and_leave_them_there(start, tmp_path):
    file, scheduler = start()
    first = job("first")
    own = [first, job("second", "write", first)]
    for root in (tmp_path / "out", tmp_path / "again"):
        reasons: dict[str, str | None] = {}
        with connected(Where("dask", scheduler=str(file)), root) as workers:
            run_on_dask(workers, own, root, lambda ended, reason, told=reasons: told.__setitem__(ended.title, reason))
        assert reasons == {"first": None, "second": None}
    assert scheduler.poll() is None


def test_without_a_shared_folder_results_pass_through_a_store(start, tmp_path):
    file, _ = start()
    first = job("first")
    second = job("second", "write", first)
    where = Where("dask", scheduler=str(file), store=(tmp_path / "store").as_uri())
    failed = []
    with connected(where, tmp_path / "out") as workers:
        run_on_dask(workers, [first, second], tmp_path / "out", lambda ended, reason: failed.append(reason))
    assert failed == [None, None]
    assert {path.stem for path in (tmp_path / "store" / "jobs").iterdir()} == {first.key, second.key}
    assert all(Store(tmp_path / "out").finished(each.key) for each in (first, second))


def test_a_scheduler_that_dies_ends_the_run_in_one_line_and_what_is_finished_is_kept(start, tmp_path):
    file, scheduler = start()
    own = [job(f"own {number}", "wait") for number in range(20)]
    done: list[str] = []

    def settled(ended, reason):
        done.append(ended.key)
        if len(done) == 2:
            scheduler.kill()

    with (
        pytest.raises(IncompleteError, match="scheduler was lost; finished jobs are kept"),
        connected(Where("dask", scheduler=str(file)), tmp_path / "out") as workers,
    ):
        run_on_dask(workers, own, tmp_path / "out", settled)
    assert len(done) >= 2


def test_a_worker_whose_processor_computes_otherwise_is_refused(start, tmp_path):
    file, _ = start(ATEN_CPU_CAPABILITY="default")
    with (
        pytest.raises(UsageError, match=r"its results would differ: instructions of torch DEFAULT \(here "),
        connected(Where("dask", scheduler=str(file)), tmp_path / "out"),
    ):
        pass


@pytest.mark.parametrize("scheduler", ["tcp://127.0.0.1:9", "nonsense://x", "no-such.json", "tls://127.0.0.1:9"])
def test_a_scheduler_that_is_not_there_is_one_line(scheduler, tmp_path, monkeypatch):
    monkeypatch.setattr(dask_client, "_FIRST", 1)
    with pytest.raises(UsageError) as error, connected(Where("dask", scheduler=scheduler), tmp_path / "out"):
        pass
    assert str(error.value).startswith(scheduler)
    assert "\n" not in str(error.value)
