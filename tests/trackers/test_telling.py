"""A tracker that fails costs a line, never a result."""

from __future__ import annotations

from pathlib import Path

import pytest

from biasaudit.errors import IncompleteError, UsageError
from biasaudit.trackers.telling import Telling, trackers_called


class Book:
    """Writes down what it is told, and fails where it is asked to."""

    def __init__(self, fails: str = "") -> None:
        self.fails, self.told = fails, []

    def _note(self, what: str, *words: object) -> None:
        self.told.append((what, *words))
        if self.fails == what:
            raise ConnectionError("no answer\nmore lines")

    def started(self, name: str) -> None:
        self._note("started", name)

    def finished(self, out: Path, audit: dict) -> str:
        self._note("finished", out)
        return "page 1"

    def failed(self, name: str, reason: str) -> None:
        self._note("failed", name, reason)


def test_a_run_is_told_from_beginning_to_end(tmp_path):
    book = Book()
    telling = Telling({"book": book})
    with telling.audit("study"):
        pass
    assert telling.finished(tmp_path, {}) == ["book: page 1"]
    assert book.told == [("started", "study"), ("finished", tmp_path)]


def test_one_that_takes_nothing_ends_the_command_before_anything_runs():
    refused = pytest.raises(UsageError, match="the tracker book cannot be used: no answer; mend it")
    with refused, Telling({"book": Book("started")}).audit("study"):
        pytest.fail("the audit began")


def test_a_failed_audit_is_told_and_stays_the_error():
    books = {"bad": Book("failed"), "good": Book()}
    with pytest.raises(IncompleteError), Telling(books).audit("study"):
        raise IncompleteError("2 jobs failed, first 'read sub-anna'")
    assert books["good"].told[-1][:2] == ("failed", "study")
    assert books["good"].told[-1][2].startswith("IncompleteError: Some jobs failed")
    assert "anna" not in str(books["good"].told)


def test_a_finished_run_survives_its_tracker(tmp_path):
    lines = Telling({"bad": Book("finished"), "good": Book()}).finished(tmp_path, {})
    assert lines[0].startswith("bad: did not take the results (no answer); the run is finished")
    assert lines[1] == "good: page 1"


def test_a_name_that_is_not_known():
    with pytest.raises(UsageError, match="no tracker is called 'mlflwo'; did you mean 'mlflow'"):
        trackers_called(["mlflwo"])
