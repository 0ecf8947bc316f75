"""Steps that turn trained networks into evidence: `score`, `attribute` and, for simulated cohorts, `truth`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from biasaudit.cohort.phantom import counterfactuals
from biasaudit.engine.arrays import Stack
from biasaudit.engine.prepare import transform
from biasaudit.engine.train import device, load_network, outputs
from biasaudit.records import Grid, Sample
from biasaudit.registry import get

__all__ = ["attribute", "feature_layers", "predict_rows", "score", "truth"]

Needs = Mapping[str, Sequence[Path]]
_MAX_LAYERS = 4
_MARGIN_FLOOR = 0.1


def score(arguments: Mapping[str, Any], needs: Needs, folder: Path) -> None:
    """Score the held-out rows of one fold, averaging the logits of its networks.

    Parameters
    ----------
    arguments : mapping
        ``rows``, ``variants`` (``original``, ``erased``), ``features`` (whether to pool hidden layers), ``layers``
        (module names or null), ``batch_size``.
    needs : mapping
        ``inputs``: represented blocks; ``models``: trained networks, one per seed.
    folder : Path
        Gets ``logits-<variant>.npy`` (rows, outputs) and ``features-<layer>.npy`` (rows, channels)
        of the first network.
    """
    networks = [load_network(model / "model.safetensors") for model in needs["models"]]
    for variant in arguments["variants"]:
        inputs = Stack([block / f"{variant}.npy" for block in needs["inputs"]])
        logits = [outputs(network, inputs, arguments["rows"], arguments["batch_size"]) for network in networks]
        np.save(folder / f"logits-{variant}.npy", np.mean(logits, axis=0))
    if arguments["features"]:
        inputs = Stack([block / f"{arguments['variants'][0]}.npy" for block in needs["inputs"]])
        for layer, values in _features(networks[0], inputs, arguments).items():
            np.save(folder / f"features-{layer}.npy", values)


def attribute(arguments: Mapping[str, Any], needs: Needs, folder: Path) -> None:
    """Make attribution maps of held-out rows.

    The baseline is the origin-balanced mean of the healthy training images. Steps are doubled until the completeness
    error is small enough or ``max_steps`` is reached.

    Parameters
    ----------
    arguments : mapping
        ``rows``, ``variant``, ``method``, ``steps``, ``max_steps``, ``completeness``, ``baseline`` (list of lists of
        rows, one list per origin), ``output`` (null for a single logit, else per row the class whose margin over the
        mean of the others is explained).
    needs : mapping
        ``inputs``: represented blocks; ``models``: the network.
    folder : Path
        Gets ``maps.npy`` float32 (rows, *shape), summed over channels, and ``completeness.npy`` (rows,).
    """
    network = load_network(needs["models"][0] / "model.safetensors")
    inputs = Stack([block / f"{arguments['variant']}.npy" for block in needs["inputs"]])
    baseline = torch.from_numpy(_baseline(inputs, arguments["baseline"]))[None].to(device())
    rows, targets = arguments["rows"], arguments["output"] or [None] * len(arguments["rows"])
    maps = np.zeros((len(rows), *inputs.shape[2:]), dtype=np.float32)
    errors = np.zeros(len(rows))
    for position, (row, target) in enumerate(zip(rows, targets, strict=True)):
        image = torch.from_numpy(inputs.take([row])).to(device())
        relevance, errors[position] = _complete(_margin(network, target), image, baseline, arguments)
        maps[position] = relevance.sum(1)[0].cpu().numpy()
    np.save(folder / "maps.npy", maps)
    np.save(folder / "completeness.npy", errors)


def truth(arguments: Mapping[str, Any], needs: Needs, folder: Path) -> None:
    """Score simulated held-out anatomies at every site, with and without pathology.

    Parameters
    ----------
    arguments : mapping
        ``samples`` (records), ``grid``, ``representation``.
    folder : Path
        Gets ``margins.npy`` (anatomies, 2, sites): without and with pathology.
    """
    networks = [load_network(model / "model.safetensors") for model in needs["models"]]
    grid = Grid.from_dict(arguments["grid"])
    margins = []
    for record in arguments["samples"]:
        rendered = [volume for _, _, volume in counterfactuals(Sample.from_dict(record), grid)]
        images = np.stack([transform(arguments["representation"], volume, grid) for volume in rendered])
        margins.append(predict_rows(networks, images)[:, 0].reshape(2, -1))
    np.save(folder / "margins.npy", np.stack(margins))


@torch.no_grad()
def predict_rows(networks: Sequence[nn.Module], images: np.ndarray) -> np.ndarray:
    """Mean logits of some networks for images in memory, float64 (images, outputs)."""
    batch = torch.from_numpy(np.ascontiguousarray(images, dtype=np.float32)).to(device())
    return np.mean([network.eval()(batch).double().cpu().numpy() for network in networks], axis=0)  # type: ignore[no-any-return]


def feature_layers(network: nn.Module, wanted: Sequence[str] | None) -> dict[str, nn.Module]:
    """Choose the modules whose outputs are tested as hidden features.

    Parameters
    ----------
    network : Module
    wanted : sequence of str or None
        Module names; by default the last activation of up to four stages from shallow to deep.

    Raises
    ------
    KeyError
        If a wanted module does not exist.
    """
    modules = dict(network.named_modules())
    if wanted is not None:
        missing = [name for name in wanted if name not in modules]
        if missing:
            raise KeyError(f"target.layers: the network has no module {missing[0]!r}; it has {', '.join(modules)}")
        return {name: modules[name] for name in wanted}
    activations = [name for name, module in modules.items() if isinstance(module, _ACTIVATIONS)]
    names = activations or [name for name, module in modules.items() if isinstance(module, _CONVOLUTIONS)]
    places = np.linspace(0, len(names) - 1, min(_MAX_LAYERS, len(names))).round().astype(int).tolist()
    return {names[place]: modules[names[place]] for place in sorted(set(places))}


_ACTIVATIONS = (nn.ReLU, nn.LeakyReLU, nn.PReLU, nn.ELU, nn.GELU, nn.SiLU)
_CONVOLUTIONS = (nn.Conv2d, nn.Conv3d, nn.Linear)


@torch.no_grad()
def _features(network: nn.Module, inputs: Stack, arguments: Mapping[str, Any]) -> dict[str, np.ndarray]:
    layers = feature_layers(network, arguments["layers"])
    pooled: dict[str, list[np.ndarray]] = {name: [] for name in layers}
    with _hooks(layers, pooled):
        outputs(network, inputs, arguments["rows"], arguments["batch_size"])
    return {name: np.concatenate(values) for name, values in pooled.items() if values}


@contextmanager
def _hooks(layers: Mapping[str, nn.Module], pooled: Mapping[str, list[np.ndarray]]) -> Iterator[None]:
    """Append every layer's output, averaged over space, to its list while the block runs."""

    def hook(name: str) -> Callable[[nn.Module, Any, torch.Tensor], None]:
        def keep(module: nn.Module, inputs: Any, output: torch.Tensor) -> None:
            pooled[name].append(output.flatten(2).mean(2).cpu().numpy() if output.ndim > 2 else output.cpu().numpy())

        return keep

    handles = [module.register_forward_hook(hook(name)) for name, module in layers.items()]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _baseline(inputs: Stack, rows_per_origin: Sequence[Sequence[int]]) -> np.ndarray:
    """Mean of the means of every origin, read one image at a time."""
    means = []
    for rows in rows_per_origin:
        total = np.zeros(inputs.shape[1:], dtype=np.float64)
        for row in rows:
            total += inputs[row]
        means.append(total / len(rows))
    return np.asarray(np.mean(means, axis=0), dtype=np.float32)


def _margin(network: nn.Module, target: int | None) -> Callable[[torch.Tensor], torch.Tensor]:
    def margin(images: torch.Tensor) -> torch.Tensor:
        logits = network(images)
        if target is None or logits.shape[1] == 1:
            return logits[:, 0] if target in (None, 1) else -logits[:, 0]  # type: ignore[no-any-return]
        others = (logits.sum(1) - logits[:, target]) / (logits.shape[1] - 1)
        return logits[:, target] - others  # type: ignore[no-any-return]

    return margin


def _complete(
    margin: Callable[[torch.Tensor], torch.Tensor],
    image: torch.Tensor,
    baseline: torch.Tensor,
    arguments: Mapping[str, Any],
) -> tuple[torch.Tensor, float]:
    """Double the steps until the relevance sums to the change of the margin."""
    method = get("attribution", arguments["method"])
    with torch.no_grad():
        change = float(margin(image) - margin(baseline))
    steps = int(arguments["steps"])
    while True:
        relevance = method(margin, image, baseline, steps)
        error = abs(float(relevance.double().sum()) - change) / max(abs(change), _MARGIN_FLOOR)
        if error <= arguments["completeness"] or 2 * steps > arguments["max_steps"]:
            return relevance, error
        steps *= 2
