"""What was planted in a copy of a cohort, and how networks retrained on it answer (G3)."""

from __future__ import annotations

from dataclasses import dataclass

from biasaudit.records.arrays import BoolArray, FloatArray

__all__ = ["Plant", "SpikeIn", "SpikeTrial"]


@dataclass(frozen=True)
class SpikeTrial:
    """Scores by networks retrained after an edit was made to some of the images (G3).

    Attributes
    ----------
    edited : bool (n,)
        Whether the subject is judged by its image with the edit.
    without, with_edit : float (n,)
        Held-out margins of the image without and with it.
    """

    edited: BoolArray
    without: FloatArray
    with_edit: FloatArray


@dataclass(frozen=True)
class Plant:
    """A synthetic signature (G3).

    Attributes
    ----------
    kinds : tuple of str
        Kinds of signature that are planted together.
    strength : float
        Of each; 1 is plain to see.
    mislabelled : float
        Share of the images whose label is turned in training, and the plant with it, so that it is of use to a network
        that reads the disease without error.
    """

    kinds: tuple[str, ...]
    strength: float
    mislabelled: float = 0.0

    def __str__(self) -> str:
        wrong = f", {100 * self.mislabelled:.0f} % of the labels turned" if self.mislabelled else ""
        return f"{' + '.join(self.kinds)} at strength {self.strength:g}{wrong}"


@dataclass(frozen=True)
class SpikeIn:
    """The edit assigned by the label, which must be found, and at random, which must not (G3).

    Attributes
    ----------
    planted, sham : SpikeTrial
        Networks retrained on the last rung of the ladder that was climbed.
    ladder : tuple of Plant
        All plants that there are, in the order in which they are tried; the last rung climbed is number `len(owed)`.
    owed : tuple of float
        Share of the class gap that networks owed to the plants of the rungs below.
    """

    planted: SpikeTrial
    sham: SpikeTrial
    ladder: tuple[Plant, ...] = ()
    owed: tuple[float, ...] = ()

    @property
    def plant(self) -> Plant | None:
        """The plant of this rung."""
        return self.ladder[len(self.owed)] if self.ladder else None

    @property
    def rungs_left(self) -> int:
        """How many further plants there are."""
        return max(0, len(self.ladder) - len(self.owed) - 1)
