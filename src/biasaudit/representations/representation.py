"""Define what a representation must offer: the facts about itself, and the call that makes a network input."""

from __future__ import annotations

from typing import ClassVar, Literal, Protocol, runtime_checkable

import numpy as np

from biasaudit.records import FloatArray, Grid, Volume

__all__ = ["Harmonising", "Representation", "Shown"]

Shown = Literal["image", "tissue", "maps", "features"]
"""What a network input is made from; ``features`` are columns of a table, in place of images."""


class Representation(Protocol):
    """How a network input is made of what was read of one subject.

    A class with these attributes is a representation as soon as ``@register("representation", name)`` stands above it;
    it need not inherit from this one. Nothing else in the package knows it by name. One that also has the method of
    `Harmonising` is learnt anew in every fold.

    Attributes
    ----------
    shows : {"image", "tissue", "maps", "features"}
        ``image``: made anew of every image, edited ones too. ``tissue``: tissue maps, the user's own where all images
        have them. ``maps``: the files that `cohort.maps` names. ``features``: the columns of a table.
    shows_pathology : bool
        False for a control that leaves out the inside of the anatomy: with the pathology erased it looks the same.
    needs_priors : bool
        Whether it is made with GM, WM and CSF priors in MNI152 space where the user has no tissue maps; then the
        images must be 3-D.
    remedy : str
        What `--with-remedies` tries it for, as words of a sentence; empty where it is no remedy.
    caution : str
        Sentence on what a run that shows it must not be taken for, unless tissue maps of the user's own stand in for
        what is computed; empty where there is nothing to say.
    """

    shows: ClassVar[Shown]
    shows_pathology: ClassVar[bool]
    needs_priors: ClassVar[bool]
    remedy: ClassVar[str]
    caution: ClassVar[str]

    def channels(self, image_channels: int) -> int:
        """Count the channels of the network input.

        Parameters
        ----------
        image_channels : int
            Channels of an image; where the user's maps are shown, the number of maps.
        """
        ...

    def transform(self, volume: Volume, priors: FloatArray | None, grid: Grid) -> FloatArray:
        """Make the network input of one subject.

        Parameters
        ----------
        volume : Volume
            Never changed; its `mask` must not be looked at, since it gives the label away.
        priors : float (3, *shape) or None
            GM, WM, CSF, where `needs_priors`.
        grid : Grid

        Returns
        -------
        float32 (channels, *shape)
            Finite, the same for the same volume, and no view of it.
        """
        ...


@runtime_checkable
class Harmonising(Protocol):
    """What a representation also does whose inputs are moved by what the training rows of a fold teach."""

    def harmonise(
        self, inputs: FloatArray, training: np.ndarray, origin: np.ndarray, kept: FloatArray | None
    ) -> FloatArray:
        """Move all inputs.

        Parameters
        ----------
        inputs : float (n, channels, *shape)
        training : int (m,)
            Rows to learn from.
        origin : str (n,)
        kept : float (n, k) or None
            Covariates whose effect is left as it is.

        Returns
        -------
        float32 (n, channels, *shape)
        """
        ...
