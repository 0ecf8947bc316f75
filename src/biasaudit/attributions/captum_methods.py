"""The attribution methods of Captum by name, ``captum:IntegratedGradients``; our own are faster where there is one.

Captum (Kokhlikyan et al. 2020, arXiv:2009.07896) is imported when a map is made: that takes most of a second. Methods
that draw random numbers draw the same for every image, and leave the global streams as they were.
"""

from __future__ import annotations

import inspect
import random
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from biasaudit import seeds
from biasaudit.attributions.captum_layers import layer_named, neuron_of, spread_over
from biasaudit.attributions.captum_rules import require_complete, require_rules
from biasaudit.attributions.captum_table import FITS, NOT_TUNNELLED, PREFIX, Fit, registered
from biasaudit.attributions.explained import Margin
from biasaudit.attributions.method import Effort, References
from biasaudit.errors import suggestion, told
from biasaudit.registry import register

__all__ = ["argument_faults"]

REGISTERED_IN = "biasaudit.attributions.captum_table"
"""Where a list of components reads the names that the end of this file registers; see `biasaudit.registered`."""

_VOXELS_AT_ONCE = 2**21
_AROUND = "IntegratedGradients"
_OURS = ("layer", "neuron", "around", "seed")
"""Arguments that are not Captum's own."""
_LAYERED = ("Layer", "Neuron", "Internal", "GuidedGradCam")
"""Beginnings of the names of methods that look at a layer."""
_SET = {
    "n_steps": "`attribution.steps`",
    "sliding_window_shapes": "`attribution.patch`",
    "strides": "`attribution.stride`",
    "baselines": "`attribution.baseline`",
    "feature_mask": "`attribution.atlas`",
    "neuron_selector": "`neuron`",
}
"""Arguments that the protocol has other words for."""
_HIDDEN = frozenset(
    [
        *("self", "inputs", "target", "additional_forward_args", "return_convergence_delta", "internal_batch_size"),
        *("perturbations_per_eval", "nt_samples_batch_size", "show_progress", "verbose", "kwargs", "grad_kwargs"),
        *("custom_attribution_func", "layer_mask", "layer_baselines", "return_input_shape", "attr_dim_summation"),
        *("attribute_to_layer_input", "attribute_to_neuron_input", "draw_baseline_from_distrib"),
    ]
)


class _Answer(nn.Module):
    """The answer that is explained, as modules alone, which is all that hooks can see.

    Parameters
    ----------
    network : Module
    coefficients : tensor (outputs,)
        Of the margin.
    """

    def __init__(self, network: nn.Module, coefficients: torch.Tensor) -> None:
        super().__init__()
        self.network = network
        with torch.device("meta"):  # draws no random numbers
            self.head = nn.Linear(len(coefficients), 1, bias=False)
        self.head.weight = nn.Parameter(coefficients[None].clone(), requires_grad=False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Answers (n,); the network may change the copy that it is given."""
        return self.head(self.network(images.clone()))[:, 0]  # type: ignore[no-any-return]


class CaptumMethod:
    """A method of Captum; what it is stands in `captum_table`.

    Attributes
    ----------
    name : str
        Of Captum's class.
    fit : Fit
    holds : frozenset of str
        What is true of its maps.
    """

    name: ClassVar[str]
    fit: ClassVar[Fit]
    holds: ClassVar[frozenset[str]]
    faithful: ClassVar[bool]
    complete: ClassVar[bool]
    adaptive: ClassVar[bool]
    needs: ClassVar[str]

    def relevance(self, margin: Margin, images: torch.Tensor, references: References, effort: Effort) -> torch.Tensor:
        """Signed relevance (n, channels, *shape), image by image.

        Raises
        ------
        UsageError
            If the method is not made for this network, or fails.
        """
        answer = self._answer(margin, _asked(self.name, effort.arguments)).to(images.device)
        with _quiet(), told(f"{PREFIX}{self.name} failed"):
            maps = []
            for row, image in enumerate(images):
                baseline = references.baseline[row % len(references.baseline)][None]
                own = References(baseline, references.healthy, references.regions)
                with _seeded(seeds.seed(int(effort.arguments.get("seed", 0)), "captum", self.name)):
                    maps.append(self._of_image(answer, image[None], own, effort))
        return torch.cat(maps)

    def _answer(self, margin: Margin, asked: str) -> _Answer:
        """Take the network with its own names where a layer is asked for, else the folded one."""
        explained, named = margin.explained, asked.startswith(_LAYERED)
        return _Answer(explained.resting if named else explained.network, margin.coefficients)

    def _of_image(self, answer: _Answer, image: torch.Tensor, own: References, effort: Effort) -> torch.Tensor:
        at = image.detach().clone().requires_grad_(True)
        made = answer(at)
        if not made.requires_grad or torch.autograd.grad(made.sum(), at, allow_unused=True)[0] is None:
            return torch.zeros_like(image)
        self._require_fit(answer, image, own, _asked(self.name, effort.arguments))
        found = _called(self.name, answer, image, own, effort)
        if self.fit.rule == "differences" and self.complete:
            require_complete(found, _change(answer, image, own, self.needs), f"{PREFIX}{self.name}")
        return found

    def _require_fit(self, answer: _Answer, image: torch.Tensor, own: References, asked: str) -> None:
        """Hold the network against the rules of the method, or of the one that noise is laid around."""
        rule, said = FITS[asked].rule, f"{PREFIX}{self.name}" + (f" around {asked}" if asked != self.name else "")
        if rule:
            require_rules(answer, image, rule, said)
        if rule == "differences" and not self.complete:
            plain = _called("DeepLift", answer, image, own, Effort())
            require_complete(plain, _change(answer, image, own, "baseline"), said)


def argument_faults(name: str, arguments: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with the arguments of a method, before any map is made.

    Parameters
    ----------
    name : str
        As in the protocol.
    arguments : mapping
        `attribution.arguments`.
    """
    if not name.startswith(PREFIX):
        if arguments:
            yield f"{name} takes no arguments; those of `attribution` beside this key are its settings"
        return
    own = name.removeprefix(PREFIX)
    around = _asked(own, arguments)
    if around not in FITS:
        yield f"around: no method {around!r} of Captum; {suggestion(around, FITS)}"
        return
    known = sorted({*_known(own), *_known(around)})
    for argument in arguments:
        if argument in _SET:
            yield f"{argument} of {name} is set by {_SET[argument]}"
        elif argument not in known:
            yield f"{name} takes no argument {argument!r}; {suggestion(argument, known)}"
    if around.startswith("Neuron") and "neuron" not in arguments:
        yield f"{name} explains one neuron: name its channel, `arguments: {{neuron: 0}}`"
    if own == "NoiseTunnel" and around in NOT_TUNNELLED:
        yield f"around: Captum's noise tunnel does not go around {around}, {NOT_TUNNELLED[around]}"


def _asked(name: str, arguments: Mapping[str, Any]) -> str:
    """Name the method that looks into the network: of the noise tunnel the one that it goes around."""
    return str(arguments.get("around", _AROUND)) if name == "NoiseTunnel" else name


def _known(name: str) -> list[str]:
    """List the arguments that a user may give to a method of Captum."""
    own = {one for one in inspect.signature(_class(name).attribute).parameters if one not in _HIDDEN | _SET.keys()}
    layered = name.startswith(_LAYERED)
    own |= {"layer"} if layered else set()
    own |= {"neuron"} if name.startswith("Neuron") else set()
    return sorted(own | ({"around"} if name == "NoiseTunnel" else set()) | {"seed"})


def _class(name: str) -> Any:
    import captum.attr  # takes most of a second

    return getattr(captum.attr, name)


def _called(name: str, answer: _Answer, image: torch.Tensor, own: References, effort: Effort) -> torch.Tensor:
    """Let Captum make the map of one image (1, channels, *shape), in logits per voxel."""
    if name == "GradientShap" or name.endswith("GradientShap"):
        return _mean_over_healthy(name, answer, image, own, effort)
    return _once(name, answer, image, own, effort)


def _mean_over_healthy(
    name: str, answer: _Answer, image: torch.Tensor, own: References, effort: Effort
) -> torch.Tensor:
    """Compare with every healthy image as often as with any other, which random choice would not."""
    assert own.healthy is not None
    each = [References(healthy[None], healthy[None], own.regions) for healthy in own.healthy]
    return torch.stack([_once(name, answer, image, one, effort) for one in each]).mean(0)


def _once(name: str, answer: _Answer, image: torch.Tensor, own: References, effort: Effort) -> torch.Tensor:
    around = _asked(name, effort.arguments)
    layer = _layer(around, answer, image, effort)
    offered = _offered(around, image, own, effort)
    offered |= _tunnel(image) if name == "NoiseTunnel" else {}
    if around.startswith("Neuron"):
        offered["neuron_selector"] = neuron_of(answer, layer, image, effort.arguments.get("neuron", 0))
    method = _made(around, answer, layer)
    if name == "NoiseTunnel":
        method = _class(name)(method)
    taken = {*inspect.signature(_class(around).attribute).parameters, *inspect.signature(method.attribute).parameters}
    stated = {key: value for key, value in effort.arguments.items() if key not in _OURS}
    at = image.detach().contiguous(memory_format=torch.contiguous_format).clone().requires_grad_(True)
    found = method.attribute(at, **{k: v for k, v in {**offered, **stated}.items() if k in taken})
    return _on_image(around, found.detach(), image, own, effort).float()


def _made(name: str, answer: _Answer, layer: nn.Module | None) -> Any:
    return _class(name)(answer) if layer is None else _class(name)(answer, layer)


def _layer(name: str, answer: _Answer, image: torch.Tensor, effort: Effort) -> nn.Module | None:
    if not name.startswith(_LAYERED):
        return None
    return layer_named(answer.network, effort.arguments.get("layer"), image, spatial=not name.startswith("Neuron"))


def _offered(name: str, image: torch.Tensor, own: References, effort: Effort) -> dict[str, Any]:
    """Make what a method of Captum may ask for."""
    several = max(1, _VOXELS_AT_ONCE // image.numel())
    offered: dict[str, Any] = {
        "baselines": _distribution(own) if name.endswith("Shap") and name != "KernelShap" else own.baseline,
        "n_steps": effort.steps,
        "internal_batch_size": several,
        "perturbations_per_eval": min(several, 16),
        "n_samples": max(1, effort.steps // 2),
        "abs": False,
        "sliding_window_shapes": _window(image, effort),
        "strides": (image.shape[1], *(min(effort.stride, size) for size in _window(image, effort)[1:])),
    }
    if own.regions is not None:
        mask = torch.unique(own.regions, return_inverse=True)[1]
        offered["feature_mask"] = mask.to(image.device)[None, None].repeat(1, image.shape[1], *[1] * mask.ndim)
        offered["n_samples"] = 10 * int(mask.max() + 1) if name in ("KernelShap", "Lime") else offered["n_samples"]
    if name == "ShapleyValueSampling":
        offered["n_samples"] = 25
    return offered


def _distribution(own: References) -> torch.Tensor:
    """Take the healthy images; one alone comes twice, since Captum refuses a distribution of one."""
    assert own.healthy is not None
    return own.healthy if len(own.healthy) > 1 else own.healthy.repeat(2, *[1] * (own.healthy.ndim - 1))


def _tunnel(image: torch.Tensor) -> dict[str, Any]:
    """Noise of a tenth of the image's deviation, so that it stays an image."""
    return {"nt_samples_batch_size": 1, "stdevs": 0.1 * float(image.std())}


def _window(image: torch.Tensor, effort: Effort) -> tuple[int, ...]:
    return (image.shape[1], *(min(effort.patch, size) for size in image.shape[2:]))


def _on_image(name: str, found: torch.Tensor, image: torch.Tensor, own: References, effort: Effort) -> torch.Tensor:
    """Turn what Captum returns into relevance per voxel: it gives a whole region's to every voxel of it."""
    if name.startswith("Layer") or name == "InternalInfluence":
        return spread_over(found, image)
    if "feature_mask" in inspect.signature(_class(name).attribute).parameters and own.regions is not None:
        number, place, size = torch.unique(own.regions, return_inverse=True, return_counts=True)
        share = torch.where(number > 0, 1 / size, 0)[place] / image.shape[1]
        return found * share.to(found)
    return found / _window_sizes(image, effort) if name == "Occlusion" else found


def _window_sizes(image: torch.Tensor, effort: Effort) -> torch.Tensor:
    """Voxels of the windows over each voxel (*shape), in the mean of those that hide it along an axis."""
    sizes = torch.full((1,) * (image.ndim - 2), float(image.shape[1]), device=image.device)
    for axis, length in enumerate(image.shape[2:]):
        patch = min(effort.patch, length)
        stride = min(effort.stride, patch)
        total, count = torch.zeros(length), torch.zeros(length)
        for start in range(0, max(1, -(-(length - patch) // stride) * stride + 1), stride):
            part = slice(start, min(start + patch, length))
            total[part] += part.stop - part.start
            count[part] += 1
        along = (total / count.clamp(min=1)).clamp(min=1).to(image.device)
        sizes = sizes * along.reshape(-1, *[1] * (image.ndim - 3 - axis))
    return sizes


@torch.no_grad()
def _change(answer: _Answer, image: torch.Tensor, own: References, needs: str) -> torch.Tensor:
    """Change of the answer (1,) from what the image is compared with."""
    compared = own.healthy if needs == "healthy" and own.healthy is not None else own.baseline
    return answer(image) - answer(compared).mean()  # type: ignore[no-any-return]


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Captum's remarks on its own hooks to itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed the global streams that Captum draws from, and put them back."""
    before = random.getstate(), np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng(devices=list(range(torch.cuda.device_count()))):
        random.seed(seed)
        np.random.seed(seed % 2**32)  # noqa: NPY002
        torch.manual_seed(seed)
        try:
            yield
        finally:
            random.setstate(before[0])
            np.random.set_state(before[1])  # noqa: NPY002


def _registered(name: str, told: str, fit: Fit) -> None:
    """Make the class of one method known, as every component is one class."""
    said = {"name": name, "fit": fit, "holds": fit.holds, "__doc__": told}
    taken = {key: getattr(fit, key) for key in ("faithful", "complete", "adaptive", "needs")}
    register("attribution", f"{PREFIX}{name}")(type(f"Captum{name}", (CaptumMethod,), {**said, **taken}))


for _name, _told in registered().items():
    _registered(_name.removeprefix(PREFIX), _told, FITS[_name.removeprefix(PREFIX)])
