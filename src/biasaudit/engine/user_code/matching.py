"""Weights and the network that they belong to: names without the prefixes of wrappers, and what does not fit."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import nn

from biasaudit.engine.user_code.weights import State, some
from biasaudit.errors import DataError, Fault

__all__ = ["match_state"]

_COMPILED = "_orig_mod."
"""What ``torch.compile`` puts before the names of what it wraps, wherever that stands."""
_COUNTERS = ("num_batches_tracked", "n_averaged")
"""Entries that say nothing of the network: older versions of torch write no counters, averaging adds one."""
_AVERAGED = ("ema", "swa", "teacher", "averag")


def match_state(network: nn.Module, state: State, path: Path) -> tuple[State, tuple[str, ...]]:
    """Rename the entries of a state dict to those of the network, where wrappers have put a prefix before them.

    Parameters
    ----------
    network : Module
        Without lazy layers that wait for an image.
    state : dict of name to tensor
    path : Path
        For messages.

    Returns
    -------
    state, notes

    Raises
    ------
    DataError
        Entries that are missing, left over or of another shape, each kind in a line.
    """
    expected = network.state_dict()
    fitting, notes = _renamed(state, expected, path.name)
    missing = [name for name in expected if name not in fitting]
    unexpected = [name for name in fitting if name not in expected]
    shaped = [name for name in expected if name in fitting and fitting[name].shape != expected[name].shape]
    faults = [*_name_faults(missing, unexpected, expected, path), *_shape_faults(shaped, fitting, expected, path)]
    if faults:
        raise DataError(faults)
    return {name: fitting[name].to(expected[name].dtype) for name in expected}, notes


def _renamed(state: State, expected: Mapping[str, torch.Tensor], file: str) -> tuple[State, tuple[str, ...]]:
    """Take off what wrappers have put before the names, or put on what the network has."""
    notes: list[str] = []
    if len(expected.keys() & state.keys()) < len(expected):
        plain = {name.replace(_COMPILED, ""): value for name, value in state.items()}
        prefix = _prefix(plain, expected)
        kept = {name.removeprefix(prefix): value for name, value in plain.items() if name.startswith(prefix)}
        before = _prefix(dict(expected), kept)
        if len(expected.keys() & kept.keys()) > len(expected.keys() & state.keys()):
            notes += _prefix_notes(state, plain, kept, prefix, file)
            state = kept
        elif not expected.keys() & state.keys() and before and {before + name for name in plain} & expected.keys():
            notes.append(f"{file}: the prefix {before!r} was put before the names of the weights")
            state = {before + name: value for name, value in plain.items()}
    counters = {name: value for name, value in expected.items() if name not in state and name.endswith(_COUNTERS[0])}
    state = {name: value for name, value in state.items() if name in expected or not name.endswith(_COUNTERS)}
    if state.keys() & expected.keys():
        state |= counters
    return state, tuple(notes)


def _prefix_notes(state: State, plain: State, kept: State, prefix: str, file: str) -> list[str]:
    compiled = _COMPILED if any(_COMPILED in name for name in state) else ""
    parts = [repr(own) for own in (compiled, prefix) if own]
    notes = [f"{file}: the prefix {' and '.join(parts)} was taken off the names of the weights"] if parts else []
    others = [name for name in plain if name.removeprefix(prefix) not in kept or not name.startswith(prefix)]
    return notes + ([f"{file}: {len(others)} entries beside the network were left: {some(others)}"] if others else [])


def _prefix(state: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor]) -> str:
    """Find what stands before most names of the network; of weights that are there twice not the averaged ones."""
    ends: Counter[str] = Counter()
    lasts: dict[str, list[str]] = {}
    for name in expected:
        lasts.setdefault(name.rpartition(".")[2], []).append(name)
    for name in state:
        for own in lasts.get(name.rpartition(".")[2], ()):
            before = name.removesuffix(own)
            if name.endswith(own) and (not before or before.endswith(".")):
                ends[before] += 1
    if not ends:
        return ""
    return max(ends, key=lambda own: (ends[own], not any(word in own.lower() for word in _AVERAGED), -len(own)))


def _name_faults(
    missing: list[str], unexpected: list[str], expected: Mapping[str, torch.Tensor], path: Path
) -> list[Fault]:
    if missing and len(missing) == len(expected):
        message = f"none of its names is one of the network: it begins with {some(unexpected) or 'nothing'}"
        remedy = f"the network with {some(missing)}; the factory must build the network that was trained"
        return [Fault(str(path), message, remedy)]
    faults = []
    if missing:
        remedy = "the factory must build the network that was trained; see `target.network_arguments`"
        faults.append(Fault(str(path), f"{len(missing)} weights of the network are missing: {some(missing)}", remedy))
    if unexpected:
        message = f"{len(unexpected)} weights have no place in the network: {some(unexpected)}"
        faults.append(Fault(str(path), message, "compare the names with those of the factory's network"))
    return faults


def _shape_faults(shaped: list[str], state: State, expected: Mapping[str, torch.Tensor], path: Path) -> list[Fault]:
    if not shaped:
        return []
    shown = [
        f"{name} has shape {list(state[name].shape)}, in the network {list(expected[name].shape)}" for name in shaped
    ]
    remedy = _shape_remedy(state[shaped[0]].shape, expected[shaped[0]].shape, shaped[0] == next(iter(expected)))
    return [Fault(str(path), f"{some(shown)} ({len(shaped)} such weights)", remedy)]


def _shape_remedy(trained: torch.Size, built: torch.Size, first: bool) -> str:
    """Guess from the first weights that do not fit what the factory was asked for wrongly."""
    if len(trained) != len(built):
        if min(len(trained), len(built)) < 3:
            return "the factory must build the network that was trained"
        return f"it was trained on images of {len(trained) - 2} dimensions, and these have {len(built) - 2}"
    if len(trained) > 1 and trained[1] != built[1] and trained[0] == built[0] and first:
        return f"it was trained on {trained[1]} channels, and these images have {built[1]}"
    if len(trained) > 0 and trained[0] != built[0] and trained[1:] == built[1:] and not first:
        return f"it may have been trained for {trained[0]} outputs: set them by `target.network_arguments`"
    return "set channels, outputs and widths by `target.network_arguments`"
