"""Ablation of regions."""

from __future__ import annotations

from typing import ClassVar

import torch

from biasaudit.attributions.explained import Margin
from biasaudit.attributions.method import Effort, References
from biasaudit.errors import UsageError
from biasaudit.registry import register

__all__ = ["RegionAblation"]

_VOXELS_AT_ONCE = 2**21


@register("attribution", "region_ablation")
class RegionAblation:
    """Change of the margin when a region takes the values of the baseline, spread evenly over its voxels.

    A causal map: every value is an experiment on the network. Not complete, since regions act together.
    """

    faithful: ClassVar[bool] = True
    complete: ClassVar[bool] = False
    adaptive: ClassVar[bool] = False
    needs: ClassVar[str] = "regions"

    @torch.no_grad()
    def relevance(self, margin: Margin, images: torch.Tensor, references: References, effort: Effort) -> torch.Tensor:
        """Signed relevance (n, channels, *shape), shared alike by the channels; 0 outside all regions."""
        if references.regions is None:
            raise UsageError("region ablation needs regions, and none are given")
        numbers, place = torch.unique(references.regions, return_inverse=True)
        sizes = torch.bincount(place.flatten())
        maps = []
        for row, image in enumerate(images):
            baseline = references.baseline[row % len(references.baseline)]
            drops = _drops(margin, image, baseline, references.regions, numbers)
            maps.append((torch.where(numbers > 0, drops, 0) / sizes)[place])
        return torch.stack(maps)[:, None].expand_as(images) / images.shape[1]


def _drops(
    margin: Margin, image: torch.Tensor, baseline: torch.Tensor, labels: torch.Tensor, numbers: torch.Tensor
) -> torch.Tensor:
    """Margin of an image less that without each region, (regions,); `labels` holds the region of every voxel."""
    found = []
    for some in torch.split(numbers, max(1, _VOXELS_AT_ONCE // image.numel())):
        inside = labels == some.reshape(-1, *[1] * labels.ndim)
        found.append(margin(torch.where(inside[:, None], baseline, image)))
    whole: torch.Tensor = margin(image[None])
    return whole - torch.cat(found)
