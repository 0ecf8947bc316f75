from __future__ import annotations

import os
import signal

import pytest
from engine.jobs.interrupting import swallow_an_interrupt

from biasaudit.engine.jobs.interrupts import interrupts_kept

pytestmark = pytest.mark.usefixtures("interruptible")


def test_without_an_interrupt_nothing_is_raised():
    with interrupts_kept() as require_none:
        require_none()


def block_that_swallows(raised: list[str]) -> None:
    with interrupts_kept() as require_none:
        swallow_an_interrupt()
        try:
            require_none()
        except KeyboardInterrupt:
            raised.append("when asked")
        raise ImportError("half imported")


def test_a_swallowed_interrupt_is_raised_when_asked_and_stands_in_for_the_error_that_it_caused():
    raised = []
    with pytest.raises(KeyboardInterrupt):
        block_that_swallows(raised)
    assert raised == ["when asked"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_another_error_stays_what_it_was():
    with pytest.raises(ImportError, match="not there"), interrupts_kept():
        raise ImportError("not there")


def test_a_handler_that_does_not_interrupt_is_obeyed():
    called = []
    signal.signal(signal.SIGINT, lambda number, frame: called.append(number))
    with interrupts_kept() as require_none:
        os.kill(os.getpid(), signal.SIGINT)
        while not called:
            pass
        require_none()
    assert called == [signal.SIGINT]


def test_an_ignored_signal_stays_ignored():
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with interrupts_kept():
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
