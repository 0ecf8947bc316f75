"""MLflow: one run of the experiment for each audit, with its verdict, numbers, settings and report."""

from __future__ import annotations

import os
import time
from functools import cached_property
from pathlib import Path
from typing import Any

from biasaudit.errors import UsageError
from biasaudit.registry import register
from biasaudit.run_folder.contract import AuditRecord
from biasaudit.trackers.tracker import FILES, numbers_of, settings_of, words_of

__all__ = ["MlflowTracker"]

_EXPERIMENT = "biasaudit"
_LONGEST = 500
"""Characters that MLflow takes of a parameter."""
_AT_ONCE = 100
"""Parameters, metrics and tags that MLflow takes in one batch."""


@register("tracker", "mlflow")
class MlflowTracker:
    """MLflow, set up by its own variables: MLFLOW_TRACKING_URI, MLFLOW_EXPERIMENT_NAME, MLFLOW_RUN_ID."""

    def started(self, name: str) -> None:
        """Find or make the experiment, so that a server that does not answer is known before anything runs."""
        self._experiment()

    def finished(self, out: Path, audit: AuditRecord) -> str:
        """Log verdicts as tags, numbers as metrics, the protocol as parameters and the report as an artifact."""
        run = self._run(audit["name"])
        self._log(run, audit)
        for name in FILES:
            if (out / name).exists():
                self._client.log_artifact(run, str(out / name))
        self._client.set_terminated(run)
        return f"run {run} of {self._client.tracking_uri}"

    def failed(self, name: str, reason: str) -> None:
        """Log a failed run with its reason."""
        run = self._run(name)
        self._client.set_tag(run, "failure", reason)
        self._client.set_terminated(run, "FAILED")

    @cached_property
    def _client(self) -> Any:
        try:
            from mlflow.tracking import MlflowClient
        except ImportError:
            raise UsageError("MLflow is not installed; `pip install 'biasaudit[mlflow]'`") from None
        return MlflowClient()

    def _experiment(self) -> str:
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", _EXPERIMENT)
        known = self._client.get_experiment_by_name(name)
        return str(known.experiment_id if known else self._client.create_experiment(name))

    def _run(self, name: str) -> str:
        """Return the run that was begun for this audit by whoever called it, else a new one."""
        given = os.environ.get("MLFLOW_RUN_ID")
        return given or str(self._client.create_run(self._experiment(), run_name=name).info.run_id)

    def _log(self, run: str, audit: AuditRecord) -> None:
        from mlflow.entities import Metric, Param, RunTag

        now = int(1000 * time.time())
        metrics = [Metric(name, value, now, 0) for name, value in numbers_of(audit).items()]
        params = [Param(name, value[:_LONGEST]) for name, value in settings_of(audit).items()]
        tags = [RunTag(f"biasaudit.{name}", word) for name, word in words_of(audit).items()]
        for kind, entries in (("metrics", metrics), ("params", params), ("tags", tags)):
            for first in range(0, len(entries), _AT_ONCE):
                self._client.log_batch(run, **{kind: entries[first : first + _AT_ONCE]})
