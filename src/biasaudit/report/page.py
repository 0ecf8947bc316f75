"""What the HTML pages share: the templates' environment and the style."""

from __future__ import annotations

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from biasaudit.resources import templates_folder

__all__ = ["page_environment", "page_style"]


def page_environment() -> Environment:
    """Environment of the HTML templates: everything is escaped, and an unknown name is an error."""
    return Environment(
        loader=FileSystemLoader(templates_folder()),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def page_style() -> Markup:
    """Return the style sheet, to be put into the page."""
    return Markup((templates_folder() / "report.css").read_text(encoding="utf-8"))
