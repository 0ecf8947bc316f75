"""Step `score`: what trained networks answer to held-out rows, and what their hidden layers hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from biasaudit.engine.arguments.inputs import INPUTS
from biasaudit.engine.arguments.networks import MODELS, ScoreArguments
from biasaudit.engine.jobs.held_out import write_rows
from biasaudit.engine.jobs.job import Folders
from biasaudit.engine.jobs.stack import Stack
from biasaudit.engine.steps.train import device, load_networks, outputs
from biasaudit.registry import register

__all__ = ["feature_layers", "predict_rows", "score"]

_MAX_LAYERS = 4


@register("step", "score")
def score(arguments: ScoreArguments, needs: Folders, folder: Path) -> None:
    """Score the held-out rows of one fold, averaging the logits of its networks.

    Parameters
    ----------
    arguments : ScoreArguments
    needs : Folders
        `INPUTS`, and `MODELS`, one per seed.
    folder : Path
        Gets ``logits-<variant>.npy`` (rows, outputs), ``rows.npy``, of several networks ``by-seed-<variant>.npy``
        (rows, outputs, networks), and where asked ``features-<layer>.npy`` (rows, channels) of the first network.
    """
    networks = load_networks(needs[MODELS])
    for variant in arguments.variants:
        inputs = Stack.of(needs[INPUTS], variant)
        logits = [outputs(network, inputs, arguments.rows, arguments.batch_size) for network in networks]
        np.save(folder / f"logits-{variant}.npy", np.mean(logits, axis=0))
        if len(networks) > 1:
            np.save(folder / f"by-seed-{variant}.npy", np.stack(logits, axis=2))
    write_rows(folder, arguments.rows)
    if arguments.features:
        inputs = Stack.of(needs[INPUTS], arguments.variants[0])
        for layer, values in _features(networks[0], inputs, arguments).items():
            np.save(folder / f"features-{layer}.npy", values)


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
def _features(network: nn.Module, inputs: Stack, arguments: ScoreArguments) -> dict[str, np.ndarray]:
    layers = feature_layers(network, arguments.layers)
    rows, size = arguments.rows, arguments.batch_size
    pooled: dict[str, list[np.ndarray]] = {name: [] for name in layers}
    for start in range(0, len(rows), size):
        with _pooled_outputs(layers) as latest:
            outputs(network, inputs, rows[start : start + size], size)
        for name, values in latest.items():
            pooled[name].append(values)
    return {name: np.concatenate(values) for name, values in pooled.items() if values}


@contextmanager
def _pooled_outputs(layers: Mapping[str, nn.Module]) -> Iterator[Mapping[str, np.ndarray]]:
    """Keep every layer's output, averaged over space, while the block runs; of a layer used twice the last one."""
    latest: dict[str, np.ndarray] = {}

    def hook(name: str) -> Callable[[nn.Module, Any, torch.Tensor], None]:
        def keep(module: nn.Module, inputs: Any, output: torch.Tensor) -> None:
            latest[name] = output.flatten(2).mean(2).cpu().numpy() if output.ndim > 2 else output.cpu().numpy()

        return keep

    handles = [module.register_forward_hook(hook(name)) for name, module in layers.items()]
    try:
        yield latest
    finally:
        for handle in handles:
            handle.remove()
