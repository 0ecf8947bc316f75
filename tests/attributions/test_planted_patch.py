"""A detector of one patch, made by hand: every method that may serve as evidence finds the patch."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from biasaudit import registry
from biasaudit.attributions.explained import Explained, Margin
from biasaudit.attributions.method import Effort, References

FAITHFUL = [name for name in registry.names("attribution") if registry.get("attribution", name).faithful]
SIDE = 4


class Detector(nn.Module):
    """Answers to one pattern only: matched filter, threshold above everything else, sum."""

    def __init__(self, pattern: torch.Tensor) -> None:
        super().__init__()
        kind = (nn.Conv2d, nn.Conv3d)[pattern.ndim - 2]
        self.filter = kind(1, 1, SIDE)
        self.activation = nn.ReLU()
        with torch.no_grad():
            self.filter.weight.copy_(pattern[None, None])
            self.filter.bias.fill_(-0.5 * float((pattern**2).sum()))

    def forward(self, images):
        return self.activation(self.filter(images)).flatten(1).sum(1, keepdim=True)


@pytest.mark.parametrize("name", FAITHFUL)
@pytest.mark.parametrize("shape", [(24, 20), (16, 12, 20)], ids=["2-D", "3-D"])
def test_the_patch_is_found(name, shape):
    stream = torch.Generator().manual_seed(0)
    pattern = torch.randint(0, 2, (SIDE,) * len(shape), generator=stream) * 2.0 - 1
    background, *healthy = (0.1 * torch.randn(1, 1, *shape, generator=stream) for _ in range(4))
    corner = (8, 4, 12)[: len(shape)]
    inside = tuple(slice(start, start + SIDE) for start in corner)
    image = background.clone()
    image[(0, 0, *inside)] += pattern
    margin = Margin(Explained(Detector(pattern), image))
    assert margin(image) > 1 > margin(background) == 0
    regions = np.add.reduce(np.meshgrid(*(np.arange(n) // SIDE * 10**i for i, n in enumerate(shape)), indexing="ij"))
    references = References(torch.cat(healthy).mean(0, keepdim=True), torch.cat(healthy), torch.from_numpy(regions) + 1)
    found = registry.get("attribution", name)().relevance(margin, image, references, Effort(patch=SIDE, stride=SIDE))
    share = float(found[(0, 0, *inside)].abs().sum() / found.abs().sum())
    assert share > 0.9
    assert float(found.sum()) > 0
