from __future__ import annotations

import pytest
import torch
from torch import nn

from biasaudit.errors import UsageError
from biasaudit.networks.preparation import initialised, is_lazy, prepared


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_weights_are_brought_to_single_precision(dtype):
    network = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)).to(dtype)
    held = [*prepared(network).parameters(), *prepared(network).buffers()]
    assert {own.dtype for own in held} == {torch.float32, torch.int64}


def test_a_buffer_of_double_precision_is_too():
    network = nn.Linear(3, 2)
    network.register_buffer("mean", torch.zeros(3, dtype=torch.float64))
    assert prepared(network).mean.dtype == torch.float32


def test_wrappers_are_taken_off():
    inner = nn.Linear(3, 2)
    compiled = nn.Module()
    compiled._orig_mod = inner
    assert prepared(nn.DataParallel(inner)) is inner
    assert prepared(nn.DataParallel(compiled)) is inner
    assert prepared(inner) is inner


def test_lazy_layers_learn_their_sizes_from_an_empty_image():
    network = nn.Sequential(nn.LazyConv2d(4, 3), nn.LazyBatchNorm2d(), nn.Flatten(), nn.LazyLinear(1)).train()
    assert is_lazy(network)
    made = initialised(network, (2, 8, 9))
    assert not is_lazy(made)
    assert (made[0].in_channels, made[3].in_features, made.training) == (2, 4 * 6 * 7, True)
    assert int(made[1].num_batches_tracked) == 0


def test_what_a_lazy_network_cannot_take_is_told():
    network = nn.Sequential(nn.LazyConv2d(4, 3), nn.Flatten(), nn.Linear(7, 1))
    with pytest.raises(
        UsageError, match="its lazy layers cannot take images of 1 x 8 x 9: RuntimeError: mat1 and mat2"
    ):
        initialised(network, (1, 8, 9))


def test_other_networks_are_not_even_asked():
    class Silent(nn.Module):
        def forward(self, images):
            raise AssertionError

    assert initialised(Silent(), (1, 8, 9)).training
