"""Arguments of the steps that edit images or inputs and ask the networks again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from biasaudit.engine.arguments.inputs import OwnInput, representation_component
from biasaudit.engine.arguments.networks import MODELS
from biasaudit.engine.jobs.job import Arguments, Component, Role
from biasaudit.records import Grid, Sample

__all__ = [
    "DONORS",
    "FramesArguments",
    "SignatureTransferArguments",
    "SpikeInArguments",
    "TruthArguments",
    "models_of_fold",
]

DONORS = 6
"""Images whose frame every image is given, of the other and of its own class; their margins are averaged."""


def models_of_fold(fold: int) -> Role:
    """Role of the networks that held one fold out, where a step reads those of all folds."""
    return Role(MODELS.name, str(fold))


@dataclass(frozen=True)
class SignatureTransferArguments(Arguments):
    """Impose the signature of the other class on every image, and a sham.

    Attributes
    ----------
    sides : tuple of int
        Class, 0 or 1, of every row of the cohort.
    folds : tuple of int
        Fold that holds a row out, for every row of the cohort.
    representation : str
        Registered name.
    own : OwnInput or None
        The user's function that goes before the name.
    grid : Grid
    seed : int
    """

    step: ClassVar[str] = "signature_transfer"
    sides: tuple[int, ...]
    folds: tuple[int, ...]
    representation: str
    grid: Grid
    seed: int
    own: OwnInput | None = None

    @property
    def components(self) -> tuple[Component, ...]:
        """The representation."""
        return representation_component(self.representation, self.own)


@dataclass(frozen=True)
class FramesArguments(Arguments):
    """Exchange the frames of the images that one fold holds out, and blank their fields.

    Attributes
    ----------
    rows : tuple of int
        Rows of the cohort that the fold holds out.
    sides : tuple of int
        Class, 0 or 1, of each.
    subjects : tuple of str
        Subject of each.
    representation : str
        Registered name.
    own : OwnInput or None
        The user's function that goes before the name.
    grid : Grid
    seed : int
    donors : int
        See `DONORS`.
    """

    step: ClassVar[str] = "frames"
    rows: tuple[int, ...]
    sides: tuple[int, ...]
    subjects: tuple[str, ...]
    representation: str
    grid: Grid
    seed: int
    own: OwnInput | None = None
    donors: int = DONORS

    @property
    def components(self) -> tuple[Component, ...]:
        """The representation."""
        return representation_component(self.representation, self.own)


@dataclass(frozen=True)
class TruthArguments(Arguments):
    """Score simulated subjects as rendered at every site.

    Attributes
    ----------
    reader : str
        Registered name of one that renders counterfactuals.
    foreground : str
        How the foreground is found where no mask is given; see the protocol.
    samples : tuple of Sample
        Held-out simulated samples.
    hashes : mapping of path to str
        SHA-256 of every file that is read.
    grid : Grid
    representation : str
        Registered name.
    own : OwnInput or None
        The user's function that goes before the name.
    """

    step: ClassVar[str] = "truth"
    reads_files: ClassVar[bool] = True
    reader: str
    foreground: str
    samples: tuple[Sample, ...]
    hashes: Mapping[str, str]
    grid: Grid
    representation: str
    own: OwnInput | None = None

    @property
    def components(self) -> tuple[Component, ...]:
        """The reader and the representation."""
        return (Component("reader", self.reader), *representation_component(self.representation, self.own))


@dataclass(frozen=True)
class SpikeInArguments(Arguments):
    """Plant a synthetic signature in one block of network inputs.

    Attributes
    ----------
    planted, sham : tuple of bool
        For every row of the block whether it carries the edit, by the label and by chance.
    strengths : mapping of str to float
        Kinds of `biasaudit.edits.planting.signature.SIGNATURES`.
    size : float
        Largest root mean square of the change, in standard deviations of the input.
    first : int
        Number of the block's first row, since every image has its own chance.
    seed : int
    """

    step: ClassVar[str] = "spike_in"
    planted: tuple[bool, ...]
    sham: tuple[bool, ...]
    strengths: Mapping[str, float]
    size: float
    first: int
    seed: int
