"""What every attribution method owes the engine."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from biasaudit import registry
from biasaudit.attributions.explained import Explained, Margin
from biasaudit.attributions.method import Effort, References, margin_change
from biasaudit.errors import UsageError
from biasaudit.networks.cnn import Cnn

pytestmark = [
    pytest.mark.parametrize("name", registry.names("attribution")),
    pytest.mark.parametrize("shape", [(12, 11), (8, 9, 10)], ids=["2-D", "3-D"]),
]
EFFORT = Effort(steps=8, patch=3, stride=2)


class Linear(nn.Module):
    """One weight per voxel, through a convolution so that there is a layer to look at."""

    def __init__(self, weight: torch.Tensor) -> None:
        super().__init__()
        self.convolution = (nn.Conv2d, nn.Conv3d)[weight.ndim - 4](2, 2, 1)
        self.weight = weight

    def forward(self, images):
        return (self.convolution(images) * self.weight).flatten(1).sum(1, keepdim=True)


class Layers(nn.Module):
    """Modules alone, for methods that see nothing else."""

    def __init__(self, dimensions: int) -> None:
        super().__init__()
        convolution = (nn.Conv2d, nn.Conv3d)[dimensions - 2]
        pool = (nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d)[dimensions - 2]
        self.layers = nn.Sequential(convolution(2, 4, 3), nn.ReLU(), convolution(4, 3, 3), nn.ReLU(), pool(1))
        self.head = nn.Linear(3, 1)

    def forward(self, images):
        return self.head(self.layers(images).flatten(1))


def references(shape):
    stream = torch.Generator().manual_seed(4)
    baseline, healthy = (torch.randn(n, 2, *shape, generator=stream) for n in (1, 3))
    regions = torch.arange(baseline[0, 0].numel()).reshape(shape) * 13 // baseline[0, 0].numel()
    return References(baseline, healthy, regions)


def images(shape):
    return torch.randn(3, 2, *shape, generator=torch.Generator().manual_seed(6))


def network(name, shape):
    sees_modules = name.startswith("captum:") and registry.get("attribution", name).fit.rule
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        return Layers(len(shape)).eval() if sees_modules else Cnn(len(shape), 2, 1, (4,)).eval()


def margin(name, shape, of=None):
    return Margin(Explained(of or network(name, shape), images(shape)[:1]))


def method(name):
    return registry.get("attribution", name)()


def relevance(name, shape):
    return method(name).relevance(margin(name, shape), images(shape), references(shape), EFFORT)


def claims(name, statement):
    """Skip what a method does not claim: those of Captum say what is true of their maps."""
    if statement not in getattr(method(name), "holds", (statement,)):
        pytest.skip(f"its maps are not such that {statement!r} holds; see the table in docs/explain.md")


@pytest.fixture(autouse=True)
def _no_rules_for_volumes(name, shape):
    """Layer-wise relevance propagation has none, and says so."""
    if name in ("captum:LRP", "captum:LayerLRP") and len(shape) == 3:
        with pytest.raises(UsageError, match="no rule for layers of three dimensions"):
            relevance(name, shape)
        pytest.skip("refused")


def test_says_what_it_is(name, shape):
    own = method(name)
    assert {type(own.faithful), type(own.complete), type(own.adaptive)} == {bool}
    assert own.needs in ("baseline", "healthy", "regions", "nothing")
    assert own.faithful or not own.complete
    assert type(own).__doc__


def test_shape_type_and_finite(name, shape):
    found = relevance(name, shape)
    assert found.shape == (3, 2, *shape)
    assert found.dtype == torch.float32
    assert torch.isfinite(found).all()
    assert not found.requires_grad


def test_deterministic(name, shape):
    assert torch.equal(relevance(name, shape), relevance(name, shape))


def test_inputs_unchanged(name, shape):
    batch, others, own = images(shape), references(shape), network(name, shape)
    before = {key: value.clone() for key, value in own.state_dict().items()}
    method(name).relevance(margin(name, shape, own), batch, others, EFFORT)
    assert torch.equal(batch, images(shape))
    for given, expected in zip(
        (others.baseline, others.healthy, others.regions), vars(references(shape)).values(), strict=True
    ):
        assert torch.equal(given, expected)
    assert all(torch.equal(value, before[key]) for key, value in own.state_dict().items())
    assert not batch.requires_grad


def test_signed(name, shape):
    if name == "captum:Lime":
        pytest.skip("its regression keeps few regions, here none")
    found = relevance(name, shape)
    assert (found > 0).any()
    assert (found < 0).any()


def test_flipping_the_margin_flips_the_map(name, shape):
    claims(name, "flip")
    opposite = method(name).relevance(margin(name, shape).opposite(), images(shape), references(shape), EFFORT)
    torch.testing.assert_close(opposite, -relevance(name, shape))


def test_no_change_no_relevance(name, shape):
    own, others = method(name), references(shape)
    if own.needs == "nothing":
        pytest.skip("compares with nothing")
    claims(name, "reference")
    same = References(others.baseline, others.baseline, others.regions)
    found = own.relevance(margin(name, shape), others.baseline.clone(), same, EFFORT)
    torch.testing.assert_close(found, torch.zeros_like(found), rtol=0, atol=1e-6)


def test_a_linear_margin_is_taken_apart_completely(name, shape):
    own, others = method(name), references(shape)
    if own.needs == "nothing":
        pytest.skip("compares with nothing")
    claims(name, "linear")
    weight = torch.randn(1, 2, *shape, generator=torch.Generator().manual_seed(5))
    linear = margin(name, shape, Linear(weight))
    tiling = Effort(steps=8, patch=3, stride=3)
    whole = References(others.baseline, others.healthy, others.regions + 1)
    found = own.relevance(linear, images(shape), whole, tiling).flatten(1).sum(1)
    expected = margin_change(own, linear, images(shape), others)
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)


def test_a_complete_method_sums_to_the_change_of_the_margin(name, shape):
    own, others = method(name), references(shape)
    if not own.complete:
        pytest.skip("not complete: the error is measured")
    found = own.relevance(margin(name, shape), images(shape), others, Effort(steps=200))
    expected = margin_change(own, margin(name, shape), images(shape), others)
    torch.testing.assert_close(found.flatten(1).sum(1), expected, rtol=0.01, atol=0.002)


def test_images_do_not_see_each_other(name, shape):
    own, others, shared = method(name), references(shape), margin(name, shape)
    alone = torch.cat([own.relevance(shared, image[None], others, EFFORT) for image in images(shape)])
    torch.testing.assert_close(relevance(name, shape), alone, rtol=1e-4, atol=1e-6)


def test_a_baseline_for_each_image(name, shape):
    own, others, shared = method(name), references(shape), margin(name, shape)
    baselines = torch.cat([others.baseline, others.healthy[:2]])
    each = References(baselines, others.healthy, others.regions)
    together = own.relevance(shared, images(shape), each, EFFORT)
    alone = torch.cat(
        [own.relevance(shared, images(shape)[[row]], each.of(torch.tensor([row])), EFFORT) for row in range(3)]
    )
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-6)


def test_a_constant_network_has_a_map_of_zeros(name, shape):
    claims(name, "constant")

    class Constant(nn.Module):
        def __init__(self):
            super().__init__()
            self.unused = (nn.Conv2d, nn.Conv3d)[len(shape) - 2](2, 2, 1)

        def forward(self, batch):
            return self.unused(batch).flatten(1).sum(1, keepdim=True) * 0 + 3

    found = method(name).relevance(margin(name, shape, Constant()), images(shape), references(shape), EFFORT)
    torch.testing.assert_close(found, torch.zeros_like(found))
