from __future__ import annotations

from dataclasses import dataclass
from types import SimpleNamespace
from typing import ClassVar

import pytest
from engine.jobs.interrupting import swallow_an_interrupt

from biasaudit.engine.jobs import run as steps
from biasaudit.engine.jobs.interrupts import interrupts_kept
from biasaudit.engine.jobs.job import Arguments, Job
from biasaudit.engine.jobs.store import Store

pytestmark = pytest.mark.usefixtures("interruptible")


@dataclass(frozen=True)
class _Nothing(Arguments):
    step: ClassVar[str] = "survey"


JOB = Job(_Nothing())


@pytest.fixture
def step(monkeypatch):
    """Put a function in the place of a step."""
    return lambda function: monkeypatch.setattr(steps, "registry", SimpleNamespace(get=lambda kind, name: function))


def test_a_job_that_ends_is_finished(step, tmp_path):
    step(lambda arguments, needs, out: (out / "made").touch())
    assert steps.run_job(JOB, tmp_path) is None
    assert Store(tmp_path).finished(JOB.key)


def test_the_traceback_of_a_job_that_fails_is_told_and_nothing_is_left(step, tmp_path):
    step(lambda arguments, needs, out: 1 / 0)
    assert "ZeroDivisionError" in steps.run_job(JOB, tmp_path)
    assert not Store(tmp_path).finished(JOB.key)


def test_a_training_that_ended_early_at_an_interrupt_is_not_finished(step, tmp_path):
    step(lambda arguments, needs, out: swallow_an_interrupt())
    with pytest.raises(KeyboardInterrupt), interrupts_kept() as require_none:
        steps.run_job(JOB, tmp_path, require_none)
    assert not Store(tmp_path).finished(JOB.key)
    assert list((tmp_path / "jobs").iterdir()) == []
