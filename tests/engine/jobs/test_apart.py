"""Jobs in a worker process that they may end."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest

from biasaudit.engine.jobs import apart
from biasaudit.engine.jobs.child import ChildEnded


class Fallible:
    """Stands for a child: each ends as many jobs as it is told."""

    started = 0
    deaths = 0

    def __init__(self):
        type(self).started += 1

    def call(self, function, job, root):
        if type(self).deaths > 0:
            type(self).deaths -= 1
            raise ChildEnded("signal 6, Aborted")
        return function(job, root)

    def close(self):
        pass


@pytest.fixture
def run(monkeypatch, tmp_path):
    def with_deaths(deaths):
        Fallible.started, Fallible.deaths = 0, deaths
        monkeypatch.setattr(apart, "Child", Fallible)
        monkeypatch.setattr(apart, "run_job", lambda job, root: job.reason)
        with apart.worker(tmp_path) as worker:
            return [worker.run(SimpleNamespace(reason=reason)) for reason in (None, "because")]

    return with_deaths


def test_one_process_for_all_jobs(run):
    assert run(0) == [None, "because"]
    assert Fallible.started == 1


def test_a_worker_that_was_killed_is_started_again(run):
    assert run(1) == [None, "because"]
    assert Fallible.started == 2


def test_a_job_that_ends_two_workers_is_lost_and_the_next_one_runs(run):
    lost, next_one = run(2)
    assert lost == "the code that the protocol names ended the process that it ran in (signal 6, Aborted)"
    assert next_one == "because"


def test_nobody_is_left_behind(tmp_path):
    with apart.worker(tmp_path) as worker:
        worker._child = child = apart.Child()
        number = child.call(os.getpid)
    with pytest.raises(ProcessLookupError):
        os.kill(number, 0)
