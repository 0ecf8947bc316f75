from __future__ import annotations

import pytest
import torch

from biasaudit.networks.cnn import Cnn, cnn


def test_default_widths():
    assert len(cnn(3, 1, 1).blocks) == 2
    assert len(cnn(2, 1, 1).blocks) == 4
    assert len(cnn(3, 1, 1, widths=[4, 4, 4]).blocks) == 3


def test_every_block_halves_the_resolution():
    assert Cnn(2, 1, 1, (2, 3)).blocks(torch.zeros(1, 1, 32, 24)).shape == (1, 3, 8, 6)


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_head_sees_mean_and_maximum(spatial_dims):
    network = Cnn(spatial_dims, 1, 2, (3,)).eval()
    images = torch.randn(2, 1, *(8,) * spatial_dims, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        hidden = network.blocks(images).flatten(2)
        expected = network.head(torch.cat([hidden.mean(2), hidden.amax(2)], 1))
        torch.testing.assert_close(network(images), expected)
    assert network.head.in_features == 6
