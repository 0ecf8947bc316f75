"""What the HTML pages share: the templates' environment and the style."""

from __future__ import annotations

import re

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from biasaudit.records import EstimateRecord
from biasaudit.report.words import interval, number, percent
from biasaudit.resources import templates_folder

__all__ = ["coded", "page_environment", "page_style"]

_SHEETS = ("report.css", "figures.css", "grids.css")
_BACKTICKS = re.compile(r"`([^`\n]+)`")


def page_environment() -> Environment:
    """Environment of the HTML templates: everything is escaped, and an unknown name is an error."""
    environment = Environment(
        loader=FileSystemLoader(templates_folder()),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(coded=coded, percent=percent, number=number, between=_between)
    return environment


def coded(text: str) -> Markup:
    """Escape a sentence and set what stands between backticks as code."""
    return Markup(_BACKTICKS.sub(r"<code>\1</code>", str(escape(text))))


def _between(record: EstimateRecord) -> str:
    return interval(record["low"], record["high"], is_share=True)


def page_style() -> Markup:
    """Return the style sheets of the page, its figures and its grids of images, to be put into the page."""
    return Markup("".join((templates_folder() / name).read_text(encoding="utf-8") for name in _SHEETS))
