"""A process of its own: what it returns, what it raises, how it ends."""

from __future__ import annotations

import os
import sys
import time

import pytest
from engine.jobs.ending import ends, odd, refuses, twice, where

from biasaudit.engine.jobs.child import Child, ChildEnded, in_child
from biasaudit.errors import DataError


@pytest.fixture(scope="module")
def child():
    with Child() as own:
        yield own


def test_results_and_errors_come_back(child):
    assert child.call(twice, 3, more=1) == 7
    assert child.call(where)[0] not in (os.getpid(), None)
    assert child.call(where)[1][0] == sys.path[0]
    with pytest.raises(DataError, match="a: b; c"):
        child.call(refuses)


def test_errors_that_cannot_be_sent_come_back_in_words(child):
    with pytest.raises(RuntimeError, match="Odd: odd"):
        child.call(odd)


@pytest.mark.parametrize(("how", "words"), [("exit", r"SystemExit\(0\)"), ("interrupt", r"KeyboardInterrupt\(\)")])
def test_what_would_end_this_process_does_not(child, how, words):
    with pytest.raises(ChildEnded, match=f"it raised {words}"):
        child.call(ends, how)


@pytest.mark.parametrize(
    ("how", "words"), [("abort", "signal 6, Aborted"), ("kill", "signal 9, Killed"), ("", "exit code 0")]
)
def test_how_it_ended(how, words):
    with pytest.raises(ChildEnded, match=words):
        in_child(ends, how)


def test_it_ends_with_the_block():
    with Child() as own:
        number, _ = own.call(where)
    for _ in range(100):
        try:
            os.kill(number, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    pytest.fail("it lives on")
