"""Step `train`, the only training loop: target and controls get the same architecture, budget and stopping rule."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from sklearn.model_selection import StratifiedGroupKFold
from torch import nn

from biasaudit import seeds
from biasaudit.engine.arguments.inputs import INPUTS
from biasaudit.engine.arguments.networks import Factory, TrainArguments
from biasaudit.engine.jobs.job import Folders
from biasaudit.engine.jobs.stack import Stack
from biasaudit.engine.steps.training_parts import (
    Augmentation,
    Loss,
    augmentation,
    loss_function,
    make_optimiser,
    make_schedule,
)
from biasaudit.engine.user_code.network import keeps_layout
from biasaudit.engine.user_code.network_description import BUILDER
from biasaudit.engine.user_code.training import Images, fitted
from biasaudit.errors import DataError, Fault
from biasaudit.networks.factory import NetworkSizes, build_network
from biasaudit.networks.preparation import initialised
from biasaudit.protocol import TrainingSettings
from biasaudit.protocol.places import Places
from biasaudit.registry import register
from biasaudit.regular_files import read_json_file
from biasaudit.run_folder.finished import as_written

__all__ = [
    "device",
    "load_network",
    "load_networks",
    "outputs",
    "save_network",
    "to_device",
    "train",
    "validation_rows",
]

_WEIGHTS = "model.safetensors"

_MEMORY = 2**29
"""Bytes of inputs that stay in memory from epoch to epoch; what is beyond is read again."""


@dataclass(frozen=True)
class _Fit:
    """Inputs, settings, loss, augmentation and random stream of one training."""

    inputs: Stack
    settings: TrainingSettings
    loss: Loss
    augment: Augmentation
    chance: np.random.Generator


@dataclass(frozen=True)
class _Labelled:
    """Rows of the cohort and the class of each."""

    rows: np.ndarray
    targets: np.ndarray


@dataclass(frozen=True)
class _Examples:
    """The examples that a training learns from, and those that it keeps out to see when to stop."""

    learn: _Labelled
    check: _Labelled


@dataclass(frozen=True)
class _Stepper:
    """The optimiser and the schedule of the learning rate."""

    optimiser: torch.optim.Optimizer
    schedule: torch.optim.lr_scheduler.LRScheduler


@register("step", "train")
def train(arguments: TrainArguments, needs: Folders, folder: Path) -> None:
    """Train one network on the training rows of one fold and keep its best epoch, or let the user's function do it.

    Parameters
    ----------
    arguments : TrainArguments
    needs : Folders
        `INPUTS`: what it learns from.
    folder : Path
        Gets ``model.safetensors``, ``model.json`` (how to build it) and ``history.json``.
    """
    inputs = Stack.of(needs[INPUTS], arguments.variant, _MEMORY)
    sizes = _sizes(arguments, inputs)
    with torch.random.fork_rng(devices=_cuda_devices()):
        torch.manual_seed(arguments.seed)
        network = to_device(_built(arguments.factory, sizes, inputs))
        history = (_fit_own if arguments.training.fit else _fit)(network, inputs, arguments)
    save_network(network, arguments.factory, sizes, folder)
    (folder / "history.json").write_text(json.dumps(history))


def save_network(network: nn.Module, factory: Factory, sizes: Sequence[int], folder: Path) -> None:
    """Write the weights of a network and how it is built.

    Parameters
    ----------
    network : Module
    factory : Factory
    sizes : sequence of int
        Dimensions of space, channels of the input, logits.
    folder : Path
        Gets ``model.safetensors`` and ``model.json``.
    """
    state = {name: value.contiguous().cpu() for name, value in network.state_dict().items()}
    (folder / _WEIGHTS).write_bytes(save(state))  # `save_file` would keep everybody else from reading it
    description = {"network": factory.name, "network_arguments": dict(factory.arguments), "sizes": sizes}
    (folder / "model.json").write_text(json.dumps(description))


def load_networks(folders: Sequence[Path]) -> list[nn.Module]:
    """Rebuild the networks of some finished jobs, ready for inference."""
    return [load_network(folder / _WEIGHTS) for folder in folders]


def load_network(weights: Path) -> nn.Module:
    """Rebuild a trained network, ready for inference.

    Parameters
    ----------
    weights : Path
        ``.safetensors`` file with a ``.json`` of the same name beside it.

    Raises
    ------
    DataError
        They are not what was written.
    """
    path = weights.with_suffix(".json")
    with as_written(path):
        description = Places.of_run_above(weights).absolute_code(read_json_file(path))
        factory, arguments = str(description["network"]), dict(description["network_arguments"])
        sizes = NetworkSizes(*map(int, description["sizes"]))
    network = build_network(factory, sizes, arguments)
    try:
        network.load_state_dict(load_file(weights))
    except (SafetensorError, OSError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise DataError([Fault(str(weights), f"not the weights of its network ({reason})", "run it again")]) from None
    return to_device(network).eval()


@torch.no_grad()
def outputs(network: nn.Module, inputs: Stack, rows: Sequence[int] | np.ndarray, batch_size: int) -> np.ndarray:
    """Logits of some rows, float64 (rows, outputs)."""
    network.eval()
    parts = [
        network(_batch(inputs, rows[start : start + batch_size])).double().cpu().numpy()
        for start in range(0, len(rows), batch_size)
    ]
    return np.concatenate(parts)


def device() -> torch.device:
    """Return the accelerator if there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def to_device(network: nn.Module) -> nn.Module:
    """Move a network to the device; channels last is 1.5 to 2 times faster for small 3-D networks on a CPU."""
    if keeps_layout(network):
        return network.to(device())
    three = any(isinstance(module, nn.Conv3d) for module in network.modules())
    layout = torch.channels_last_3d if three else torch.channels_last
    return network.to(device()).to(memory_format=layout)  # type: ignore[call-overload, no-any-return]


def validation_rows(targets: np.ndarray, groups: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Choose the validation part of a training fold: stratified by target, no subject on both sides.

    Returns
    -------
    bool (n,)
        All False when a class has too few subjects to spare one.
    """
    splits = max(2, round(1 / share))
    subjects_per_class = [len(np.unique(groups[targets == target])) for target in np.unique(targets)]
    chosen = np.zeros(len(targets), dtype=bool)
    if min(subjects_per_class) < splits:
        splits = min(subjects_per_class)
    if splits < 3:
        return chosen
    splitter = StratifiedGroupKFold(n_splits=splits, shuffle=True, random_state=seed % 2**32)
    _, rows = next(splitter.split(targets, targets, groups))
    chosen[rows] = True
    return chosen


def _fit(network: nn.Module, inputs: Stack, arguments: TrainArguments) -> list[dict[str, float]]:
    settings, examples = arguments.training, _examples(arguments)
    chance = seeds.generator(arguments.seed, "batches")
    loss = loss_function(settings.loss, _class_weights(arguments))
    fit = _Fit(inputs, settings, loss, augmentation(settings, chance, arguments.seed), chance)
    steps = settings.epochs * max(1, -(-len(examples.learn.rows) // settings.batch_size))
    optimiser = make_optimiser(settings, network)
    stepper = _Stepper(optimiser, make_schedule(settings, optimiser, steps))
    best, best_loss, history = None, np.inf, []
    for epoch in range(settings.epochs):
        training_loss = _epoch(network, fit, examples.learn, stepper)
        last = _loss_on(network, fit, examples.check) if len(examples.check.rows) else training_loss
        history.append({"epoch": epoch + 1, "training_loss": training_loss, "validation_loss": last})
        if last < best_loss:
            best, best_loss = {name: value.clone() for name, value in network.state_dict().items()}, last
        if epoch + 1 - _best_epoch(history) >= settings.patience:
            break
    if best is not None:
        network.load_state_dict(best)
    return history


def _fit_own(network: nn.Module, inputs: Stack, arguments: TrainArguments) -> list[dict[str, float]]:
    """Let the user's function train the network as its factory makes it, and say how well that went."""
    settings, examples = arguments.training, _examples(arguments)
    learn, check = examples.learn, examples.check
    assert settings.fit is not None
    as_made = to_device(_as_made(arguments, inputs))
    as_made.load_state_dict(network.state_dict())
    offered = {
        "images": Images(inputs, learn.rows),
        "targets": torch.as_tensor(learn.targets),
        "validation": (Images(inputs, check.rows), torch.as_tensor(check.targets)) if len(check.rows) else None,
        **{name: getattr(settings, name) for name in ("epochs", "batch_size", "learning_rate", "weight_decay")},
        "seed": arguments.seed,
        "device": device(),
    }
    network.load_state_dict(fitted(settings.fit, as_made, offered))
    loss = loss_function("balanced_bce", _class_weights(arguments))
    fit = _Fit(inputs, settings, loss, lambda images: images, seeds.generator(arguments.seed, "batches"))
    losses = [_loss_on(network, fit, own) for own in (learn, check) if len(own.rows)]
    return [{"epoch": settings.epochs, "training_loss": losses[0], "validation_loss": losses[-1]}]


def _as_made(arguments: TrainArguments, inputs: Stack) -> nn.Module:
    """Build the network once more, its outputs as the user's factory leaves them."""
    factory = arguments.factory
    changed = {**factory.arguments, **({"converted": False} if factory.name == BUILDER else {})}
    return _built(replace(factory, arguments=changed), _sizes(arguments, inputs), inputs)


def _built(factory: Factory, sizes: NetworkSizes, inputs: Stack) -> nn.Module:
    """Build a network, its lazy layers made for the inputs."""
    return initialised(build_network(factory.name, sizes, factory.arguments), inputs.shape[1:])


def _sizes(arguments: TrainArguments, inputs: Stack) -> NetworkSizes:
    """Spatial dimensions, channels and outputs of the network."""
    return NetworkSizes(len(inputs.shape) - 2, inputs.shape[1], 1 if arguments.classes == 2 else arguments.classes)


def _examples(arguments: TrainArguments) -> _Examples:
    rows, targets = np.asarray(arguments.rows), np.asarray(arguments.targets)
    groups, share = np.asarray(arguments.groups), arguments.training.validation
    kept_out = validation_rows(targets, groups, share, arguments.seed)
    return _Examples(_Labelled(rows[~kept_out], targets[~kept_out]), _Labelled(rows[kept_out], targets[kept_out]))


def _class_weights(arguments: TrainArguments) -> torch.Tensor:
    """Weights by which the classes of all training rows count alike, float32 (classes,)."""
    targets = np.asarray(arguments.targets)
    counts = np.bincount(targets, minlength=arguments.classes)
    weights = len(targets) / (len(counts) * np.maximum(counts, 1))
    return torch.tensor(weights, dtype=torch.float32, device=device())


def _epoch(network: nn.Module, fit: _Fit, examples: _Labelled, stepper: _Stepper) -> float:
    network.train()
    count = len(examples.rows)
    order = fit.chance.permutation(count)
    total = 0.0
    for start in range(0, count, fit.settings.batch_size):
        batch = order[start : start + fit.settings.batch_size]
        if len(batch) > 1:  # batch normalisation has no variance of one example
            images = fit.augment(_batch(fit.inputs, examples.rows[batch]))
            loss = fit.loss(network(images), torch.as_tensor(examples.targets[batch], device=device()))
            stepper.optimiser.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            stepper.optimiser.step()
            total += float(loss.detach()) * len(batch)
        stepper.schedule.step()
    return total / count


@torch.no_grad()
def _loss_on(network: nn.Module, fit: _Fit, examples: _Labelled) -> float:
    logits = torch.as_tensor(outputs(network, fit.inputs, examples.rows, fit.settings.batch_size), dtype=torch.float32)
    return float(fit.loss(logits.to(device()), torch.as_tensor(examples.targets, device=device())))


def _batch(inputs: Stack, rows: Sequence[int] | np.ndarray) -> torch.Tensor:
    # Torch casts float16 ten times as fast as NumPy, to the same numbers.
    images = torch.from_numpy(inputs.stored(rows)).to(device()).float()
    layout = torch.channels_last_3d if images.ndim == 5 else torch.channels_last
    return images.contiguous(memory_format=layout)


def _best_epoch(history: Sequence[Mapping[str, float]]) -> float:
    return min(history, key=lambda entry: entry["validation_loss"])["epoch"]


def _cuda_devices() -> list[int]:
    return list(range(torch.cuda.device_count()))
