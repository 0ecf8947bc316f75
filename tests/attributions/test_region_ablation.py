from __future__ import annotations

import pytest
import torch

from biasaudit.attributions.method import Effort, References
from biasaudit.attributions.region_ablation import RegionAblation
from biasaudit.errors import UsageError

IMAGE = torch.arange(12.0).reshape(1, 1, 3, 4)
BASELINE = torch.ones(1, 1, 3, 4)
REGIONS = torch.tensor([[1, 1, 0, 7], [1, 0, 0, 7], [7, 7, 7, 7]])


def square(batch: torch.Tensor) -> torch.Tensor:
    return batch.flatten(1).sum(1) ** 2


def slow() -> torch.Tensor:
    found = torch.zeros(3, 4)
    for region in (1, 7):
        inside = region == REGIONS
        without = IMAGE.clone()
        without[0, 0, inside] = BASELINE[0, 0, inside]
        found[inside] = (square(IMAGE) - square(without))[0] / inside.sum()
    return found


@pytest.mark.parametrize("at_once", [1, 2**21])
def test_agrees_with_one_region_after_the_other(margin_of, monkeypatch, at_once):
    monkeypatch.setattr("biasaudit.attributions.region_ablation._VOXELS_AT_ONCE", at_once)
    references = References(BASELINE, regions=REGIONS)
    found = RegionAblation().relevance(margin_of(square, IMAGE), IMAGE, references, Effort())
    torch.testing.assert_close(found[0, 0], slow())


def test_needs_regions(margin_of):
    with pytest.raises(UsageError, match="needs regions"):
        RegionAblation().relevance(margin_of(square, IMAGE), IMAGE, References(BASELINE), Effort())
