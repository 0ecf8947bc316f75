"""State dicts of networks trained elsewhere: read without running code, and matched to the network they belong to."""

from __future__ import annotations

import pickle
import warnings
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors
from torch import nn

from biasaudit.errors import DataError, Fault
from biasaudit.regular_files import in_bytes, read_regular

__all__ = ["State", "match_state", "read_state"]

State = dict[str, torch.Tensor]

_SAVE = "save the weights alone: torch.save(network.state_dict(), 'weights.pt'), or safetensors"
_FOREIGN = {
    ".onnx": "an ONNX graph",
    ".h5": "a Keras or HDF5 file",
    ".hdf5": "a Keras or HDF5 file",
    ".keras": "a Keras model",
    ".pb": "a TensorFlow graph",
    ".tflite": "a TensorFlow Lite model",
    ".joblib": "a joblib pickle",
    ".npz": "a NumPy archive",
    ".engine": "a TensorRT engine",
}
_NESTED = ("state_dict", "model_state_dict", "model_state", "network_state_dict", "model", "network", "net", "weights")
_PREFIXES = ("module.", "model.", "network.", "net.", "_orig_mod.", "classifier_model.")
_SHOWN = 3
_MOST_EXPANDED = 20
"""Times that an archive of weights may expand; torch.save compresses nothing."""


def read_state(path: Path) -> tuple[State, tuple[str, ...]]:
    """Read a state dict; nothing in the file is ever executed.

    Parameters
    ----------
    path : Path
        ``.safetensors``, or what ``torch.save`` wrote of a state dict or of a checkpoint that holds one.

    Returns
    -------
    state : dict of name to tensor
    notes : tuple of str
        What was taken from where.

    Raises
    ------
    DataError
        One line that says what the file is and what to give instead.
    """
    try:
        content = read_regular(path)
    except FileNotFoundError:
        raise _refused(path, "no such file", "correct `target.weights`") from None
    except OSError as error:
        raise _refused(path, f"cannot be read ({error.strerror or error})", "give a file of weights") from None
    _refuse_foreign(path, content)
    state, notes = _safetensors(path, content) if path.suffix == ".safetensors" else _checkpoint(path)
    broken = [name for name, value in state.items() if value.is_floating_point() and not value.isfinite().all()]
    if broken:
        raise _refused(path, f"NaN or infinite weights in {_some(broken)}", "take an earlier checkpoint")
    return state, notes


def match_state(network: nn.Module, state: State, path: Path) -> tuple[State, tuple[str, ...]]:
    """Rename the entries of a state dict to those of the network, where wrappers have put a prefix before them.

    Parameters
    ----------
    network : Module
    state : dict of name to tensor
    path : Path
        For messages.

    Returns
    -------
    state, notes

    Raises
    ------
    DataError
        Entries that are missing, left over or of another shape, all at once.
    """
    expected = network.state_dict()
    renamed, prefix = _without_prefix(state, expected)
    notes = [f"{path.name}: the prefix {prefix!r} was taken off the names of the weights"] if prefix else []
    missing = [name for name in expected if name not in renamed]
    unexpected = [name for name in renamed if name not in expected]
    shaped = [name for name in expected if name in renamed and renamed[name].shape != expected[name].shape]
    faults = []
    if missing:
        remedy = "the factory must build the network that was trained; see `target.network_arguments`"
        faults.append(Fault(str(path), f"{len(missing)} weights of the network are missing: {_some(missing)}", remedy))
    if unexpected:
        message = f"{len(unexpected)} weights have no place in the network: {_some(unexpected)}"
        faults.append(Fault(str(path), message, "compare the names with those of the factory's network"))
    if shaped:
        name = shaped[0]
        message = f"{name} has shape {list(renamed[name].shape)}, in the network {list(expected[name].shape)}"
        remedy = "set channels, outputs and widths by `target.network_arguments`"
        faults.append(Fault(str(path), f"{message} ({len(shaped)} such weights)", remedy))
    if faults:
        raise DataError(faults)
    return {name: renamed[name].to(expected[name].dtype) for name in expected}, tuple(notes)


def _refuse_foreign(path: Path, content: bytes) -> None:
    if content.startswith(b"version https://git-lfs"):
        raise _refused(path, "a Git LFS pointer, not the weights", "fetch the file: git lfs pull")
    if not content:
        raise _refused(path, "an empty file", "save the weights again")
    kind = _FOREIGN.get(path.suffix.lower()) or _archive_kind(path) or _magic_kind(content)
    if kind:
        raise _refused(path, f"{kind}, not a state dict: hooks and gradients cannot reach inside", _SAVE)


def _magic_kind(content: bytes) -> str:
    return "a Keras or HDF5 file" if content.startswith(b"\x89HDF\r\n") else ""


def _archive_kind(path: Path) -> str:
    """Say what a zip archive is if it is no file of ``torch.save``."""
    if not zipfile.is_zipfile(path):
        return ""
    with zipfile.ZipFile(path) as archive:
        names = [name.split("/", 1)[-1] for name in archive.namelist()]
        expanded, stored = sum(entry.file_size for entry in archive.infolist()), path.stat().st_size
    if expanded > _MOST_EXPANDED * stored:
        message = f"its {in_bytes(stored)} expand to {in_bytes(expanded)}, which no weights do"
        raise _refused(path, message, "save the weights again")
    if any(name.startswith("code/") or name == "constants.pkl" for name in names):
        return "a TorchScript module"
    if any("serialized_exported_program" in name or name == "archive_format" for name in names):
        return "an exported program (.pt2)"
    if any(name.startswith("models/") and name.endswith(".json") for name in names):
        return "an exported program (.pt2)"
    if any(name.endswith("model.weights.h5") for name in names):
        return "a Keras model"
    return ""


def _safetensors(path: Path, content: bytes) -> tuple[State, tuple[str, ...]]:
    try:
        state: State = load_safetensors(content)
    except (SafetensorError, ValueError) as error:
        raise _refused(path, f"not a readable safetensors file ({error})", "save it again") from None
    if not state:
        raise _refused(path, "holds no weights", _SAVE)
    return state, ()


def _checkpoint(path: Path) -> tuple[State, tuple[str, ...]]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch tells of protocols that it then refuses
            found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        message = "a pickle with objects beside tensors (a whole module, or a checkpoint with hyperparameters)"
        remedy = f"loading it could run code; {_SAVE}"
        raise _refused(path, message, remedy) from None
    except (RuntimeError, EOFError, ValueError, KeyError, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise _refused(path, f"not a readable file of torch.save ({reason})", _SAVE) from None
    return _tensors(path, found)


def _tensors(path: Path, found: object) -> tuple[State, tuple[str, ...]]:
    if not isinstance(found, Mapping):
        raise _refused(path, f"holds a {type(found).__name__}, expected a state dict", _SAVE)
    if found and all(isinstance(value, torch.Tensor) for value in found.values()):
        return dict(found), ()
    for name in _NESTED:
        inner = found.get(name)
        if isinstance(inner, Mapping) and inner and all(isinstance(value, torch.Tensor) for value in inner.values()):
            return dict(inner), (f"{path.name}: the weights are its entry {name!r}",)
    if not found:
        raise _refused(path, "holds no weights", _SAVE)
    raise _refused(path, f"holds {_some([str(name) for name in found])}, none of them a state dict", _SAVE)


def _without_prefix(state: State, expected: Mapping[str, torch.Tensor]) -> tuple[State, str]:
    """Take off wrappers' prefixes one after another, as long as more names fit than before."""
    taken = ""
    while True:
        fitting = len(expected.keys() & state.keys())
        best, prefix = state, ""
        for candidate in _PREFIXES:
            # What does not carry the prefix belongs to something beside the network, such as a loss.
            stripped = {name.removeprefix(candidate): v for name, v in state.items() if name.startswith(candidate)}
            if len(stripped) and len(expected.keys() & stripped.keys()) > fitting:
                best, prefix = stripped, candidate
                break
            if len(stripped) == len(state) and fitting == 0 and not prefix:
                best, prefix = stripped, candidate
        if not prefix:
            return state, taken
        state, taken = best, taken + prefix


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")


def _refused(path: Path, message: str, remedy: str) -> DataError:
    return DataError([Fault(str(path), message, remedy)])
