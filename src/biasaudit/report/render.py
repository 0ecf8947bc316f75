"""The report of a run: one self-contained HTML file, JUnit XML, a model card and the figures as files."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from markupsafe import Markup

from biasaudit.report.exports import exports
from biasaudit.report.junit import junit_xml
from biasaudit.report.modelcard import model_card
from biasaudit.report.own_words import in_own_words, is_table
from biasaudit.report.page import page_environment, page_style
from biasaudit.report.pictures import SECTIONS, Picture, illustrate, map_meaning
from biasaudit.report.preprocessing import preprocessing_views
from biasaudit.report.viewer.page import has_viewer
from biasaudit.report.views import arm_views
from biasaudit.report.views_bar import scale_of
from biasaudit.report.views_checks import KINDS, check_views
from biasaudit.report.views_cohort import cohort_facts, cohort_view
from biasaudit.report.views_comparison import comparison_view
from biasaudit.report.views_section import section_views
from biasaudit.report.views_steps import next_steps, step_groups
from biasaudit.report.words import GLOSSARY, STATUSES
from biasaudit.resources import templates_folder
from biasaudit.run_folder.contract import MODEL_CARD, REPORT, VIEWER_PAGE
from biasaudit.run_folder.lock import in_use
from biasaudit.run_folder.owned import OwnedFiles
from biasaudit.run_folder.place import is_marked
from biasaudit.run_folder.reading import (
    RunRecords,
    load_run,
    positive_class,
    withheld,
)
from biasaudit.run_folder.space import writing_documents

__all__ = ["html_page", "write_report"]


def write_report(run: Path) -> Path:
    """Make every document of a run from its stored files.

    Parameters
    ----------
    run : Path
        Folder that ``biasaudit run`` wrote; receives ``report.html``, ``junit.xml``, ``modelcard.md``,
        ``audit.schema.json``, ``methods/`` and ``figures/``.

    Returns
    -------
    Path
        The HTML report.

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
        return _written(run, load_run(run))


def _written(run: Path, records: RunRecords) -> Path:
    pictures, files = illustrate(records)
    documents = {
        **files,
        **exports(records),
        MODEL_CARD: model_card(records).encode(),
        "junit.xml": junit_xml(records),
        REPORT: in_own_words(html_page(records, pictures), records).encode(),
    }
    with writing_documents(run, "report", sum(map(len, documents.values())), "biasaudit report"), in_use(run, "run"):
        owned = OwnedFiles(run)
        owned.adopt("report", documents)
        owned.write("report", documents)
    return run / REPORT


def html_page(records: RunRecords, pictures: Mapping[str, Sequence[Picture]]) -> str:
    """Write the page.

    Parameters
    ----------
    records : RunRecords
    pictures : mapping of str to sequence of Picture
        By section; one that has nothing else to show is left out without them.

    Returns
    -------
    str
    """
    environment = page_environment()
    script = (templates_folder() / "report.js").read_text(encoding="utf-8")
    return environment.get_template("report.html.j2").render(
        **_content(records),
        pictures={section: pictures.get(section, ()) for section in SECTIONS},
        sections=section_views(environment, records, pictures),
        withheld=withheld(records.findings),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii"),
        style=page_style(),
    )


def _content(records: RunRecords) -> dict[str, Any]:
    arms = arm_views(records)
    audit = records.audit
    return {
        "name": audit.get("name") or "audit",
        "finished": str(audit["biasaudit"].get("finished") or ""),
        "version": str(audit["biasaudit"].get("version") or ""),
        "arms": arms,
        "positive": positive_class(records),
        "scale": scale_of(audit["settings"].get("verdict") or {}),
        "steps": step_groups(next_steps(records, arms)),
        "checks": check_views(records),
        "kinds": KINDS,
        "facts": cohort_facts(records),
        "glossary": GLOSSARY,
        "cohort": cohort_view(records),
        "preprocessing": preprocessing_views(records),
        "comparison": comparison_view(records) if len(arms) > 1 else None,
        "statuses": STATUSES,
        "features": is_table(records),
        "erased": "variant" in records.scores and "erased" in set(records.scores["variant"]),
        "sign": map_meaning(records).sign.replace("{target}", positive_class(records)),
        "viewer": VIEWER_PAGE if has_viewer(records.run) else "",
    }
