from __future__ import annotations

import pytest

from biasaudit.attributions.meaning import meaning


@pytest.mark.parametrize(
    ("method", "around", "start"),
    [
        ("integrated_gradients", "", "positive (red) supports {target}"),
        ("captum:DeepLift", "", "positive (red) supports {target}"),
        ("captum:Saliency", "", "a sensitivity, not a share"),
        ("captum:GuidedBackprop", "", "a sensitivity, not a share"),
        ("captum:NoiseTunnel", "Saliency", "a sensitivity, not a share"),
        ("captum:NoiseTunnel", "", "positive (red) supports {target}"),
        ("captum:NeuronGradient", "", "of the neuron, not of {target}"),
    ],
)
def test_the_sign_says_what_the_method_measures(method, around, start):
    found = meaning(method, {"around": around} if around else {})
    assert found.sign.startswith(start)
    assert found.units.format(place="pixel").count("pixel") == 1
    assert found.ends == (("opposes", "supports") if start.startswith("positive") else ("lowers", "raises"))
