"""What the values of an attribution map are, by its method: what they measure, their unit, and what the sign says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from biasaudit.attributions.captum_table import PREFIX

__all__ = ["Meaning", "meaning"]

_GRADIENTS = ("Saliency", "GuidedBackprop", "Deconvolution")
_TUNNEL = "NoiseTunnel"


@dataclass(frozen=True)
class Meaning:
    """How to read a map.

    Attributes
    ----------
    description : str
        What it is; holds ``{place}``, a voxel or pixel.
    sign : str
        What red and blue say; holds ``{target}``, the class explained.
    units : str
        Holds ``{place}``.
    ends : tuple of str
        One word for blue and one for red.
    """

    description: str
    sign: str
    units: str
    ends: tuple[str, str] = ("opposes", "supports")


_SHARE = Meaning(
    "attribution map: how much every {place} moved the network's answer for one image",
    "positive (red) supports {target}, negative (blue) opposes it",
    "logits per {place} of the audit grid",
)
_SLOPE = Meaning(
    "sensitivity map: how steeply the network's answer for one image changes with every {place}",
    "a sensitivity, not a share of the answer: where it is positive (red) a higher value would raise the answer for "
    "{target}, where it is negative (blue) lower it",
    "logits per unit of the input, of every {place} of the audit grid",
    ("lowers", "raises"),
)
_NEURON = Meaning(
    "map of one neuron: how every {place} bears on that neuron for one image",
    "of the neuron, not of {target}: positive (red) goes with a higher value of the neuron, negative (blue) with a "
    "lower one",
    "values of the neuron per {place} of the audit grid",
    ("lowers", "raises"),
)


def meaning(method: str, arguments: Mapping[str, Any]) -> Meaning:
    """Say how to read the maps of a method.

    Parameters
    ----------
    method : str
        As in the protocol, ``captum:Saliency``.
    arguments : mapping
        `attribution.arguments`; noise goes around the method that they name.

    Returns
    -------
    Meaning
    """
    if not method.startswith(PREFIX):
        return _SHARE
    name = method.removeprefix(PREFIX)
    own = str(arguments.get("around", name)) if name == _TUNNEL else name
    if own.startswith("Neuron"):
        return _NEURON
    return _SLOPE if own in _GRADIENTS else _SHARE
