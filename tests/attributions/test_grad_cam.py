from __future__ import annotations

import captum.attr
import pytest
import torch
from torch.nn import functional

from biasaudit.attributions.explained import Explained, Margin
from biasaudit.attributions.grad_cam import GradCam
from biasaudit.attributions.method import Effort, References
from biasaudit.errors import UsageError
from biasaudit.networks.cnn import Cnn


@pytest.mark.parametrize("shape", [(16, 20), (8, 12, 16)], ids=["2-D", "3-D"])
def test_agrees_with_captum_but_for_the_scale(shape):
    network = Cnn(len(shape), 1, 1, (3, 5)).eval()
    images = torch.randn(2, 1, *shape)
    found = GradCam().relevance(Margin(Explained(network, images[:1])), images, References(images[:1]), Effort())
    coarse = captum.attr.LayerGradCam(lambda x: network(x)[:, 0], network.blocks.block2[0]).attribute(images)
    mode = "bilinear" if len(shape) == 2 else "trilinear"
    expected = functional.interpolate(coarse.detach(), shape, mode=mode)
    for own, other in zip(found, expected, strict=True):
        cosine = functional.cosine_similarity(own.flatten(), other.flatten(), dim=0)
        assert cosine > 0.999 or not other.any()


def test_needs_a_convolution(margin_of):
    image = torch.ones(1, 1, 4, 4)
    margin = margin_of(lambda batch: batch.flatten(1).sum(1), image)
    with pytest.raises(UsageError, match="needs a convolution"):
        GradCam().relevance(margin, image, References(image), Effort())
