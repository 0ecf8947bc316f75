from __future__ import annotations

import signal
import sys
import threading
import types
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import pytest
from engine.jobs.interrupting import swallow_an_interrupt

from biasaudit.engine.jobs.dispatch import dispatcher
from biasaudit.engine.jobs.job import Arguments, Job, Role
from biasaudit.engine.jobs.store import Store

pytestmark = pytest.mark.usefixtures("interruptible")


@dataclass(frozen=True)
class _Named(Arguments):
    step: ClassVar[str] = "step"
    name: str


def job(name: str, *needs: Job) -> Job:
    return Job(_Named(name), {Role("needs"): tuple(need.key for need in needs)}, title=name)


FIRST = job("first")
SECOND = job("second", FIRST)
OTHER = job("other")
THIRD = job("third", SECOND)
LAST = job("last", OTHER)
JOBS = [FIRST, SECOND, OTHER, THIRD, LAST]


@pytest.fixture
def worker(monkeypatch):
    """Stand in for the steps: remembers what ran and fails where told to."""
    state = types.SimpleNamespace(ran=[], failing=set(), swallowing=set(), roots=set())

    def run_job(own: Job, root: Path, before_publishing=lambda: None) -> str | None:
        state.ran.append(own.title)
        state.roots.add(root)
        if own.title in state.swallowing:
            swallow_an_interrupt()
        return "it broke" if own.title in state.failing else None

    fake = types.ModuleType("biasaudit.engine.jobs.run")
    fake.run_job = run_job
    monkeypatch.setitem(sys.modules, "biasaudit.engine.jobs.run", fake)
    return state


def run(tmp_path, jobs=JOBS):
    reported = []
    with dispatcher("local", 1, tmp_path) as dispatch:
        failures = dispatch(jobs, lambda own, reason: reported.append((own.title, reason)))
    return {failure.job.title: failure.reason for failure in failures}, reported


def test_jobs_run_in_order_and_are_reported_once_each(worker, tmp_path):
    failures, reported = run(tmp_path)
    assert failures == {}
    assert worker.ran == ["first", "second", "other", "third", "last"]
    assert reported == [(name, None) for name in worker.ran]
    assert worker.roots == {tmp_path}


def test_a_failure_loses_only_what_depends_on_it(worker, tmp_path):
    worker.failing = {"first"}
    failures, reported = run(tmp_path)
    assert worker.ran == ["first", "other", "last"]
    assert set(failures) == {"first", "second", "third"}
    assert failures["first"] == "it broke"
    assert failures["second"] == "not run: it needs 'first', which failed"
    assert failures["third"] == "not run: it needs 'second', which failed"
    assert [name for name, _ in reported] == [own.title for own in JOBS]
    assert {name for name, reason in reported if reason is None} == {"other", "last"}


def test_two_failures_are_both_told(worker, tmp_path):
    worker.failing = {"second", "other"}
    failures, _ = run(tmp_path)
    assert set(failures) == {"second", "third", "other", "last"}
    assert worker.ran == ["first", "second", "other"]


def test_no_jobs(worker, tmp_path):
    assert run(tmp_path, []) == ({}, [])


@pytest.mark.parametrize("failing", [set(), {"second"}])
def test_an_interrupt_that_a_job_swallows_ends_the_run(worker, tmp_path, failing):
    worker.swallowing, worker.failing = {"second"}, failing
    reported = []
    with pytest.raises(KeyboardInterrupt), dispatcher("local", 1, tmp_path) as dispatch:
        dispatch(JOBS, lambda own, reason: reported.append((own.title, reason)))
    assert worker.ran == ["first", "second"]
    assert reported == [("first", None)]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_outside_the_main_thread_jobs_run_without_a_handler(worker, tmp_path):
    found = []
    thread = threading.Thread(target=lambda: found.append(run(tmp_path)))
    thread.start()
    thread.join()
    assert found[0][0] == {}


class _Client:
    """Runs what is submitted at once, as a Dask client would on its workers."""

    def __init__(self):
        self.submitted = []

    def submit(self, function, own, root, needed, *, key, pure, retries):
        self.submitted.append(own.title)
        reason = function(own, root, [future.result() for future in needed])
        return types.SimpleNamespace(key=key, status="finished", result=lambda: reason)


@pytest.fixture
def on_dask(monkeypatch):
    from biasaudit.engine.jobs import dispatch

    monkeypatch.setitem(sys.modules, "distributed", types.SimpleNamespace(as_completed=lambda futures: list(futures)))
    return dispatch._run_on_dask


def test_dask_loses_only_what_depends_on_a_failure(worker, on_dask, tmp_path):
    worker.failing = {"first"}
    reported = []
    failures = on_dask(_Client(), JOBS, lambda own, reason: reported.append(own.title), tmp_path)
    assert {failure.job.title for failure in failures} == {"first", "second", "third"}
    assert sorted(reported) == sorted(own.title for own in JOBS)
    assert worker.ran == ["first", "other", "last"]


def test_a_worker_that_dies_of_the_same_interrupt_has_not_failed(on_dask, tmp_path):
    def lost() -> str:
        swallow_an_interrupt()
        return "the worker died"

    def submit(*arguments, key, **options):
        return types.SimpleNamespace(key=key, status="finished", result=lost)

    reported = []
    with pytest.raises(KeyboardInterrupt):
        on_dask(types.SimpleNamespace(submit=submit), [FIRST], lambda own, _: reported.append(own), tmp_path)
    assert reported == []


def test_dask_reports_finished_jobs_and_does_not_submit_them(worker, on_dask, tmp_path):
    with Store(tmp_path).writing(FIRST.key):
        pass
    client, reported = _Client(), []
    assert on_dask(client, JOBS, lambda own, reason: reported.append((own.title, reason)), tmp_path) == []
    assert client.submitted == ["second", "other", "third", "last"]
    assert sorted(reported) == sorted((own.title, None) for own in JOBS)
