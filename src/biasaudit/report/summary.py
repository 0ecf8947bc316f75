"""The summary of an audit as a small piece of HTML that a notebook shows: no script, no style sheet, no request."""

from __future__ import annotations

from biasaudit.report.own_words import in_own_words
from biasaudit.report.page import page_environment
from biasaudit.report.views import arm_views
from biasaudit.report.views_steps import next_steps, step_groups
from biasaudit.run_folder.contract import REPORT
from biasaudit.run_folder.reading import RunRecords

__all__ = ["summary_html"]

_COLOURS = {"ORIGIN": "#b3261e", "MIXED": "#a8500a", "PATHOLOGY": "#1b7a3d", "UNDETERMINED": "#4b5563"}
"""Those of the report. Notebooks that are not trusted drop style sheets and keep the style of single elements."""


def summary_html(records: RunRecords) -> str:
    """Write verdict, reason, reliance, what to do, and the arms.

    Parameters
    ----------
    records : RunRecords

    Returns
    -------
    str
        Everything in it that comes from a user is escaped.
    """
    arms = arm_views(records)
    page = (
        page_environment()
        .get_template("summary.html.j2")
        .render(
            name=records.audit.get("name") or "audit",
            arms=arms,
            colours=_COLOURS,
            groups=step_groups(next_steps(records, arms)),
            report=str(records.run / REPORT),
        )
    )
    return in_own_words(page, records)
