from __future__ import annotations

import sys
import types
from contextlib import nullcontext

import pytest

from biasaudit.engine.plan import plan_audit


@pytest.fixture
def estimate(monkeypatch):
    """The module, with the steps left out: only their thread limit is needed."""
    fake = types.ModuleType("biasaudit.engine.jobs.run")
    fake.one_thread = nullcontext
    monkeypatch.setitem(sys.modules, "biasaudit.engine.jobs.run", fake)
    monkeypatch.delitem(sys.modules, "biasaudit.engine.estimate", raising=False)
    import biasaudit.engine.estimate as module

    yield module
    sys.modules.pop("biasaudit.engine.estimate", None)


def test_a_real_step_is_timed(estimate, situation, facts):
    own = situation()
    seconds = estimate.estimate_seconds(own, plan_audit(own, facts(own)).jobs)
    assert 0 < seconds < 36_000


def test_no_jobs_no_time(estimate, situation):
    assert estimate.estimate_seconds(situation(), []) == 0


def test_training_time_is_rows_times_epochs(estimate, situation, facts, monkeypatch):
    monkeypatch.setattr(estimate, "_seconds_per_image", lambda situation: 2.0)

    def training(extra):
        own = situation(extra)
        jobs = [job for job in plan_audit(own, facts(own)).jobs if job.step == "train"]
        rows = sum(len(job.arguments.rows) for job in jobs)
        return estimate.estimate_seconds(own, jobs), rows

    seconds, rows = training("target: {training: {epochs: 10}}\n")
    assert seconds == pytest.approx(2.0 * 10 * rows)
    assert training("target: {training: {epochs: 20}}\n")[0] == pytest.approx(2 * seconds)


def test_every_step_of_a_plan_costs_something(estimate, situation, facts, monkeypatch):
    monkeypatch.setattr(estimate, "_seconds_per_image", lambda situation: 1.0)
    own = situation()
    for job in plan_audit(own, facts(own)).jobs:
        assert estimate.estimate_seconds(own, [job]) > 0, job.title


def test_the_global_stream_may_move_but_the_network_is_the_protocols(estimate, situation):
    with pytest.raises(Exception, match="no network is called 'cnnn'"):
        estimate.estimate_seconds(situation("target: {network: cnnn}\n"), [])
