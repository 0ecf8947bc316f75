"""The model card: what a released network should carry about what it reads."""

from __future__ import annotations

import re
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from biasaudit.report.methods import CHECKLISTS, checklist
from biasaudit.report.views import arm_views
from biasaudit.report.views_cohort import cohort_view
from biasaudit.report.views_steps import next_steps
from biasaudit.resources import templates_folder
from biasaudit.run_folder.reading import RunRecords

__all__ = ["model_card"]

_BLANKS = re.compile(r"\s+")
_SPECIAL = re.compile(r"([\\`*_\[\]|])")


def model_card(records: RunRecords) -> str:
    """Write the model card in Markdown.

    Parameters
    ----------
    records : RunRecords

    Returns
    -------
    str
    """
    # The finaliser escapes what Markdown and HTML would act on; autoescape knows HTML only.
    environment = Environment(
        loader=FileSystemLoader(templates_folder()),
        undefined=StrictUndefined,
        finalize=_plain,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    arms = arm_views(records)
    text = environment.get_template("modelcard.md.j2").render(
        name=records.audit.get("name") or "audit",
        arms=arms,
        cohort=cohort_view(records),
        steps=next_steps(records, arms),
        limits=tuple(records.audit["limits"]),
        network=_network(records),
        version=records.audit["biasaudit"].get("version", ""),
        checklist=checklist(records),
        checklists=CHECKLISTS,
    )
    return re.sub(r"\n{3,}", "\n\n", text)


def _network(records: RunRecords) -> str:
    target = records.audit["settings"].get("target") or {}
    return str(target.get("network") or "not recorded")


def _plain(value: Any) -> str:
    """Escape text so that Markdown prints it as it is, on one line."""
    text = _BLANKS.sub(" ", str(value))
    return _SPECIAL.sub(r"\\\1", text).replace("<", "&lt;")
