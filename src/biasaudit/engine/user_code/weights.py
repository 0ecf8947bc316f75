"""State dicts of networks trained elsewhere: read without running code, whatever they were saved in."""

from __future__ import annotations

import pickle
import re
import warnings
import zipfile
from argparse import Namespace
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load as load_safetensors

from biasaudit.cohort.images.mistaken import dangling_link, mistaken
from biasaudit.engine.user_code.weight_folders import file_of_weights, shards_of
from biasaudit.errors import DataError, Fault
from biasaudit.regular_files import in_bytes, read_regular

__all__ = ["State", "read_state", "some"]

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
    ".npy": "a NumPy array",
    ".mat": "a MATLAB file",
    ".msgpack": "a Flax checkpoint",
    ".gguf": "a GGUF file",
    ".pdparams": "a Paddle checkpoint",
    ".mlmodel": "a Core ML model",
    ".engine": "a TensorRT engine",
}
_MARKS = {
    b"\x89HDF\r\n": "a Keras or HDF5 file",
    b"GGUF": "a GGUF file",
    b"\x93NUMPY": "a NumPy array",
    b"\x08": "an ONNX graph",
}
"""First bytes -> what the file is."""
_TAR = slice(257, 262)
_NESTED = (
    *("state_dict", "model_state_dict", "model_state", "network_state_dict", "model", "network", "net", "weights"),
    *("generator", "params", "module", "student", "encoder", "classifier"),
)
_AVERAGED = (
    *("state_dict_ema", "ema_state_dict", "model_ema", "ema_model", "ema", "params_ema", "averaged_model", "teacher"),
    *("model_state_dict_ema", "ema_model_state_dict", "swa_model"),
)
_DTYPES = {type(np.dtype(name)) for name in ("float64", "float32", "int64", "int32", "bool")}
_INERT: list[Any] = [Namespace, np.dtype, np.float64(0).__reduce__()[0], *sorted(_DTYPES, key=str)]
"""What people save beside weights and is no code: the arguments of a script, and numbers of NumPy."""
_SHOWN = 3
_MOST_EXPANDED = 20
"""Times that an archive of weights may expand; torch.save compresses nothing."""


def read_state(path: Path) -> tuple[State, tuple[str, ...]]:
    """Read a state dict; nothing in the file is ever executed.

    Parameters
    ----------
    path : Path
        ``.safetensors``, or what ``torch.save`` wrote of a state dict or of a checkpoint that holds one; an index of
        several such files; or a folder that holds one.

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
    path = file_of_weights(path)
    shards = shards_of(path)
    if not shards:
        state, notes = _read_file(path)
    else:
        parts = [_read_file(shard) for shard in shards]
        state = {name: value for part, _ in parts for name, value in part.items()}
        notes = (f"{path.name}: the weights lie in {len(shards)} files",)
    _require_numbers(path, state)
    kinds = {str(own.dtype).removeprefix("torch.") for own in state.values() if _is_reduced(own)}
    if kinds:
        notes = (*notes, f"{path.name}: weights of {', '.join(sorted(kinds))} were brought to float32")
    return state, notes


def _is_reduced(value: torch.Tensor) -> bool:
    return value.is_floating_point() and value.dtype != torch.float32


def _read_file(path: Path) -> tuple[State, tuple[str, ...]]:
    try:
        content = read_regular(path)
    except FileNotFoundError:
        raise _refused(path, *_missing(path)) from None
    except OSError as error:
        raise _refused(path, f"cannot be read ({error.strerror or error})", "give a file of weights") from None
    _refuse_foreign(path, content)
    return _safetensors(path, content) if _are_safetensors(path, content) else _checkpoint(path)


def _missing(path: Path) -> tuple[str, str]:
    """Say of a file that is not there whether it is content of a DataLad dataset that was not fetched."""
    if "annex/objects" in path.as_posix():  # what a link led to
        return "the content of a link of DataLad or git-annex, which is not here", "run `datalad get` on the link"
    return dangling_link(str(path)) or ("no such file", "correct `target.weights`")


def _are_safetensors(path: Path, content: bytes) -> bool:
    """Whether a file is of safetensors, by its name or by the header that it begins with."""
    length = int.from_bytes(content[:8], "little")
    return path.suffix == ".safetensors" or (content[8:10] == b'{"' and 2 < length <= len(content) - 8)


def _require_numbers(path: Path, state: State) -> None:
    """Refuse weights that are no plain numbers."""
    odd = [name for name, value in state.items() if value.is_quantized or value.is_complex() or value.is_sparse]
    if odd:
        message = f"quantised, complex or sparse weights: {some(odd)}"
        raise _refused(path, message, "save the weights of the network in single precision")
    empty = [name for name, value in state.items() if value.is_meta]
    if empty:
        raise _refused(path, f"weights without values (of the device 'meta'): {some(empty)}", _SAVE)
    broken = [name for name, value in state.items() if value.is_floating_point() and not value.float().isfinite().all()]
    if broken:
        raise _refused(path, f"NaN or infinite weights in {some(broken)}", "take an earlier checkpoint")


def _refuse_foreign(path: Path, content: bytes) -> None:
    if content.startswith(b"version https://git-lfs"):
        raise _refused(path, "a Git LFS pointer, not the weights", "fetch the file: git lfs pull")
    if not content:
        raise _refused(path, "an empty file", "save the weights again")
    kind = _FOREIGN.get(path.suffix.lower()) or _archive_kind(path) or _magic_kind(path, content)
    if kind:
        raise _refused(path, f"{kind}, not a state dict: hooks and gradients cannot reach inside", _SAVE)
    if content[_TAR] == b"ustar" or content.startswith(b"\x1f\x8b"):
        packed = "a gzip archive" if content.startswith(b"\x1f\x8b") else "a tar archive"
        raise _refused(path, packed, "unpack it, and give the file of weights that it holds")
    torch_or_safe = content.startswith((b"PK", b"\x80")) or _are_safetensors(path, content)
    other = None if torch_or_safe else mistaken(content, path.suffix)
    if other:
        raise _refused(path, f"{other[0]}, not weights", other[1])


def _magic_kind(path: Path, content: bytes) -> str:
    if _are_safetensors(path, content):
        return ""
    return next((kind for mark, kind in _MARKS.items() if content.startswith(mark)), "")


def _archive_kind(path: Path) -> str:
    """Say what a zip archive is if it is no file of ``torch.save``."""
    if not zipfile.is_zipfile(path):
        return ""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [name.split("/", 1)[-1] for name in archive.namelist()]
            expanded, stored = sum(entry.file_size for entry in archive.infolist()), path.stat().st_size
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError) as error:
        raise _refused(path, f"a damaged archive ({error})", "save the weights again") from None
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
    except (SafetensorError, ValueError, KeyError, TypeError, RuntimeError, AttributeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise _refused(path, f"not a readable safetensors file ({reason})", "save it again") from None
    if not state:
        raise _refused(path, "holds no weights", _SAVE)
    return state, ()


def _checkpoint(path: Path) -> tuple[State, tuple[str, ...]]:
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(_INERT):
            warnings.simplefilter("ignore")  # torch tells of protocols that it then refuses
            found = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise _refused(path, *_pickled(str(error))) from None
    except MemoryError:
        raise _refused(path, "it asks for more memory than there is", "save the weights again") from None
    except Exception as error:  # a damaged file makes torch's reader raise whatever it stumbles over
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise _refused(path, f"not a readable file of torch.save ({reason})", _SAVE) from None
    return _tensors(path, found)


def _pickled(error: str) -> tuple[str, str]:
    """Say what stands in a pickle beside tensors, and what to do."""
    named = re.search(r"GLOBAL ([\w.]+)", error)
    which = f", {named[1]} among them" if named else ""
    message = f"a pickle with objects beside tensors (a whole module, or a checkpoint with hyperparameters{which})"
    return message, f"loading it could run code; {_SAVE}"


def _tensors(path: Path, found: object) -> tuple[State, tuple[str, ...]]:
    if not isinstance(found, Mapping):
        raise _refused(path, f"holds a {type(found).__name__}, expected a state dict", _SAVE)
    if _is_state(found):
        return dict(found), ()
    plain = [name for name in _NESTED if _is_state(found.get(name))]
    averaged = [name for name in _AVERAGED if _is_state(found.get(name))]
    for name in (*plain, *averaged):
        notes = [f"{path.name}: the weights are its entry {name!r}"]
        if averaged and name not in averaged:
            other = f"{path.name}: the averaged weights of its entry {averaged[0]!r} were not taken"
            notes.append(f"{other}; save them alone to audit these")
        return dict(found[name]), tuple(notes)
    inner = next((found[name] for name in (*_NESTED, *_AVERAGED) if isinstance(found.get(name), Mapping)), None)
    if inner is not None and any(isinstance(inner.get(name), Mapping) for name in (*_NESTED, *_AVERAGED)):
        return _tensors(path, inner)
    if not found:
        raise _refused(path, "holds no weights", _SAVE)
    raise _refused(path, f"holds {some([str(name) for name in found])}, none of them a state dict", _SAVE)


def _is_state(found: object) -> bool:
    """Whether something is a mapping of names to tensors."""
    if not isinstance(found, Mapping) or not found:
        return False
    return all(isinstance(name, str) and isinstance(value, torch.Tensor) for name, value in found.items())


def some(names: Sequence[str]) -> str:
    """List the first of some names.

    Parameters
    ----------
    names : sequence of str
    """
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")


def _refused(path: Path, message: str, remedy: str) -> DataError:
    return DataError([Fault(str(path), message, remedy)])
