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
from biasaudit.engine.jobs.scratch import SCRATCH
from biasaudit.engine.jobs.where import HERE

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
    with dispatcher(HERE, tmp_path) as dispatch:
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


def test_what_workers_of_a_killed_run_left_goes_whatever_the_engine(worker, tmp_path):
    (tmp_path / SCRATCH / "worker-1").mkdir(parents=True)
    run(tmp_path)
    assert not (tmp_path / SCRATCH).exists()


def test_no_jobs(worker, tmp_path):
    assert run(tmp_path, []) == ({}, [])


@pytest.mark.parametrize("failing", [set(), {"second"}])
def test_an_interrupt_that_a_job_swallows_ends_the_run(worker, tmp_path, failing):
    worker.swallowing, worker.failing = {"second"}, failing
    reported = []
    with pytest.raises(KeyboardInterrupt), dispatcher(HERE, tmp_path) as dispatch:
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


@pytest.fixture
def on_dask(monkeypatch):
    """Workers that settle every job as they are told to."""
    from biasaudit.engine.jobs import dask_run, dispatch

    def run_with(settle):
        monkeypatch.setattr(dask_run, "run_on_dask", lambda workers, jobs, root, settled: settle(jobs, settled))
        return lambda jobs, report, root: dispatch._run_on_dask(None, jobs, report, root)

    return run_with


def test_dask_reports_every_job_and_returns_what_failed(on_dask, tmp_path):
    def settle(jobs, settled):
        for own in jobs:
            settled(own, "it broke" if own is FIRST else None)

    reported = []
    failures = on_dask(settle)(JOBS, lambda own, reason: reported.append((own.title, reason)), tmp_path)
    assert [(failure.job.title, failure.reason) for failure in failures] == [("first", "it broke")]
    assert reported == [(own.title, "it broke" if own is FIRST else None) for own in JOBS]


def test_a_worker_that_dies_of_the_same_interrupt_has_not_failed(on_dask, tmp_path):
    def settle(jobs, settled):
        swallow_an_interrupt()
        settled(FIRST, "the worker died")

    reported = []
    with pytest.raises(KeyboardInterrupt):
        on_dask(settle)([FIRST], lambda own, _: reported.append(own), tmp_path)
    assert reported == []
