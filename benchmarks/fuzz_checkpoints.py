"""Random files and folders of weights, sound and damaged: read and matched to a network, or told in a line.

Every container (zip and old format of torch.save, safetensors, an index of several files, a bundle, folders, files of
other tools) holds every layout (bare, Lightning, averaged, two entries deep, of wrappers), in every type, damaged or
not: bytes changed, cut or inserted, headers that claim more than there is, names and shapes changed. A sound file
must be taken, and read to the very numbers that were written.
"""

from __future__ import annotations

import io
import json
import pickle
import struct
import tarfile
import zipfile
from argparse import Namespace
from collections import OrderedDict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

Chance = np.random.Generator
PREFIXES = ("", "module.", "model.", "net.", "_orig_mod.", "model._orig_mod.", "module.model.", "lit.backbone.")
PROTOCOL = """
cohort:
  {reader: table, table: t.tsv, label: {column: label, positive: ms}, origins: [site], split: split, min_origin_size: 1}
target: {network: cnn, network_arguments: {widths: [2, 2]}, weights: PATH}
folds: {n: 2}
checks: [D1, G1]
"""
SOUND = "sound.json"


def make(chance: Chance, folder: Path) -> Sequence[str]:
    import torch
    from PIL import Image

    from biasaudit.networks.cnn import Cnn

    rows = ["subject\timage\tlabel\tsite\tsplit"]
    for index in range(8):
        Image.fromarray(chance.integers(0, 256, (16, 16), dtype=np.uint8)).save(folder / f"{index}.png")
        label, split = ("ms", "healthy")[index % 2], "test"
        rows.append(f"s{index}\t{index}.png\t{label}\t{'ab'[index // 2 % 2]}\t{split}")
    (folder / "t.tsv").write_text("\n".join([*rows, ""]))
    state = {
        name: torch.from_numpy(np.abs(chance.normal(size=value.shape)).astype(np.float32)) if value.ndim else value
        for name, value in Cnn(2, 1, 1, (2, 2)).state_dict().items()
    }
    content, sound = _layout(chance, state)
    path, damaged = _written(chance, folder, content)
    (folder / "p.yaml").write_text(PROTOCOL.replace("PATH", json.dumps(path)))
    if sound and not damaged:
        kept = {name: value.tolist() for name, value in state.items()}
        (folder / SOUND).write_text(json.dumps({"path": path, "state": kept}))
    return ["validate", "p.yaml"]


def wrong(folder: Path, code: int, text: str) -> str | None:
    """Say whether a sound file was refused, or read to other numbers."""
    import torch

    from biasaudit.engine.user_code.matching import match_state
    from biasaudit.engine.user_code.weights import read_state
    from biasaudit.networks.cnn import Cnn

    if not (folder / SOUND).exists():
        return None
    if code != 0:
        return f"a sound file was refused: {text.strip().splitlines()[-1][-160:] if text.strip() else code}"
    sound = json.loads((folder / SOUND).read_text())
    path = folder / sound["path"]
    found, _ = match_state(Cnn(2, 1, 1, (2, 2)), read_state(path)[0], path)
    for name, value in sound["state"].items():
        if not torch.allclose(found[name].float(), torch.tensor(value).float(), rtol=0.01, atol=0.01):
            return f"a sound file was read to other numbers: {name}"
    return None


def _layout(chance: Chance, state: dict[str, Any]) -> tuple[Any, bool]:
    """What is saved, and whether it is sound."""
    changed, same = _named(chance, state)
    prefix = str(chance.choice(PREFIXES))
    named = {prefix + name: value for name, value in changed.items()}
    if chance.random() < 0.2:
        named["loss.pos_weight" if prefix.startswith("m") else f"{prefix}loss.pos_weight"] = _one()
        same = same and prefix.startswith("m")
    extra: dict[str, Any] = {"epoch": 3, "args": Namespace(lr=0.1), "best": np.float64(0.5), "lr": [0.1, {"a": None}]}
    other = {name: value for name, value in named.items() if value.ndim}
    layouts: list[tuple[Any, bool]] = [
        (named, True),
        (OrderedDict(named), True),
        ({"state_dict": named, **extra}, True),
        ({"model": named, "optimizer": {"state": {0: {"exp_avg": named}}}}, True),
        ({"model_ema": named}, True),
        ({"state_dict_ema": other, "state_dict": named}, True),
        ({"model": {"state_dict": named}}, True),
        ({"nothing": 3}, False),
        ([named], False),
        ({3: named}, False),
        ({"state_dict": []}, False),
        (named.get(prefix + "head.weight"), False),
        ({"state_dict": {**named, "more": 3}}, False),
        ({}, False),
    ]
    content, sound = layouts[int(chance.integers(len(layouts)))]
    return content, sound and same


def _one() -> Any:
    import torch

    return torch.ones(1)


def _named(chance: Chance, state: dict[str, Any]) -> tuple[dict[str, Any], bool]:
    """Weights with one thing changed, or none."""
    import torch

    name = str(chance.choice([own for own, value in state.items() if value.ndim]))
    changes: list[Callable[[], dict[str, Any]]] = [
        lambda: {own: value.half() for own, value in state.items()},
        lambda: {own: value.bfloat16() for own, value in state.items()},
        lambda: {own: value.double() for own, value in state.items()},
        lambda: {own: value for own, value in state.items() if own != name},
        lambda: {**state, "tail.weight": torch.ones(2)},
        lambda: {**state, name: state[name][..., None]},
        lambda: {**state, name: state[name].repeat(2, *[1] * (state[name].ndim - 1))},
        lambda: {**state, name: torch.full_like(state[name], float("nan"))},
        lambda: {**state, name: state[name].to(torch.complex64)},
        lambda: {**state, name: state[name].to_sparse()},
        lambda: {**state, name: torch.empty_like(state[name], device="meta")},
        lambda: {**state, name: torch.zeros(0)},
        lambda: {**state, name: state[name] > 0},
        lambda: {own.replace("head", "tail"): value for own, value in state.items()},
        lambda: {own[::-1]: value for own, value in state.items()},
    ]
    if chance.random() < 0.5:
        return state, True
    number = int(chance.integers(len(changes)))
    return changes[number](), number < 3


def _written(chance: Chance, folder: Path, content: Any) -> tuple[str, bool]:
    """Write it in some container; its name, and whether it was damaged."""
    kinds = (_torch, _torch, _torch, _old, _old, _safe, _safe, _indexed, _bundle, _folder, _foreign)
    return kinds[int(chance.integers(len(kinds)))](chance, folder, content)


def _torch(chance: Chance, folder: Path, content: Any) -> tuple[str, bool]:
    return _saved(chance, folder, content, zipped=True)


def _old(chance: Chance, folder: Path, content: Any) -> tuple[str, bool]:
    return _saved(chance, folder, content, zipped=False)


def _saved(chance: Chance, folder: Path, content: Any, *, zipped: bool) -> tuple[str, bool]:
    import torch

    name = str(chance.choice(["a.pt", "a.pth", "a.ckpt", "a.bin", "a.pth.tar", "a b.pkl", "weights", "é.pt"]))
    held = io.BytesIO()
    try:
        torch.save(content, held, _use_new_zipfile_serialization=zipped)
    except Exception:  # what this format cannot hold is written in the other
        held = io.BytesIO()
        torch.save(content, held)
    return _spoilt(chance, folder, name, held.getvalue())


def _safe(chance: Chance, folder: Path, content: Any) -> tuple[str, bool]:
    from safetensors.torch import save

    try:
        data, whole = save({name: value.contiguous() for name, value in content.items()}), True
    except Exception:  # not a mapping of plain tensors
        data, whole = _claiming(chance), False
    name, damaged = _spoilt(chance, folder, str(chance.choice(["a.safetensors", "a.bin"])), data)
    return name, damaged or not whole


def _claiming(chance: Chance) -> bytes:
    """A header of safetensors that claims what is not there."""
    size = int(chance.choice([0, 3, 10**6, 2**40, 2**62, -1]))
    header = {"head.weight": {"dtype": "F32", "shape": [size, 4], "data_offsets": [0, abs(size) * 16]}}
    text = json.dumps(header).encode()
    length = len(text) if chance.random() < 0.7 else int(chance.choice([0, 2**31, 2**62]))
    return struct.pack("<Q", length) + text + bytes(16)


def _indexed(chance: Chance, folder: Path, content: Any) -> tuple[str, bool]:
    from safetensors.torch import save_file

    (folder / "hf").mkdir()
    places: dict[Any, Any] = {}
    try:
        for number, (name, value) in enumerate(content.items()):
            save_file({name: value.contiguous()}, folder / "hf" / f"model-{number}.safetensors")
            places[name] = f"model-{number}.safetensors"
        whole = bool(places)
    except Exception:  # not a mapping of plain tensors
        whole = False
    index: Any = {"weight_map": places}
    if chance.random() < 0.4:
        whole = False
        odd: list[Any] = [{}, [], {"weight_map": None}, {"weight_map": {"a": "../../a"}}, {"weight_map": {"a": 3}}, "x"]
        index = odd[int(chance.integers(len(odd)))]
    name = str(chance.choice(["model.safetensors.index.json", "pytorch_model.bin.index.json"]))
    (folder / "hf" / name).write_text(json.dumps(index))
    return "hf", not whole


def _bundle(chance: Chance, folder: Path, content: Any) -> tuple[str, bool]:
    bundle = folder / "bundle"
    (bundle / "configs").mkdir(parents=True)
    (bundle / "models").mkdir()
    (bundle / "configs" / "inference.json").write_text('{"network_def": {"_target_": "UNet"}}')
    name, _ = _saved(chance, bundle / "models", content, zipped=True)
    (bundle / "models" / name).rename(bundle / "models" / "model.pt")
    return "bundle", True  # of a network that the weights are not of


def _folder(chance: Chance, folder: Path, content: Any) -> tuple[str, bool]:
    (folder / "some").mkdir()
    damaged = False
    for _ in range(int(chance.integers(0, 3))):
        _, spoilt = _torch(chance, folder / "some", content)
        damaged = damaged or spoilt
    return "some", True


def _foreign(chance: Chance, folder: Path, content: Any) -> tuple[str, bool]:
    """A file of another tool, or none."""
    makers: list[Callable[[], bytes]] = [
        lambda: b"",
        lambda: bytes(100),
        lambda: b"<html>404</html>",
        lambda: b"version https://git-lfs.github.com/spec/v1\n",
        lambda: b"\x89HDF\r\n\x1a\n" + bytes(50),
        lambda: pickle.dumps({"w": Path("x")}),
        lambda: pickle.dumps(Namespace(a=1), protocol=0),
        lambda: b"c__builtin__\neval\n(S'1/0'\ntR.",
        lambda: json.dumps({"a": 1}).encode(),
        lambda: _zipped({"code/net.py": b"", "constants.pkl": b""}),
        lambda: _zipped({"a/data.pkl": pickle.dumps(3), "a/version": b"3\n"}),
        lambda: _zipped({"a/data.pkl": chance.bytes(30), "a/version": b"3\n"}),
        lambda: _zipped({}),
        lambda: _tarred(),
        lambda: chance.bytes(int(chance.integers(1, 2000))),
        lambda: b"\x80\x02" + chance.bytes(200),
    ]
    data = makers[int(chance.integers(len(makers)))]()
    name = str(chance.choice(["a.pt", "a.onnx", "a.h5", "a.pth.tar", "a.safetensors", "a.ckpt", "a", "a.npz"]))
    if chance.random() < 0.1:
        (folder / name).symlink_to(str(chance.choice(["/dev/zero", ".git/annex/objects/a", "nowhere", name])))
    else:
        (folder / name).write_bytes(data)
    return name, True


def _zipped(files: dict[str, bytes]) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return held.getvalue()


def _tarred() -> bytes:
    held = io.BytesIO()
    with tarfile.open(fileobj=held, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("weights"), io.BytesIO())
    return held.getvalue()


def _spoilt(chance: Chance, folder: Path, name: str, data: bytes) -> tuple[str, bool]:
    """Write bytes, half of the time damaged."""
    if chance.random() < 0.5:
        (folder / name).write_bytes(data)
        return name, False
    held = bytearray(data)
    for _ in range(int(chance.integers(1, 6))):
        most = len(held) if chance.random() < 0.6 else min(300, len(held))
        place = int(chance.integers(max(1, most)))
        kind = int(chance.integers(6))
        if kind == 0:
            held[place : place + 1] = chance.bytes(1)
        elif kind == 1:
            del held[place:]
        elif kind == 2:
            held[place:place] = chance.bytes(int(chance.integers(1, 9)))
        elif kind == 3:
            held[place : place + 8] = struct.pack("<Q", int(chance.choice([0, 1, 2**31, 2**40, 2**62])))
        elif kind == 4:
            held[place : place + 4] = struct.pack("<i", int(chance.choice([-1, 2**30, 2**31 - 1])))
        else:
            del held[place : place + int(chance.integers(1, 60))]
    (folder / name).write_bytes(bytes(held))
    return name, True
