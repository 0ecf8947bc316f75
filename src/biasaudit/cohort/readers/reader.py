"""Define what a reader must offer: list the samples of a cohort, choose the grid of all images, load one image."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Protocol, TypeVar

from biasaudit.protocol import CohortSettings, GridSettings
from biasaudit.records import Cohort, Grid, Sample, Volume

__all__ = ["Reader", "Renders"]

Settings = TypeVar("Settings", bound=CohortSettings, contravariant=True)


class Reader(Protocol[Settings]):
    """One kind of cohort, registered under the name that ``cohort.reader`` of a protocol gives.

    A class with these attributes is a reader as soon as ``@register("reader", name)`` stands above it; it need not
    inherit from this one.

    Attributes
    ----------
    settings : type of CohortSettings
        The keys of the section ``cohort`` for this reader; its ``reader`` is a Literal of the registered name.
    """

    settings: ClassVar[type[CohortSettings]]

    def read(self, settings: Settings, *, labelled: bool = True) -> Cohort:
        """List the samples of the cohort, one per image; no image is opened.

        Parameters
        ----------
        settings : CohortSettings
            Of the class `Reader.settings`; paths in it are absolute.
        labelled : bool
            False for new images to predict: what says who is ill and where images come from may be missing.

        Returns
        -------
        Cohort
            The same for the same settings and files.

        Raises
        ------
        DataError
            Every fault at once, each with its file and line.
        """
        ...

    def grid(self, cohort: Cohort, settings: GridSettings) -> Grid:
        """Choose the grid that all images are brought onto.

        Parameters
        ----------
        cohort : Cohort
            As `read` returns it.
        settings : GridSettings

        Returns
        -------
        Grid
            Of as many axes as the cohort has dimensions.
        """
        ...

    def load(self, sample: Sample, grid: Grid, foreground: str) -> Volume:
        """Bring one sample onto the grid.

        Parameters
        ----------
        sample : Sample
        grid : Grid
        foreground : {"auto", "nonzero", "threshold", "centre"}
            How the foreground is found where the sample has no brain mask.

        Returns
        -------
        Volume
            Finite float32 image (channels, *shape), and bool foreground and mask (*shape). The sample is unchanged.

        Raises
        ------
        DataError
            If a file cannot be read.
        """
        ...


class Renders(Protocol):
    """What a reader offers as well whose subjects are made up, so that the truth is known."""

    def counterfactuals(self, sample: Sample, grid: Grid, foreground: str) -> Iterator[tuple[str, bool, Volume]]:
        """Make one subject again at every site, without and with pathology.

        Yields
        ------
        site, pathology, volume
            All sites without pathology, in the order of their names, then all of them with it.
        """
        ...
