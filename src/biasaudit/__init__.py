"""Tell whether a network discriminates pathology, or the signature of the dataset its images came from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from biasaudit.protocol import Protocol
    from biasaudit.run_folder.contract import AuditRecord

__all__ = ["run"]


def run(protocol: Protocol | Path | str, out: Path | str, *, workers: int = 1) -> AuditRecord:
    """Run an audit and write its report.

    Parameters
    ----------
    protocol : Protocol or path
    out : path
        New folder, or an earlier run's, which is resumed.
    workers : int
        1 runs in this process; more are Dask worker processes.

    Returns
    -------
    AuditRecord
        What ``audit.json`` holds.

    Raises
    ------
    biasaudit.errors.BiasauditError
    """
    # Imported here so that `import biasaudit` does not load torch.
    from biasaudit.engine.audit import Options, run_audit
    from biasaudit.engine.jobs.where import Where
    from biasaudit.protocol import Protocol, load_protocol
    from biasaudit.report.render import write_report

    plan = protocol if isinstance(protocol, Protocol) else load_protocol(Path(protocol))
    audit = run_audit(plan, Path(out), Options(Where("dask" if workers > 1 else "local", workers)))
    write_report(Path(out))
    return audit
