"""Captum by name: what it must not be silently wrong about, what it draws, and the table of all of it."""

from __future__ import annotations

import random
import re
from pathlib import Path

import captum.attr
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from biasaudit import registry
from biasaudit.attributions.captum_layers import spread_over
from biasaudit.attributions.captum_methods import argument_faults
from biasaudit.attributions.captum_table import FITS, NOT_TUNNELLED, REFUSED, doc_table, refusal
from biasaudit.attributions.explained import Explained, Margin
from biasaudit.attributions.method import Effort, References, margin_change
from biasaudit.errors import UsageError
from biasaudit.networks.cnn import Cnn

ROOT = Path(__file__).parents[2]
IMAGES = torch.randn(2, 1, 9, 10, generator=torch.Generator().manual_seed(1))
OTHERS = torch.randn(3, 1, 9, 10, generator=torch.Generator().manual_seed(2))
REGIONS = torch.arange(90).reshape(9, 10) // 9 + 1


class Net(nn.Module):
    """Two convolutions; the second rectifier is whatever a test asks for."""

    def __init__(self, second="own", outputs=1):
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 4, 3), nn.Conv2d(4, 4, 3)
        self.active, self.again = nn.ReLU(), nn.ReLU()
        self.pool, self.head = nn.AdaptiveAvgPool2d(1), nn.Linear(4, outputs)
        self.which = second

    def forward(self, images):
        hidden = self.second(self.active(self.first(images)))
        if self.which == "function":
            hidden = functional.relu(hidden)
        elif self.which == "gelu":
            hidden = functional.gelu(hidden)
        else:
            hidden = (self.active if self.which == "reused" else self.again)(hidden)
        return self.head(self.pool(hidden).flatten(1))


def made(second="own", outputs=1):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        return Net(second, outputs).eval()


def mapped(name, network=None, output=None, **arguments):
    margin = Margin(Explained(network or made(), IMAGES[:1]), output)
    method = registry.get("attribution", f"captum:{name}")()
    references = References(OTHERS[:1], OTHERS, REGIONS)
    effort = Effort(steps=16, patch=3, stride=3, arguments=arguments)
    return method.relevance(margin, IMAGES, references, effort), margin, method, references


def test_every_method_of_the_installed_version_is_in_the_table():
    classes = {name for name in captum.attr.__all__ if hasattr(getattr(captum.attr, name), "attribute")}
    bases = {"Attribution", "GradientAttribution", "PerturbationAttribution", "NeuronAttribution", "LayerAttribution"}
    assert classes - bases - {"InternalAttribution"} == FITS.keys() | REFUSED.keys()
    assert not FITS.keys() & REFUSED.keys()
    assert {f"captum:{name}" for name in FITS} <= {*registry.names("attribution")}


def test_the_table_in_the_documentation_is_the_one_in_the_code():
    assert doc_table() in (ROOT / "docs" / "explain.md").read_text()


@pytest.mark.parametrize("name", ["GuidedBackprop", "Deconvolution", "GuidedGradCam", "NeuronGuidedBackprop"])
def test_rectifiers_that_are_functions_are_not_overlooked(name):
    mapped(name)
    with pytest.raises(UsageError, match="silently wrong about this network: 1 of its 2 rectifiers are functions"):
        mapped(name, made("function"))
    with pytest.raises(UsageError, match=r"a rule for nn\.ReLU alone, and the network uses Gelu"):
        mapped(name, made("gelu"))


@pytest.mark.parametrize("name", ["LRP", "LayerLRP"])
@pytest.mark.parametrize(
    ("second", "words"),
    [
        ("function", "is called as a function"),
        ("reused", "a ReLU is used more than once"),
        ("gelu", "operation Gelu"),
    ],
)
def test_relevance_propagation_is_refused_where_it_has_no_rule(name, second, words):
    with pytest.raises(UsageError, match=words):
        mapped(name, made(second))


@pytest.mark.parametrize("name", ["DeepLift", "DeepLiftShap", "LayerDeepLift", "NeuronDeepLift"])
@pytest.mark.parametrize("second", ["function", "gelu", "reused"])
def test_deep_lift_is_refused_where_its_rules_are_passed_by(name, second):
    mapped(name)
    with pytest.raises(UsageError, match=r"captum:\w+ would be silently wrong about this network: "):
        mapped(name, made(second))


def test_deep_lift_sees_that_a_maximum_would_break_its_sum():
    with pytest.raises(UsageError, match=r"captum:DeepLift would be silently wrong .* no rule for the operation Amax"):
        mapped("DeepLift", Cnn(2, 1, 1, (8, 8)).eval())


@pytest.mark.parametrize("name", ["IntegratedGradients", "DeepLift", "InputXGradient"])
def test_maps_are_those_of_our_own_methods(name):
    ours = {"IntegratedGradients": "integrated_gradients", "DeepLift": "deep_lift"}.get(name)
    found, margin, _, references = mapped(name, outputs_of(3), 2)
    if ours is None:
        at = IMAGES.clone().requires_grad_(True)
        expected = IMAGES * torch.autograd.grad(margin(at).sum(), at)[0]
    else:
        expected = registry.get("attribution", ours)().relevance(margin, IMAGES, references, Effort(steps=400))
    torch.testing.assert_close(found, expected, rtol=0.05, atol=2e-3)


def outputs_of(count):
    return made(outputs=count)


@pytest.mark.parametrize("name", ["LayerIntegratedGradients", "LayerDeepLift", "LayerDeepLiftShap"])
def test_a_layers_relevance_sums_to_the_change(name):
    found, margin, method, references = mapped(name, layer="first")
    expected = margin_change(method, margin, IMAGES, references)
    torch.testing.assert_close(found.flatten(1).sum(1), expected, rtol=0.02, atol=5e-3)


@pytest.mark.parametrize("name", ["GradientShap", "NoiseTunnel", "Lime", "KernelShap", "ShapleyValueSampling"])
def test_what_is_drawn_is_named_and_leaves_the_global_streams_alone(name):
    torch.manual_seed(1), random.seed(1), np.random.seed(1)  # noqa: NPY002
    before = torch.random.get_rng_state(), random.getstate(), np.random.get_state()  # noqa: NPY002
    first = mapped(name)[0]
    after = torch.random.get_rng_state(), random.getstate(), np.random.get_state()  # noqa: NPY002
    assert torch.equal(before[0], after[0])
    assert before[1] == after[1]
    assert np.array_equal(before[2][1], after[2][1])
    torch.rand(3), random.random(), np.random.rand()  # noqa: NPY002
    assert torch.equal(first, mapped(name)[0])
    if name != "Lime":  # which keeps no region of so small a change
        assert not torch.equal(first, mapped(name, seed=1)[0])


@pytest.mark.parametrize("around", sorted(FITS.keys() - NOT_TUNNELLED.keys()))
def test_a_noise_tunnel_goes_around_any(around):
    found = mapped("NoiseTunnel", around=around, nt_samples=2, neuron=1)[0]
    assert found.shape == IMAGES.shape
    assert found.isfinite().all()


@pytest.mark.parametrize("around", ["DeepLift", "GuidedBackprop", "LRP", "LayerDeepLift"])
def test_a_noise_tunnel_keeps_the_rules_of_what_it_goes_around(around):
    with pytest.raises(UsageError, match=f"captum:NoiseTunnel around {around} would be silently wrong about this"):
        mapped("NoiseTunnel", made("gelu"), around=around, nt_samples=2)
    assert mapped("NoiseTunnel", made("gelu"), around="Saliency", nt_samples=2)[0].any()


def test_a_noise_tunnel_looks_at_the_folded_network_where_no_layer_is_named():
    network = made()
    network.second = nn.Sequential(network.second, nn.BatchNorm2d(4)).eval()
    assert mapped("NoiseTunnel", network, around="LRP", nt_samples=2)[0].any()


def test_a_neuron_is_a_channel_or_a_place():
    whole = mapped("NeuronGradient", neuron=2, layer="first")[0]
    places = [mapped("NeuronGradient", neuron=[2, row, 3], layer="first")[0] for row in (0, 6)]
    assert all((place != 0).sum() == 2 * 9 for place in places)  # two images, a window of 3 by 3
    assert (whole != 0).flatten(1).sum(1).min() > 60
    assert mapped("NeuronGradient", neuron=0, layer="head")[0].any()
    for wrong in (9, -1, [0, 1], "a", [0, 99, 0]):
        with pytest.raises(UsageError, match="is not in the layer, which has"):
            mapped("NeuronGradient", neuron=wrong, layer="first")


def test_layers_are_found_by_name_or_refused():
    with pytest.raises(UsageError, match="the network has no layer 'frist'; did you mean 'first'"):
        mapped("LayerGradCam", layer="frist")
    with pytest.raises(UsageError, match=r"the layer 'head' returns shape \[1, 1\], no maps that could be laid over"):
        mapped("LayerGradCam", layer="head")
    with pytest.raises(UsageError, match="the network has no convolution; name a layer by"):
        mapped("LayerGradCam", nn.Sequential(nn.Flatten(), nn.Linear(90, 1)))
    last, first = mapped("LayerGradCam")[0], mapped("LayerGradCam", layer="first")[0]
    assert torch.equal(last, mapped("LayerGradCam", layer="second")[0])
    assert not torch.equal(last, first)


@pytest.mark.parametrize("shape", [(3, 2), (1, 1), (9, 10), (18, 20)])
def test_a_layers_map_keeps_its_sum_over_the_image(shape):
    found = torch.randn(1, 5, *shape)
    spread = spread_over(found, IMAGES[:1].expand(1, 2, 9, 10))
    assert spread.shape == (1, 2, 9, 10)
    torch.testing.assert_close(spread.sum(), found.sum())


def test_arguments_are_told_before_anything_runs():
    def told(name, **arguments):
        return " | ".join(argument_faults(name, arguments))

    assert told("captum:NoiseTunnel", around="Saliency", nt_samples=3, stdevs=0.2, seed=4) == ""
    assert told("captum:NoiseTunnel", around="LayerGradCam", layer="x", relu_attributions=True) == ""
    assert told("captum:LayerGradCam", layer="x", relu_attributions=True) == ""
    assert "takes no argument 'nt_sample'; did you mean 'nt_samples'" in told("captum:NoiseTunnel", nt_sample=3)
    assert "n_steps of captum:IntegratedGradients is set by `attribution.steps`" in told(
        "captum:IntegratedGradients", n_steps=3
    )
    assert "around: no method 'Saliencey' of Captum; did you mean 'Saliency'" in told(
        "captum:NoiseTunnel", around="Saliencey"
    )
    assert "does not go around GradientShap" in told("captum:NoiseTunnel", around="GradientShap")
    for around in ("FeatureAblation", "ShapleyValueSampling", "Lime", "NeuronFeatureAblation"):
        assert "one per region" in told("captum:NoiseTunnel", around=around)
    assert "explains one neuron: name its channel" in told("captum:NeuronGradient")
    assert "explains one neuron: name its channel" in told("captum:NoiseTunnel", around="NeuronGradient")
    assert told("captum:NoiseTunnel", around="NeuronGradient", neuron=1, layer="x") == ""
    assert "takes no argument 'layer'" in told("captum:NoiseTunnel", around="Saliency", layer="x")
    assert "takes no argument 'layer'" in told("captum:Saliency", layer="x")
    assert "integrated_gradients takes no arguments" in told("integrated_gradients", seed=3)
    assert told("occlusion") == ""


def test_what_captum_refuses_is_one_line():
    with pytest.raises(UsageError, match=r"captum:NoiseTunnel failed: AssertionError: Noise types must be either"):
        mapped("NoiseTunnel", nt_type="odd")


def test_methods_that_make_no_maps_are_refused_with_the_reason():
    assert "r! passes" in refusal("captum:ShapleyValues")
    assert refusal("captum:IntegratedGradients") == refusal("occlusion") == refusal("captum:None") == ""
    assert not re.search("captum:(LLM|FeatureP)", " ".join(registry.names("attribution")))
