"""The model card: what a released network should carry about what it reads, with the head that Hugging Face reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from io import StringIO
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from ruamel.yaml import YAML
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from biasaudit.report.methods import checklist
from biasaudit.report.model_index import card_data
from biasaudit.report.own_words import in_own_words
from biasaudit.report.views import arm_views
from biasaudit.report.views_cohort import cohort_view
from biasaudit.report.views_steps import next_steps
from biasaudit.resources import templates_folder
from biasaudit.run_folder.reading import RunRecords

__all__ = ["model_card"]

_BLANKS = re.compile(r"\s+")
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff\ufffe\uffff]")
_SPECIAL = re.compile(r"([\\`*_\[\]|#!~])")
_ENTITY = re.compile(r"&(?=#?\w+;)")
_CODE = re.compile(r"`([^`|]+)`")
_ENDLESS = 2**31 - 1
"""Width at which YAML never breaks a line."""


def model_card(records: RunRecords) -> str:
    """Write the model card: a head in YAML, then Markdown.

    Parameters
    ----------
    records : RunRecords

    Returns
    -------
    str
        In the words of what was audited: of pixels or features where there are no voxels.
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
    environment.filters["coded"] = _coded
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
    )
    return f"---\n{_yaml(card_data(records))}---\n\n" + in_own_words(re.sub(r"\n{3,}", "\n\n", text), records)


def _network(records: RunRecords) -> str:
    target = records.audit["settings"].get("target") or {}
    return str(target.get("network") or "not recorded")


class _Markdown(str):
    """Text that is Markdown already."""

    __slots__ = ()


def _plain(value: Any) -> str:
    """Escape text so that Markdown prints it as it is, on one line; comparisons by their signs."""
    if isinstance(value, _Markdown):
        return value
    text = _one_line(value).replace("<=", "≤").replace(">=", "≥")
    marked = _ENTITY.sub("&amp;", _SPECIAL.sub(r"\\\1", text))
    return marked.replace("<", "&lt;").replace(">", "&gt;")


def _coded(value: Any) -> _Markdown:
    """Escape text but for what stands between two backticks, which is code; not for cells of a table."""
    parts = _CODE.split(_one_line(value))
    parts[::2] = [_plain(part) for part in parts[::2]]
    parts[1::2] = [f"`{part}`" for part in parts[1::2]]
    return _Markdown("".join(parts))


def _one_line(value: Any) -> str:
    return _UNPRINTABLE.sub("", _BLANKS.sub(" ", str(value)))


def _yaml(data: Mapping[str, Any]) -> str:
    """Write the head; all text in double quotes, so that no reader takes it for a number, a date or anything else.

    Tags are escaped too: whoever shows the file without knowing of heads shows this one as Markdown.
    """
    stream = StringIO()
    writer = YAML()
    writer.width = _ENDLESS
    writer.dump(_quoted(data), stream)
    return stream.getvalue().replace("<", "\\u003C")


def _quoted(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _quoted(own) for key, own in value.items()}
    if isinstance(value, list | tuple):
        return [_quoted(own) for own in value]
    return DoubleQuotedScalarString(_one_line(value)) if isinstance(value, str) else value
