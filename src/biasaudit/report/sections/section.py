"""What a section of the report says of itself, and what its template is given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Protocol

from biasaudit.run_folder.reading import RunRecords

__all__ = ["Section"]


class Section(Protocol):
    """One section of ``report.html``, between what the network learned and the foot of the page.

    A class with these attributes is a section as soon as ``@register("section", name)`` stands above it; it need not
    inherit from this one. The name becomes the anchor of the section, ``#name``.

    Attributes
    ----------
    title : str
        The heading.
    link : str
        The word in the list of contents; empty for a section that is not listed there.
    order : int
        Sections stand in the order of these numbers, and by name where two are equal. Those of this package have
        multiples of five: `attributes` 5, `truth` 10, `comparability` 15, `training` 20, `methods` 30, `limits` 40,
        `files` 45, `provenance` 50.
    folded : bool, optional
        Whether only the heading is seen until a reader opens the section. Without it: no.
    printed : bool, optional
        Whether the section belongs to the summary that is printed. Without it: no.
    template : str
        A Jinja2 template of what stands under the heading: the name of a file beside the module that ends in ``.j2``,
        or the text itself. Whatever it prints is escaped.
    """

    title: ClassVar[str]
    link: ClassVar[str]
    order: ClassVar[int]
    template: ClassVar[str]

    def content(self, run: RunRecords) -> Mapping[str, object] | None:
        """Prepare what the template prints, by the names that the template knows it under.

        Parameters
        ----------
        run : RunRecords
            All that the report is made from. Never changed.

        Returns
        -------
        mapping of str to object, or None
            None leaves the section out; so does a template that prints nothing. The name `pictures` is taken: under it
            the template finds the figures that were drawn for this section.
        """
        ...
