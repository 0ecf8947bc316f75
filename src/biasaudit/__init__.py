"""Tell whether a network discriminates pathology, or the signature of the dataset its images came from."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from biasaudit.audit import Audit
    from biasaudit.protocol import Protocol
    from biasaudit.trackers.tracker import Tracker

__all__ = ["load", "run"]


def run(
    protocol: Protocol | Path | str, out: Path | str, *, workers: int = 1, trackers: Iterable[Tracker] = ()
) -> Audit:
    """Run an audit and write its report.

    Parameters
    ----------
    protocol : Protocol or path
    out : path
        New folder, or an earlier run's, which is resumed.
    workers : int
        1 runs in this process; more are Dask worker processes, which a script may only start below
        ``if __name__ == "__main__":``.
    trackers : iterable of Tracker
        Told when the audit begins and ends; see `biasaudit.trackers.tracker.Tracker`. What one raises at the end
        reaches the caller; the run is finished then.

    Returns
    -------
    biasaudit.audit.Audit
        What was found: findings, scores and subjects as tables, verdict and reliance; a notebook shows the summary.
        As a mapping it is what ``audit.json`` holds.

    Raises
    ------
    biasaudit.errors.BiasauditError
    """
    from biasaudit.engine.jobs.main_guard import require_main_guard

    if workers > 1:
        require_main_guard(f"biasaudit.run(..., workers={workers})")
    # Imported here so that `import biasaudit` does not load torch.
    from biasaudit.audit import Audit
    from biasaudit.engine.audit import Options, run_audit
    from biasaudit.engine.jobs.where import Where
    from biasaudit.protocol import Protocol, load_protocol
    from biasaudit.report.documents import write_documents
    from biasaudit.run_folder.finished import finished_audit
    from biasaudit.trackers.telling import Telling

    plan = protocol if isinstance(protocol, Protocol) else load_protocol(Path(protocol))
    told = Telling({f"{type(tracker).__name__} {number}": tracker for number, tracker in enumerate(trackers, 1)})
    with told.audit(plan.name):
        where = Where("dask" if workers > 1 else "local", workers)
        run_audit(plan, Path(out), Options(where, draw=write_documents))
    for tracker in told.trackers.values():
        tracker.finished(Path(out), finished_audit(Path(out)))
    return Audit(Path(out))


def load(folder: Path | str) -> Audit:
    """Read a finished audit.

    Parameters
    ----------
    folder : path
        That ``biasaudit run`` or `run` wrote.

    Returns
    -------
    biasaudit.audit.Audit

    Raises
    ------
    biasaudit.errors.UsageError
        The folder is no run.
    biasaudit.errors.DataError
        A file of the run is damaged; every one is named.
    biasaudit.errors.IncompleteError
        The run is not finished.
    """
    # Imported here so that `import biasaudit` stays as light as a name.
    from biasaudit.audit import Audit

    return Audit(folder)
