"""Step `learned`: which units know the origin and the pathology, what drives them, and where subjects lie."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from biasaudit import seeds
from biasaudit.engine.arguments.hidden_layers import LearnedArguments
from biasaudit.engine.arguments.inputs import INPUTS, READ
from biasaudit.engine.arguments.networks import MODELS
from biasaudit.engine.jobs.held_out import write_rows
from biasaudit.engine.jobs.job import Folders
from biasaudit.engine.jobs.stack import Stack
from biasaudit.engine.steps.attribute import balanced_mean
from biasaudit.engine.steps.preferred_images import AscentSettings, Objective, maximise, objective_values, watched
from biasaudit.engine.steps.score import feature_layers
from biasaudit.engine.steps.stored_volumes import red_channels
from biasaudit.engine.steps.train import device, load_networks
from biasaudit.records import FloatArray
from biasaudit.registry import register
from biasaudit.stats.units import rank_share

__all__ = ["UnitKnowledge", "embedding", "learned", "level_of", "unit_ranking"]

_EXEMPLARS = 2
_MOST_BASELINE = 60  # images that the spread of the healthy is taken from


@dataclass(frozen=True)
class UnitKnowledge:
    """How much one hidden unit tells of the class and of the origin.

    Attributes
    ----------
    layer : str
    unit : int
        Channel.
    origin_share, pathology_share : float or None
        How much of the origin, inside classes, and of the class, inside origins; see `stats.units.rank_share`. None
        where there is nothing to compare.
    held : str
        What the pathology share holds fixed: ``origin`` or ``nothing``.
    """

    layer: str
    unit: int
    origin_share: float | None
    pathology_share: float | None
    held: str


@dataclass(frozen=True)
class _Activity:
    """What held-out subjects evoke: pooled units by layer, what enters the last linear layer, and logits."""

    units: Mapping[str, np.ndarray]
    hidden: np.ndarray
    logits: np.ndarray


@dataclass(frozen=True)
class _Subjects:
    """The held-out subjects: their rows of the inputs, whether these are pictures in colour, and what they evoke."""

    inputs: Stack
    rows: Sequence[int]
    activity: _Activity
    colour: bool

    def drawn(self, image: FloatArray, channel: int) -> FloatArray:
        """Return what a figure shows of an input: one channel, or of a picture in colour (height, width, 3)."""
        return np.moveaxis(image, 0, -1) if self.colour else np.asarray(image[channel])


@register("step", "learned")
def learned(arguments: LearnedArguments, needs: Folders, folder: Path) -> None:
    """Describe what the network of one fold has learned, by the subjects it never saw.

    Parameters
    ----------
    arguments : LearnedArguments
    needs : Folders
        `INPUTS`, as `MODELS` the network, and `READ` for the foregrounds.
    folder : Path
        Gets ``embedding.npy`` (rows, 2), ``rows.npy`` and ``embedding.json`` (``shares`` of the variance); with a
        gallery also ``units.json`` (one record per unit), ``gallery.json`` and ``gallery.npz`` (slices by the keys in
        it).
    """
    (network,) = load_networks(needs[MODELS])
    network, inputs = _at_rest(network), Stack.of(needs[INPUTS], "original")
    layers = list(feature_layers(network, arguments.layers))
    activity = _activity(network, layers, inputs, arguments)
    # Inputs of three channels that are made of one picture in colour are red, green and blue themselves.
    colour = red_channels(needs[READ]) == (0,) and len(inputs[0]) == 3
    subjects = _Subjects(inputs, arguments.rows, activity, colour)
    places, shares = embedding(subjects.activity.hidden)
    np.save(folder / "embedding.npy", places)
    write_rows(folder, arguments.rows)
    (folder / "embedding.json").write_text(json.dumps({"shares": shares.tolist()}))
    if arguments.gallery:
        settings = _ascent_settings(inputs, Stack.of(needs[READ], "foreground"), arguments)
        _look_at_units(network, subjects, settings, arguments, folder)


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


def unit_ranking(units: Mapping[str, np.ndarray], label: Sequence[int], origin: Sequence[str]) -> list[UnitKnowledge]:
    """Say of every unit how much it knows of the origin inside classes, and of the class inside origins.

    Where no origin holds two classes the class is asked over all origins, and `held` says so.

    Parameters
    ----------
    units : mapping of layer to float (n, channels)
        Pooled activations of held-out subjects.
    label : sequence of int (n,)
    origin : sequence of str (n,)
    """
    found = []
    for layer, values in units.items():
        of_origin, of_class = rank_share(values, origin, label), rank_share(values, label, origin)
        held = "nothing" if np.isnan(of_class).all() else "origin"
        if held == "nothing":
            of_class = rank_share(values, label, np.zeros(len(values), dtype=int))
        for unit, pair in enumerate(zip(of_origin, of_class, strict=True)):
            shares = [None if np.isnan(value) else float(value) for value in pair]
            found.append(UnitKnowledge(layer, unit, shares[0], shares[1], held))
    return found


def _at_rest(network: nn.Module) -> nn.Module:
    network.eval().requires_grad_(False)
    for module in network.modules():
        if getattr(module, "inplace", False):
            module.inplace = False  # type: ignore[assignment]
    return network


@torch.no_grad()
def _activity(network: nn.Module, layers: Sequence[str], inputs: Stack, arguments: LearnedArguments) -> _Activity:
    rows, size = arguments.rows, arguments.batch_size
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


def _top(units: Sequence[UnitKnowledge], count: int) -> Iterator[UnitKnowledge]:
    """Yield the units of each layer that know most of the origin and of the pathology, each once."""
    chosen: set[tuple[str, int]] = set()
    for layer in dict.fromkeys(unit.layer for unit in units):
        own = [unit for unit in units if unit.layer == layer]
        of_origin = _largest(own, lambda unit: unit.origin_share, count)
        of_class = _largest(own, lambda unit: unit.pathology_share, count)
        for unit in (*of_origin, *of_class):
            if (layer, unit.unit) not in chosen:
                chosen.add((layer, unit.unit))
                yield unit


def _largest(
    units: Sequence[UnitKnowledge], share: Callable[[UnitKnowledge], float | None], count: int
) -> list[UnitKnowledge]:
    """Choose the units with the largest share of something; those where it is unknown are left out."""
    known = [(value, unit) for unit in units if (value := share(unit)) is not None]
    return [unit for _, unit in sorted(known, key=lambda pair: -pair[0])[:count]]


def _look_at_units(
    network: nn.Module, subjects: _Subjects, settings: AscentSettings, arguments: LearnedArguments, folder: Path
) -> None:
    """Rank the units, and show what drives the classes and the units that know most."""
    units = unit_ranking(subjects.activity.units, arguments.label, arguments.origin)
    objectives = [Objective("", index) for index in range(arguments.classes)]
    objectives += [Objective(unit.layer, unit.unit) for unit in _top(units, arguments.units)]
    images = maximise(network, objectives, settings, seeds.generator(arguments.seed, "jitter"))
    starts = np.repeat(settings.mean[None], len(objectives), axis=0)
    before, after = (objective_values(network, objectives, shown) for shown in (starts, images))
    records: list[dict[str, Any]] = []
    slices: dict[str, np.ndarray] = {}
    for place, objective in enumerate(objectives):
        exhibit = _exhibit(objective, images[place], settings, subjects)
        reached = {"before": float(before[place]), "after": float(after[place])}
        records.append({**exhibit.said, "layer": objective.layer, "index": objective.index, **reached})
        slices |= {f"{place}__{name}": picture for name, picture in exhibit.slices.items()}
    (folder / "units.json").write_text(json.dumps([asdict(unit) for unit in units]))
    (folder / "gallery.json").write_text(json.dumps(records))
    np.savez_compressed(folder / "gallery.npz", **slices)  # type: ignore[arg-type]


def _ascent_settings(inputs: Stack, foregrounds: Stack, arguments: LearnedArguments) -> AscentSettings:
    """Start from the origin-balanced healthy mean; what lies outside most heads does not move."""
    rows = [row for own in arguments.baseline for row in own]
    rows = rows[:: -(-len(rows) // _MOST_BASELINE)]
    images = inputs.take(rows)
    inside = np.mean([foregrounds[row] for row in rows], axis=0) > 0.5
    spread = np.asarray(images.std(axis=0) * inside, dtype=np.float32)
    return AscentSettings(balanced_mean(inputs, arguments.baseline), spread, arguments.steps)


@dataclass(frozen=True)
class _Exhibit:
    """One preferred image: what is said of it, and the slices that show it, by name."""

    said: dict[str, Any]
    slices: dict[str, np.ndarray]


def _exhibit(objective: Objective, image: FloatArray, settings: AscentSettings, subjects: _Subjects) -> _Exhibit:
    """Cut slices of a preferred image and of the subjects that drive its objective most and least."""
    change = np.zeros_like(settings.mean)
    np.divide(image - settings.mean, settings.spread, out=change, where=settings.spread > 0)
    channel = int(np.abs(change).reshape(len(change), -1).mean(1).argmax())
    values = _values(subjects.activity, objective)
    shown = {end: [int(subjects.rows[own]) for own in owned] for end, owned in _extremes(values).items()}
    pictures = {"mean": settings.mean, "preferred": image}
    for end, owned in shown.items():
        pictures |= {f"{end}{rank + 1}": subjects.inputs[row] for rank, row in enumerate(owned)}
    drawn = {name: subjects.drawn(picture, channel) for name, picture in pictures.items()}
    drawn["change"] = change[channel]
    level = level_of(np.abs(change[channel])) if change.ndim == 4 else None
    return _Exhibit(
        {"channel": channel, "highest_subject": float(values.max()), **shown},
        {name: _slice(picture, level) for name, picture in drawn.items()},
    )


def _extremes(values: np.ndarray) -> dict[str, list[int]]:
    """Places of the largest and of the smallest values, no place in both."""
    order = np.argsort(values, kind="stable")
    count = min(_EXEMPLARS, len(order) // 2)
    return {"most": order[::-1][:count].tolist(), "least": order[:count].tolist()}


def _values(activity: _Activity, objective: Objective) -> np.ndarray:
    if objective.layer:
        return np.asarray(activity.units[objective.layer][:, objective.index])
    logits = activity.logits
    if logits.shape[1] == 1:
        return np.asarray(logits[:, 0] * (1 if objective.index == 1 else -1))
    return np.asarray(logits[:, objective.index] - np.delete(logits, objective.index, axis=1).mean(axis=1))


def level_of(strength: np.ndarray) -> int:
    """Choose the axial level of a volume where most is changed; the middle one where nothing is.

    Parameters
    ----------
    strength : float (*shape)
        Absolute change.
    """
    return int(strength.sum(axis=(0, 1)).argmax()) if strength.any() else strength.shape[2] // 2


def _slice(picture: np.ndarray, level: int | None) -> np.ndarray:
    """Axial slice as a figure draws it, or without a level the picture itself."""
    return np.asarray(picture[::-1] if level is None else picture[:, :, level].T, dtype=np.float32)
