"""Notes that name subjects or files, and what is left of them where nobody may be named."""

from __future__ import annotations

from typing import Self

__all__ = ["Note"]


class Note(str):
    """A note with names, which a pseudonymised run leaves out: those of subjects that are not kept have no pseudonym.

    A note that names nobody is a plain text.

    Attributes
    ----------
    anonymous : str
        The same without names, but with their count.
    """

    anonymous: str

    def __new__(cls, text: str, anonymous: str) -> Self:
        """Make a note of its text and what may be told where nobody is named."""
        note = super().__new__(cls, text)
        note.anonymous = anonymous
        return note

    def __reduce__(self) -> tuple[type[Note], tuple[str, str]]:
        """Return what a copy in another process is made of."""
        return type(self), (str(self), self.anonymous)
