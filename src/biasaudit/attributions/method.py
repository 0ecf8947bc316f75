"""Define what an attribution method must offer: its settings, its references and the call that makes maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Protocol

import torch

from biasaudit.attributions.explained import Margin

__all__ = ["Attribution", "Effort", "References", "margin_change"]


@dataclass(frozen=True)
class References:
    """What images are compared with.

    Attributes
    ----------
    baseline : tensor (1 or n, channels, *shape)
        One image for all, or one for each.
    healthy : tensor (m, channels, *shape) or None
        Reference images of healthy subjects.
    regions : int64 tensor (*shape) or None
        Region of every voxel, numbered from 1; 0 belongs to none.
    """

    baseline: torch.Tensor
    healthy: torch.Tensor | None = None
    regions: torch.Tensor | None = None

    def of(self, rows: torch.Tensor) -> References:
        """Take the references of some of the images, by index."""
        return self if len(self.baseline) == 1 else replace(self, baseline=self.baseline[rows])


@dataclass(frozen=True)
class Effort:
    """How finely a method works.

    Attributes
    ----------
    steps : int
        Points on a path.
    patch, stride : int
        Side of an occluded cube and the distance between cubes, voxels.
    arguments : mapping
        Of a method that is not ours.
    """

    steps: int = 16
    patch: int = 8
    stride: int = 8
    arguments: Mapping[str, Any] = field(default_factory=dict)


class Attribution(Protocol):
    """One attribution method: signed relevance of every voxel for the margin of a network.

    A class with these attributes is a method as soon as ``@register("attribution", name)`` stands above it; it need not
    inherit from this one.

    Attributes
    ----------
    faithful : bool
        Whether its maps may serve as evidence; others are for display.
    complete : bool
        Whether a map sums to the change of the margin as the steps grow; otherwise the error is measured and reported.
    adaptive : bool
        Whether more steps bring the sum nearer.
    needs : str
        What images are compared with: ``baseline``, ``healthy``, ``regions`` (with the baseline) or ``nothing``.
    """

    faithful: ClassVar[bool]
    complete: ClassVar[bool]
    adaptive: ClassVar[bool]
    needs: ClassVar[str]

    def relevance(self, margin: Margin, images: torch.Tensor, references: References, effort: Effort) -> torch.Tensor:
        """Say how much every voxel contributes to the margin.

        Parameters
        ----------
        margin : Margin
            Maps images to margins (n,); `margin.explained` is a copy of the network at rest.
        images : tensor (n, channels, *shape)
        references : References
            What the images are compared with, as far as `needs` names it.
        effort : Effort

        Returns
        -------
        tensor (n, channels, *shape)
            Signed relevance, logits per voxel.

        Raises
        ------
        UsageError
            If the method cannot explain this network.
        """
        ...


@torch.no_grad()
def margin_change(method: Attribution, margin: Margin, images: torch.Tensor, references: References) -> torch.Tensor:
    """Measure what a complete map sums to: the margins (n,) less those of what the images are compared with."""
    if method.needs == "healthy" and references.healthy is not None:
        return margin(images) - margin(references.healthy).mean()  # type: ignore[no-any-return]
    return margin(images) - margin(references.baseline)  # type: ignore[no-any-return]
