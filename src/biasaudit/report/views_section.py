"""Registered sections, printed and in order: what the page puts below its own."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment
from markupsafe import Markup

from biasaudit import registry
from biasaudit.errors import UsageError
from biasaudit.report.pictures import Picture
from biasaudit.report.sections.section import Section
from biasaudit.run_folder.reading import RunRecords

__all__ = ["SectionView", "section_views"]


@dataclass(frozen=True)
class SectionView:
    """A section as the page shows it.

    Attributes
    ----------
    name, title, link : str
        Its anchor, its heading, and its word in the list of contents.
    folded, printed : bool
        Whether it is closed until it is opened, and whether it belongs to the printed summary.
    body : Markup
        What it prints.
    """

    name: str
    title: str
    link: str
    folded: bool
    printed: bool
    body: Markup


def section_views(
    environment: Environment, records: RunRecords, pictures: Mapping[str, Sequence[Picture]]
) -> tuple[SectionView, ...]:
    """Print every registered section that has something to say.

    Parameters
    ----------
    environment : Environment
        That of the page, so that whatever a section prints is escaped as there.
    records : RunRecords
    pictures : mapping of str to sequence of Picture
        By the name of the section that they were drawn for.

    Returns
    -------
    tuple of SectionView
        In the order of the page.

    Raises
    ------
    UsageError
        If a plug-in cannot be used, or its section cannot be printed.
    """
    views = []
    for name, section in _in_order():
        body = _printed(environment, name, section, records, pictures.get(name, ()))
        if body.strip():
            folded, printed = getattr(section, "folded", False), getattr(section, "printed", False)
            views.append(SectionView(name, section.title, section.link, folded, printed, body))
    return tuple(views)


def _in_order() -> Iterable[tuple[str, Section]]:
    sections = {name: registry.get("section", name)() for name in registry.names("section")}
    return sorted(sections.items(), key=lambda item: (item[1].order, item[0]))


def _printed(
    environment: Environment, name: str, section: Section, records: RunRecords, pictures: Sequence[Picture]
) -> Markup:
    """Print one section; what a plug-in raises is said in one line, with the package that it comes from."""
    try:
        content = section.content(records)
        if content is None:
            return Markup("")
        template = environment.from_string(_template(section))
        return Markup(template.render({**content, "pictures": pictures}).rstrip())
    except Exception as error:
        plug_in = registry.plug_in_of("section", name)
        if plug_in is None:
            raise
        reason = f"{type(error).__name__}: {' '.join(str(error).split())}"
        raise UsageError(f"the report section {name!r} of {plug_in} cannot be printed: {reason}") from error


def _template(section: Section) -> str:
    """Read the template beside the module of a section, unless the section holds the text itself."""
    if not section.template.endswith(".j2"):
        return section.template
    return Path(inspect.getfile(type(section))).with_name(section.template).read_text(encoding="utf-8")
