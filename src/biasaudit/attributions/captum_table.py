"""Every attribution method of Captum: which can be named in a protocol, what it asks, and why others are refused."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["FITS", "NOT_TUNNELLED", "PREFIX", "REFUSED", "Fit", "doc_table", "refusal", "registered"]

PREFIX = "captum:"

_MARGIN = frozenset({"flip", "reference", "linear", "constant"})
"""What maps of the answer hold to: the opposite answer has the opposite map; an image that is what it is compared with
has a map of zeros; the map of a linear network sums to the change of its answer; that of a constant network is zero."""


@dataclass(frozen=True)
class Fit:
    """How a method of Captum is used.

    Attributes
    ----------
    needs : str
        As of `Attribution`.
    faithful, complete, adaptive : bool
        As of `Attribution`.
    holds : frozenset of str
        Of ``flip``, ``reference``, ``linear``, ``constant``: what is true of its maps.
    rule : str
        What layers it has rules for: empty (any), ``differences`` (checked by the sum), ``relu`` or ``lrp``.
    completeness : str
        For the table.
    cost : str
        Passes through the network per image; n is `attribution.steps`, m the healthy images, r the regions.
    """

    needs: str
    faithful: bool
    complete: bool
    adaptive: bool
    holds: frozenset[str]
    rule: str = ""
    completeness: str = "no"
    cost: str = "1"


def _display(cost: str, holds: frozenset[str], needs: str = "nothing", rule: str = "", said: str = "no") -> Fit:
    return Fit(needs, False, False, False, holds, rule, said, cost)


def _evidence(needs: str, cost: str, *, complete: bool, adaptive: bool = False, rule: str = "", said: str = "") -> Fit:
    said = said or ("yes" if complete else "no: parts act together")
    return Fit(needs, True, complete, adaptive, _MARGIN, rule, said, cost)


_AT_LAYER = "at the layer"
_OF_NEURON = frozenset[str]()
_SAMPLED = "5, or `nt_samples`, times that of the method"

FITS: dict[str, Fit] = {
    "IntegratedGradients": _evidence("baseline", "n", complete=True, adaptive=True),
    "DeepLift": _evidence("baseline", "2", complete=True, rule="differences", said="yes, checked"),
    "DeepLiftShap": _evidence("healthy", "2 m", complete=True, rule="differences", said="yes, checked"),
    "GradientShap": _evidence("healthy", "n", complete=False, said="in the mean over many samples"),
    "FeatureAblation": _evidence("regions", "r", complete=False),
    "Occlusion": _evidence("baseline", "one per window", complete=False),
    "ShapleyValueSampling": _evidence(
        "regions", "25 r, or `n_samples` r", complete=False, said="yes, where every voxel has a region"
    ),
    "KernelShap": _display("10 r, or `n_samples`", _MARGIN, "regions", said="nearly, with many samples"),
    "Lime": _display("10 r, or `n_samples`", _MARGIN - {"linear"}, "regions"),
    "InputXGradient": _display("1", frozenset({"flip", "constant"})),
    "Saliency": _display("1", frozenset({"flip", "constant"})),
    "GuidedBackprop": _display("1", frozenset({"constant"}), rule="relu"),
    "Deconvolution": _display("1", frozenset({"constant"}), rule="relu"),
    "GuidedGradCam": _display("2", frozenset({"constant"}), rule="relu"),
    "LRP": _display("1", frozenset({"flip"}), rule="lrp", said="sums to the answer, up to biases"),
    "NoiseTunnel": _display(_SAMPLED, frozenset({"flip", "constant"}), "baseline"),
    "LayerGradCam": _display("1", frozenset({"flip", "constant"})),
    "LayerGradientXActivation": _display("1", frozenset({"flip", "constant"})),
    "LayerConductance": _display("n", _MARGIN - {"linear"}, "baseline", said="nearly, at the layer"),
    "LayerIntegratedGradients": _display("n", _MARGIN, "baseline", said=_AT_LAYER),
    "LayerDeepLift": _display("2", _MARGIN, "baseline", "differences", _AT_LAYER),
    "LayerDeepLiftShap": _display("2 m", _MARGIN, "healthy", "differences", _AT_LAYER),
    "LayerGradientShap": _display("n", _MARGIN, "healthy"),
    "LayerFeatureAblation": _display("one per place of the layer", frozenset({"flip", "constant"})),
    "InternalInfluence": _display("n", frozenset({"flip", "constant"}), "baseline"),
    "LayerLRP": _display("1", frozenset({"flip"}), rule="lrp"),
    "NeuronGradient": _display("1", _OF_NEURON),
    "NeuronIntegratedGradients": _display("n", _OF_NEURON, "baseline", said="to the neuron"),
    "NeuronConductance": _display("n", _OF_NEURON, "baseline"),
    "NeuronDeepLift": _display("2", _OF_NEURON, "baseline", "differences", "to the neuron"),
    "NeuronDeepLiftShap": _display("2 m", _OF_NEURON, "healthy", "differences", "to the neuron"),
    "NeuronGradientShap": _display("n", _OF_NEURON, "healthy"),
    "NeuronFeatureAblation": _display("r", _OF_NEURON, "regions"),
    "NeuronGuidedBackprop": _display("1", _OF_NEURON, rule="relu"),
    "NeuronDeconvolution": _display("1", _OF_NEURON, rule="relu"),
}
"""By the name of the class; settled against the installed version by a test."""

_TEXT = "it explains text made by a language model, not images"
_ACROSS = "it exchanges values between the images of a batch, so that an image's map would depend on the others"
REFUSED: dict[str, str] = {
    "FeaturePermutation": _ACROSS,
    "LayerFeaturePermutation": _ACROSS,
    "LayerActivation": "it shows what a layer holds, whatever the answer is: no map of the answer",
    "ShapleyValues": "it asks every order of the regions (r! passes); take ShapleyValueSampling, which draws some",
    "LimeBase": "it asks for code (a model, a similarity, a way to disturb); take Lime",
    "DataLoaderAttribution": "it explains a whole set of images by one map",
    "LLMAttribution": _TEXT,
    "LLMGradientAttribution": _TEXT,
    "RemoteLLMAttribution": _TEXT,
}
"""By the name of the class: why it makes no maps here."""

NOT_TUNNELLED: dict[str, str] = {
    "NoiseTunnel": "which lays noise itself",
    "LayerLRP": "at which Captum fails",
    **{name: "which draws among references itself" for name in FITS if name.endswith(("GradientShap", "DeepLiftShap"))},
    **{
        name: "whose passes, one per region, would be as many at every draw of noise"
        for name in FITS
        if FITS[name].needs == "regions"
    },
}
"""Methods that noise is not laid around, and why."""

_ASKS = {
    "": "any",
    "differences": "ReLU, ELU, LeakyReLU, Sigmoid, Tanh, Softplus and maximum pooling as modules, each used once",
    "relu": "`nn.ReLU` modules as its only activation",
    "lrp": "two dimensions; `Conv2d`, `Linear`, `ReLU`, `Tanh`, poolings of 2-D as modules, each used once",
}


def refusal(name: str) -> str:
    """Say why a method of Captum is not used; empty where it is, or where there is none of that name.

    Parameters
    ----------
    name : str
        As in the protocol, ``captum:LayerActivation``.
    """
    return REFUSED.get(name.removeprefix(PREFIX), "") if name.startswith(PREFIX) else ""


def registered() -> dict[str, str]:
    """Say of every method, by its name in a protocol, what it is."""
    return {f"{PREFIX}{name}": f"`{name}` of Captum." for name in FITS}


def doc_table() -> str:
    """Write the table of all methods as Markdown, for the documentation."""
    head = ["| `captum:` | compared with | network | sums to the change | passes | use |", "|---|---|---|---|---|---|"]
    fitting = [
        f"| `{name}` | {fit.needs} | {_ASKS[fit.rule]} | {fit.completeness} | {fit.cost} | "
        f"{'evidence' if fit.faithful else 'display'} |"
        for name, fit in FITS.items()
    ]
    return "\n".join([*head, *fitting, *(f"| `{name}` | | | | | refused: {why} |" for name, why in REFUSED.items())])
