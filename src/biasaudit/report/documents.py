"""Everything that is drawn of a run: the viewer where it is wanted, then the report, which links to it."""

from __future__ import annotations

from pathlib import Path

from biasaudit.report.render import write_report
from biasaudit.report.viewer.page import has_viewer, remove_viewer, write_viewer

__all__ = ["kept_viewer", "write_documents"]


def kept_viewer(run: Path, viewer: bool | None = None) -> bool | None:
    """Return what to ask `write_documents` for, so that a run that is audited again keeps the viewer that it had.

    Ask before the audit begins, which removes what an earlier one has written.
    """
    return True if viewer is None and has_viewer(run) else viewer


def write_documents(run: Path, viewer: bool | None = None) -> str:
    """Make every document of a run from its stored files.

    Parameters
    ----------
    run : Path
        Folder that ``biasaudit run`` wrote.
    viewer : bool, optional
        Whether to write ``viewer.html``; default: for volumes. False removes it.

    Returns
    -------
    str
        Why there is no viewer although it was asked for; else empty.

    Raises
    ------
    UsageError, DataError, IncompleteError
        As `write_report` does.
    """
    why = ""
    if viewer is False:
        remove_viewer(run)
    else:
        why = write_viewer(run, volumes_only=viewer is None)
    write_report(run)
    return why if viewer else ""
