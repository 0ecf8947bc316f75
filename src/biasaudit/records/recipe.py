"""The input that a network learns from."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Recipe"]


@dataclass(frozen=True, order=True)
class Recipe:
    """An input, and which training images of it; arms of one recipe share their networks.

    Attributes
    ----------
    input : str
        Name of the representation, without the folder of a file of the user's.
    balanced : bool
        Whether the training images are drawn so that every origin holds as many of each class.
    """

    input: str
    balanced: bool = False

    def __str__(self) -> str:
        return f"{self.input} (balanced)" if self.balanced else self.input

    @property
    def unbalanced(self) -> Recipe:
        """The same input with all training images."""
        return Recipe(self.input)
