"""An audit as a run of MLflow: with a client that notes its calls, and with the real one where it is installed."""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace

import pytest
from trackers.test_tracker import AUDIT

from biasaudit.errors import UsageError
from biasaudit.trackers.mlflow import MlflowTracker


class Client:
    """What is used of MlflowClient."""

    tracking_uri = "file:/runs"
    calls: list[tuple]

    def get_experiment_by_name(self, name):
        return None

    def create_experiment(self, name):
        self.calls.append(("experiment", name))
        return "7"

    def create_run(self, experiment, run_name):
        self.calls.append(("run", experiment, run_name))
        return SimpleNamespace(info=SimpleNamespace(run_id="r1"))

    def log_batch(self, run, **entries):
        self.calls.append(("batch", run, entries))

    def log_artifact(self, run, path):
        self.calls.append(("file", run, path.rpartition("/")[2]))

    def set_tag(self, run, name, value):
        self.calls.append(("tag", run, name, value))

    def set_terminated(self, run, status="FINISHED"):
        self.calls.append(("end", run, status))


@pytest.fixture
def calls(monkeypatch):
    """Put a client that notes its calls in the place of MLflow's."""
    own: list[tuple] = []
    made = type("Noting", (Client,), {"calls": own})
    entity = lambda *words: words  # noqa: E731
    for name, content in {
        "mlflow": {},
        "mlflow.tracking": {"MlflowClient": made},
        "mlflow.entities": {"Metric": entity, "Param": entity, "RunTag": entity},
    }.items():
        module = ModuleType(name)
        vars(module).update(content)
        monkeypatch.setitem(sys.modules, name, module)
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_NAME"):
        monkeypatch.delenv(name, raising=False)
    return own


def test_verdict_numbers_settings_and_report_are_logged(calls, tmp_path):
    (tmp_path / "report.html").write_text("page")
    tracker = MlflowTracker()
    tracker.started("study")
    assert tracker.finished(tmp_path, AUDIT) == "run r1 of file:/runs"
    batches = {kind: entries for call in calls if call[0] == "batch" for kind, entries in call[2].items()}
    assert ("biasaudit.verdict", "ORIGIN") in batches["tags"]
    assert ("folds.n", "5") in batches["params"]
    assert next(entry[:2] for entry in batches["metrics"] if entry[0] == "reliance.low.intensity")[1] == 0.6
    assert [call for call in calls if call[0] == "file"] == [("file", "r1", "report.html")]
    assert calls[-1] == ("end", "r1", "FINISHED")


def test_a_run_that_was_begun_for_it_is_used(calls, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_RUN_ID", "mine")
    MlflowTracker().finished(tmp_path, AUDIT)
    assert calls[-1] == ("end", "mine", "FINISHED")
    assert not any(call[0] == "run" for call in calls)


def test_batches_are_no_larger_than_it_takes(calls, tmp_path):
    many = AUDIT | {"settings": {f"key{number}": "x" * 9000 for number in range(250)}}
    MlflowTracker().finished(tmp_path, many)
    sizes = [len(call[2]["params"]) for call in calls if call[0] == "batch" and "params" in call[2]]
    assert sizes == [100, 100, 50]
    assert all(len(value) <= 500 for call in calls if call[0] == "batch" for _, value in call[2].get("params", ()))


def test_a_failure_is_a_failed_run_with_its_reason(calls):
    MlflowTracker().failed("study", "2 jobs failed")
    assert calls[-2:] == [("tag", "r1", "failure", "2 jobs failed"), ("end", "r1", "FAILED")]


def test_one_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow.tracking", None)
    with pytest.raises(UsageError, match=r"pip install 'biasaudit\[mlflow\]'"):
        MlflowTracker().started("study")


@pytest.mark.slow
def test_the_real_one_takes_all_of_it(tmp_path, monkeypatch):
    tracking = pytest.importorskip("mlflow.tracking")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "runs").as_uri())
    (tmp_path / "report.html").write_text("page")
    tracker = MlflowTracker()
    tracker.started("study")
    run = tracker.finished(tmp_path, AUDIT).split()[1]
    data = tracking.MlflowClient().get_run(run).data
    assert data.tags["biasaudit.verdict"] == "ORIGIN"
    assert data.metrics["auc.estimate.intensity"] == 0.9
