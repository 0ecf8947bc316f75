"""Tell whether a network discriminates pathology, or the signature of the dataset its images came from."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from biasaudit.protocol import Protocol
    from biasaudit.run_folder.contract import AuditRecord
    from biasaudit.trackers.tracker import Tracker

__all__ = ["run"]


def run(
    protocol: Protocol | Path | str, out: Path | str, *, workers: int = 1, trackers: Iterable[Tracker] = ()
) -> AuditRecord:
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
    AuditRecord
        What ``audit.json`` holds.

    Raises
    ------
    biasaudit.errors.BiasauditError
    """
    from biasaudit.engine.jobs.main_guard import require_main_guard

    if workers > 1:
        require_main_guard(f"biasaudit.run(..., workers={workers})")
    # Imported here so that `import biasaudit` does not load torch.
    from biasaudit.engine.audit import Options, run_audit
    from biasaudit.engine.jobs.where import Where
    from biasaudit.protocol import Protocol, load_protocol
    from biasaudit.report.render import write_report
    from biasaudit.run_folder.finished import finished_audit
    from biasaudit.trackers.telling import Telling

    plan = protocol if isinstance(protocol, Protocol) else load_protocol(Path(protocol))
    told = Telling({f"{type(tracker).__name__} {number}": tracker for number, tracker in enumerate(trackers, 1)})
    with told.audit(plan.name):
        where = Where("dask" if workers > 1 else "local", workers)
        audit = run_audit(plan, Path(out), Options(where, draw=write_report))
    for tracker in told.trackers.values():
        tracker.finished(Path(out), finished_audit(Path(out)))
    return audit
