"""Step `learned`: which units know the origin and the pathology, what drives them, and where subjects lie."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from biasaudit import seeds
from biasaudit.engine.jobs.stack import Stack
from biasaudit.engine.steps.attribute import balanced_mean
from biasaudit.engine.steps.preferred_images import Aim, Ascent, aim_values, maximise, watched
from biasaudit.engine.steps.score import feature_layers
from biasaudit.engine.steps.train import device, load_network
from biasaudit.records import FloatArray
from biasaudit.registry import register
from biasaudit.stats.units import rank_share

__all__ = ["embedding", "learned", "unit_ranking"]

Needs = Mapping[str, Sequence[Path]]
_EXEMPLARS = 2
_MOST_BASELINE = 60  # images that the spread of the healthy is taken from


@register("step", "learned")
def learned(arguments: Mapping[str, Any], needs: Needs, folder: Path) -> None:
    """Describe what the network of one fold has learned, by the subjects it never saw.

    Parameters
    ----------
    arguments : mapping
        ``rows`` (held out), ``label`` (class of each), ``origin`` (of each), ``classes`` (their number), ``baseline``
        (healthy training rows, one list per origin), ``layers``, ``batch_size``, ``gallery`` (whether to look at single
        units), ``units`` (per layer and ranking), ``steps``, ``seed``.
    needs : mapping
        ``inputs``: represented blocks; ``models``: the network; ``read``: blocks with foregrounds.
    folder : Path
        Gets ``embedding.npy`` (rows, 2) and ``embedding.json`` (``shares`` of the variance); with a gallery also
        ``units.json`` (one record per unit), ``gallery.json`` and ``gallery.npz`` (slices by the keys in it).
    """
    network = _at_rest(load_network(needs["models"][0] / "model.safetensors"))
    inputs = Stack([block / "original.npy" for block in needs["inputs"]])
    layers = list(feature_layers(network, arguments["layers"]))
    activity = _activity(network, layers, inputs, arguments)
    places, shares = embedding(activity.hidden)
    np.save(folder / "embedding.npy", places)
    (folder / "embedding.json").write_text(json.dumps({"shares": shares.tolist()}))
    if arguments["gallery"]:
        _look_at_units(network, activity, (inputs, arguments, needs), folder)


def embedding(hidden: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Place subjects by the two largest principal components of their standardised features.

    Parameters
    ----------
    hidden : float (n, d)

    Returns
    -------
    places : float (n, 2)
        Of unit variance along either axis; zero along an axis that features of one dimension do not have.
    shares : float (2,)
        Of the variance of all standardised features.
    """
    spread = hidden.std(axis=0)
    scaled = np.divide(hidden - hidden.mean(axis=0), spread, out=np.zeros_like(hidden), where=spread > 0)
    left, sizes, right = np.linalg.svd(scaled, full_matrices=False)
    # The sign of a component is arbitrary; its largest loading is made positive, so that a rerun draws the same.
    signs = np.sign(right[np.arange(len(right)), np.abs(right).argmax(axis=1)])
    places, shares = np.zeros((len(hidden), 2)), np.zeros(2)
    kept = int((sizes[:2] > 0).sum())
    places[:, :kept] = (left * signs)[:, :kept] * np.sqrt(len(hidden))
    shares[:kept] = (sizes**2)[:kept] / max((sizes**2).sum(), np.finfo(float).tiny)
    return places, shares


def unit_ranking(units: Mapping[str, np.ndarray], label: Sequence[int], origin: Sequence[str]) -> list[dict[str, Any]]:
    """Say of every unit how much it knows of the origin inside classes, and of the class inside origins.

    Where no origin holds two classes the class is asked over all origins, and `held` says so.

    Parameters
    ----------
    units : mapping of layer to float (n, channels)
        Pooled activations of held-out subjects.
    label : sequence of int (n,)
    origin : sequence of str (n,)

    Returns
    -------
    list of dict
        ``layer``, ``unit``, ``origin_share``, ``pathology_share`` (see `stats.units.rank_share`; null where there is
        nothing to compare) and ``held`` (``origin`` or ``nothing``: what the pathology share holds fixed).
    """
    records = []
    for layer, values in units.items():
        of_origin, of_class = rank_share(values, origin, label), rank_share(values, label, origin)
        held = "nothing" if np.isnan(of_class).all() else "origin"
        if held == "nothing":
            of_class = rank_share(values, label, np.zeros(len(values), dtype=int))
        for unit, pair in enumerate(zip(of_origin, of_class, strict=True)):
            shares = [None if np.isnan(value) else float(value) for value in pair]
            record = {"layer": layer, "unit": unit, "origin_share": shares[0], "pathology_share": shares[1]}
            records.append({**record, "held": held})
    return records


@dataclass(frozen=True)
class _Activity:
    """What held-out subjects evoke: pooled units by layer, what enters the last linear layer, and logits."""

    units: Mapping[str, np.ndarray]
    hidden: np.ndarray
    logits: np.ndarray


def _at_rest(network: nn.Module) -> nn.Module:
    network.eval().requires_grad_(False)
    for module in network.modules():
        if getattr(module, "inplace", False):
            module.inplace = False  # type: ignore[assignment]
    return network


@torch.no_grad()
def _activity(network: nn.Module, layers: Sequence[str], inputs: Stack, arguments: Mapping[str, Any]) -> _Activity:
    rows, size = arguments["rows"], arguments["batch_size"]
    entering: list[torch.Tensor] = []
    pooled: dict[str, list[np.ndarray]] = {layer: [] for layer in layers}
    logits = []
    last = [module for module in network.modules() if isinstance(module, nn.Linear)][-1:]
    handles = [module.register_forward_pre_hook(lambda _, given: entering.append(given[0])) for module in last]
    with watched(network, layers) as seen:
        for start in range(0, len(rows), size):
            images = torch.from_numpy(inputs.take(rows[start : start + size])).to(device())
            logits.append(network(images).double().cpu().numpy())
            for layer, output in seen.items():
                pooled[layer].append(_pooled(output))
    for handle in handles:
        handle.remove()
    units = {layer: np.concatenate(values) for layer, values in pooled.items() if values}
    hidden = np.concatenate([_pooled(each) for each in entering]) if entering else list(units.values())[-1]
    return _Activity(units, hidden, np.concatenate(logits))


def _pooled(output: torch.Tensor) -> np.ndarray:
    """Mean over space of (n, channels, *shape), float64 (n, channels); what is not finite counts as 0."""
    values = output.double().flatten(2).mean(2) if output.ndim > 2 else output.double()
    return values.nan_to_num(0.0, 0.0, 0.0).cpu().numpy()


def _top(units: Sequence[Mapping[str, Any]], count: int) -> Iterator[Mapping[str, Any]]:
    """Yield the units of each layer that know most of the origin and of the pathology, each once."""
    chosen: set[tuple[str, int]] = set()
    for layer in dict.fromkeys(unit["layer"] for unit in units):
        for ranking in ("origin_share", "pathology_share"):
            own = [unit for unit in units if unit["layer"] == layer and unit[ranking] is not None]
            for unit in sorted(own, key=lambda unit: -unit[ranking])[:count]:
                if (layer, unit["unit"]) not in chosen:
                    chosen.add((layer, unit["unit"]))
                    yield unit


def _look_at_units(
    network: nn.Module, activity: _Activity, given: tuple[Stack, Mapping[str, Any], Needs], folder: Path
) -> None:
    inputs, arguments, needs = given
    units = unit_ranking(activity.units, arguments["label"], arguments["origin"])
    aims = [Aim("", index) for index in range(arguments["classes"])]
    aims += [Aim(unit["layer"], unit["unit"]) for unit in _top(units, arguments["units"])]
    ascent = _ascent(inputs, Stack([block / "foreground.npy" for block in needs["read"]]), arguments)
    images = maximise(network, aims, ascent, seeds.generator(arguments["seed"], "jitter"))
    records, slices = _gallery(aims, images, ascent, (activity, inputs, arguments["rows"]))
    reached = {
        "before": aim_values(network, aims, np.repeat(ascent.mean[None], len(aims), axis=0)),
        "after": aim_values(network, aims, images),
    }
    for place, (aim, record) in enumerate(zip(aims, records, strict=True)):
        record |= {"layer": aim.layer, "index": aim.index}
        record |= {when: float(values[place]) for when, values in reached.items()}
    (folder / "units.json").write_text(json.dumps(units))
    (folder / "gallery.json").write_text(json.dumps(records))
    np.savez_compressed(folder / "gallery.npz", **slices)  # type: ignore[arg-type]


def _ascent(inputs: Stack, foregrounds: Stack, arguments: Mapping[str, Any]) -> Ascent:
    """Start from the origin-balanced healthy mean; what lies outside most heads does not move."""
    rows = [row for own in arguments["baseline"] for row in own]
    rows = rows[:: -(-len(rows) // _MOST_BASELINE)]
    images = inputs.take(rows)
    inside = np.mean([foregrounds[row] for row in rows], axis=0) > 0.5
    spread = np.asarray(images.std(axis=0) * inside, dtype=np.float32)
    return Ascent(balanced_mean(inputs, arguments["baseline"]), spread, int(arguments["steps"]))


def _gallery(
    aims: Sequence[Aim], images: FloatArray, ascent: Ascent, subjects: tuple[_Activity, Stack, Sequence[int]]
) -> tuple[list[dict[str, Any]], dict[str, np.ndarray]]:
    """Cut slices of every preferred image and of the subjects that drive its aim most and least."""
    activity, inputs, rows = subjects
    records: list[dict[str, Any]] = []
    slices: dict[str, np.ndarray] = {}
    for place, aim in enumerate(aims):
        change = np.zeros_like(ascent.mean)
        np.divide(images[place] - ascent.mean, ascent.spread, out=change, where=ascent.spread > 0)
        channel = int(np.abs(change).reshape(len(change), -1).mean(1).argmax())
        values = _values(activity, aim)
        shown = {end: [int(rows[own]) for own in owned] for end, owned in _extremes(values).items()}
        records.append({"channel": channel, "highest_subject": float(values.max()), **shown})
        pictures = {"mean": ascent.mean[channel], "preferred": images[place, channel], "change": change[channel]}
        for end, owned in shown.items():
            pictures |= {f"{end}{rank + 1}": inputs[row][channel] for rank, row in enumerate(owned)}
        level = _level(np.abs(change[channel]))
        slices |= {f"{place}__{name}": _slice(picture, level) for name, picture in pictures.items()}
    return records, slices


def _extremes(values: np.ndarray) -> dict[str, list[int]]:
    """Places of the largest and of the smallest values, no place in both."""
    order = np.argsort(values, kind="stable")
    count = min(_EXEMPLARS, len(order) // 2)
    return {"most": order[::-1][:count].tolist(), "least": order[:count].tolist()}


def _values(activity: _Activity, aim: Aim) -> np.ndarray:
    if aim.layer:
        return np.asarray(activity.units[aim.layer][:, aim.index])
    logits = activity.logits
    if logits.shape[1] == 1:
        return np.asarray(logits[:, 0] * (1 if aim.index == 1 else -1))
    return np.asarray(logits[:, aim.index] - np.delete(logits, aim.index, axis=1).mean(axis=1))


def _level(strength: np.ndarray) -> int:
    """Axial level where most is changed; 0 for pictures."""
    return int(strength.sum(axis=(0, 1)).argmax()) if strength.ndim == 3 else 0


def _slice(picture: np.ndarray, level: int) -> np.ndarray:
    """Axial slice as a figure draws it, or the picture itself."""
    return np.asarray(picture[::-1] if picture.ndim == 2 else picture[:, :, level].T, dtype=np.float32)
