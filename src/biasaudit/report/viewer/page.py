"""Write ``viewer.html``: one self-contained page that asks no network for anything."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from markupsafe import Markup

from biasaudit.report.page import page_environment
from biasaudit.report.viewer.content import are_pictures, viewer_content, why_nothing_to_view
from biasaudit.report.viewer.niivue import Niivue, niivue
from biasaudit.resources import templates_folder
from biasaudit.run_folder.contract import MODEL_CARD, REPORT, VIEWER_PAGE
from biasaudit.run_folder.lock import in_use
from biasaudit.run_folder.owned import OwnedFiles
from biasaudit.run_folder.place import is_marked
from biasaudit.run_folder.reading import RunRecords, load_run
from biasaudit.run_folder.space import writing_documents

__all__ = ["has_viewer", "remove_viewer", "viewer_page", "write_viewer"]

_PART = "viewer"
_UNSAFE = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026"}
"""Letters of a JSON text that could end the element around it; inside strings an escape means the same."""


def has_viewer(run: Path) -> bool:
    """Whether a run folder holds the page, and this program wrote it."""
    return (run / VIEWER_PAGE).is_file() and _PART in OwnedFiles(run).parts()


def write_viewer(run: Path, *, volumes_only: bool = False) -> str:
    """Write the page beside the report, if there is something to view.

    Parameters
    ----------
    run : Path
        Folder that ``biasaudit run`` wrote.
    volumes_only : bool
        Write none of pictures.

    Returns
    -------
    str
        Why there is none; empty if it was written, or is not wanted.

    Raises
    ------
    UsageError
        The folder is no finished run, or cannot be written to.
    DataError
        A stored file is damaged.
    IncompleteError
        There is no room for it.
    """
    with in_use(run, "run") if is_marked(run) else nullcontext():
        records = load_run(run)
        why = why_nothing_to_view(records)
        if why or (volumes_only and are_pictures(records)):
            return f"{run}: {why}" if why else ""
        _put(run, viewer_page(records).encode())
        return ""


def remove_viewer(run: Path) -> None:
    """Remove the page, if this program wrote one."""
    if has_viewer(run):
        with in_use(run, "run"):
            OwnedFiles(run).remove(_PART)


def _put(run: Path, page: bytes) -> None:
    owned = OwnedFiles(run)
    with writing_documents(run, "viewer", len(page), "biasaudit report --viewer"), in_use(run, "run"):
        # Where nothing is recorded the report's files are its own all the same, and not to be taken for foreign.
        figures = (f"figures/{path.name}" for path in (run / "figures").glob("*"))
        owned.adopt("report", (REPORT, MODEL_CARD, "junit.xml", *figures))
        owned.write(_PART, {VIEWER_PAGE: page})


def viewer_page(records: RunRecords, script: Niivue | None = None) -> str:
    """Write the page as text.

    Parameters
    ----------
    records : RunRecords
        With something to view.
    script : Niivue, optional
        What draws volumes; default: the installed one. Without any the page draws cuts by itself.

    Returns
    -------
    str
    """
    content = viewer_content(records)
    drawn_by = None if content["pictures"] else script or niivue()
    own = (templates_folder() / "viewer.js").read_text(encoding="utf-8")
    style = (templates_folder() / "viewer.css").read_text(encoding="utf-8")
    scripts = [own] if drawn_by is None else [drawn_by.script, own]
    table = records.viewer
    return page_environment().get_template("viewer.html.j2").render(
        name=records.audit.get("name") or "audit",
        version=str(records.audit["biasaudit"].get("version") or ""),
        content=content,
        left_out=list(dict.fromkeys(table.loc[table["shown"] == "left out", "subject"])),
        report=REPORT,
        drawn_by=drawn_by,
        data=json_element(content),
        scripts=[Markup(text) for text in scripts],
        style=Markup(style),
        script_hashes=[_hash(text) for text in scripts],
        style_hash=_hash(style),
    )  # fmt: skip


def json_element(content: Mapping[str, Any]) -> Markup:
    """Write JSON that nothing in it can end."""
    text = json.dumps(content, separators=(",", ":"), allow_nan=False)
    for letter, escape in _UNSAFE.items():
        text = text.replace(letter, escape)
    return Markup(text)


def _hash(text: str) -> str:
    """Hash an inline script or style as a content security policy names it."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}"
