"""What becomes of jobs whose workers or scheduler are lost, without any worker process."""

from __future__ import annotations

import pickle
import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from engine.jobs.dask_steps import job

from biasaudit import registry
from biasaudit.engine.jobs import dask_run
from biasaudit.engine.jobs.dask_run import run_on_dask
from biasaudit.engine.jobs.dask_worker import JobFailed, on_worker
from biasaudit.engine.jobs.job import Arguments, Job
from biasaudit.engine.jobs.store import Store
from biasaudit.engine.jobs.surroundings import ANY, DEVICE, surroundings
from biasaudit.engine.jobs.workers import Workers
from biasaudit.errors import IncompleteError

distributed = pytest.importorskip("distributed")

FIRST = job("first")
SECOND = job("second", "write", FIRST)
OTHER = job("other")
THIRD = job("third", "write", SECOND)
LAST = job("last", "write", OTHER)
JOBS = [FIRST, SECOND, OTHER, THIRD, LAST]


class _Client:
    """Does at once what is submitted; `outcome` gives None, the error that Dask would report, or another status."""

    def __init__(self, outcome: Callable[[str, int], Any] = lambda title, tries: None, status: str = "") -> None:
        self.outcome, self.status = outcome, status
        self.submitted: list[str] = []
        self.asked: list[tuple[Any, str]] = []

    def submit(self, function, packed, root, expected, store, *, key, pure, retries, resources=None):
        self.asked.append((resources, expected[DEVICE]))
        title = pickle.loads(packed).title
        self.submitted.append(title)
        found = self.outcome(title, self.submitted.count(title))
        if found == "killed":
            found = distributed.KilledWorker(key, types.SimpleNamespace(address="a"), 2)
        return _future(key, found, self.status)

    def scheduler_info(self, n_workers):
        return {"workers": {}}


def _future(key: str, found: Any, status: str) -> Any:
    status = found if isinstance(found, str) else status or ("finished" if found is None else "error")
    future = types.SimpleNamespace(key=key, status=status, exception=lambda: found)
    future.add_done_callback = lambda called: called(future)
    return future


def run(client: _Client, root, jobs=JOBS) -> dict[str, str | None]:
    reasons: dict[str, str | None] = {}
    run_on_dask(Workers(client, lambda: None), jobs, root, lambda own, reason: reasons.__setitem__(own.title, reason))
    return reasons


def test_finished_jobs_are_settled_and_not_submitted(tmp_path):
    with Store(tmp_path).writing(FIRST.key):
        pass
    client = _Client()
    assert run(client, tmp_path) == dict.fromkeys(["first", "second", "other", "third", "last"])
    assert sorted(client.submitted) == ["last", "other", "second", "third"]


def test_what_dask_blames_for_the_end_of_workers_is_tried_again_alone_and_then_what_needs_it(tmp_path):
    client = _Client(lambda title, tries: "killed" if title == "first" and tries == 1 else None)
    assert run(client, tmp_path) == dict.fromkeys(["first", "second", "other", "third", "last"])
    assert client.submitted == ["first", "other", "last", "first", "second", "third"]


def test_what_ends_its_worker_alone_too_has_failed_with_all_that_needs_it(tmp_path, monkeypatch):
    client = _Client(lambda title, tries: "killed" if title == "first" else None)
    reasons = run(client, tmp_path, [FIRST, OTHER])
    assert "every time that it was tried" in str(reasons["first"])
    assert reasons["other"] is None


def test_a_failure_is_told_and_loses_only_what_depends_on_it(tmp_path):
    client = _Client(lambda title, tries: JobFailed("it broke") if title == "first" else None)
    reasons = run(client, tmp_path)
    assert client.submitted == ["first", "other", "last"]
    assert {title: reason for title, reason in reasons.items() if reason} == {
        "first": "it broke",
        "second": "not run: it needs 'first', which failed",
        "third": "not run: it needs 'second', which failed",
    }


def test_what_was_finished_when_its_worker_died_is_not_done_again(tmp_path):
    def outcome(title, tries):
        if title == "first" and tries == 1:
            with Store(tmp_path).writing(FIRST.key):
                pass
        return "lost" if tries == 1 else None

    client = _Client(outcome)
    assert run(client, tmp_path, [FIRST, OTHER]) == {"first": None, "other": None}
    assert client.submitted == ["first", "other", "other"]


def test_another_error_of_dask_is_told(tmp_path):
    reasons = run(_Client(lambda title, tries: ValueError("odd")), tmp_path, [FIRST])
    assert reasons == {"first": "the worker was lost: odd"}


def test_a_lost_scheduler_ends_in_one_line(tmp_path):
    with pytest.raises(IncompleteError, match="scheduler was lost; finished jobs are kept") as error:
        run(_Client(status="cancelled"), tmp_path)
    assert "\n" not in str(error.value)


def test_workers_that_never_come_back_end_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr(dask_run, "_LOOK", 0.01)
    client, revived = _Client(), []
    client.submit = lambda *arguments, key, **options: types.SimpleNamespace(
        key=key, add_done_callback=lambda called: None
    )
    with pytest.raises(IncompleteError, match="all workers were lost"):
        run_on_dask(
            Workers(client, lambda: revived.append(1), patience=0.05), [FIRST], tmp_path, lambda own, reason: None
        )
    assert revived


def test_networks_go_to_workers_with_a_gpu_and_all_else_anywhere(tmp_path, monkeypatch):
    client = _Client()
    monkeypatch.setattr(dask_run, "_has_networks", lambda step: step == "train")
    monkeypatch.setattr(Job, "step", property(lambda own: "train" if own.title == "first" else "judge"))
    run_on_dask(Workers(client, lambda: None, gpu="H"), [FIRST, OTHER], tmp_path, lambda own, reason: None)
    assert client.asked == [({"GPU": 1}, "H"), (None, ANY)]
    run_on_dask(Workers(client, lambda: None), [FIRST], tmp_path, lambda own, reason: None)
    assert client.asked[2:] == [(None, surroundings()[DEVICE])]


def test_the_steps_that_compute_networks_are_found_in_their_code():
    found = {step for step in registry.names("step") if dask_run._has_networks(step)}
    assert {"train", "attribute", "score", "truth"} <= found
    assert not {"read", "represent", "judge", "leakage", "survey"} & found


def test_a_worker_raises_what_a_job_failed_of(tmp_path):
    with pytest.raises(JobFailed, match="No module named"):
        on_worker(pickle.dumps(Job(_Nowhere())), str(tmp_path), surroundings(), "")


@dataclass(frozen=True)
class _Nowhere(Arguments):
    step: ClassVar[str] = "engine.jobs.nowhere:act"
