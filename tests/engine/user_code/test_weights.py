from __future__ import annotations

import io
import json
import tarfile
import zipfile
from argparse import Namespace
from collections import OrderedDict

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from biasaudit.engine.user_code.weights import read_state
from biasaudit.errors import DataError

STATE = {"head.weight": torch.ones(2, 3), "head.bias": torch.zeros(2)}
OTHER = {"head.weight": torch.full((2, 3), 5.0), "head.bias": torch.zeros(2)}


def read(folder, content, name="a.pt"):
    torch.save(content, folder / name)
    return read_state(folder / name)


def refused(path) -> str:
    with pytest.raises(DataError) as told:
        read_state(path)
    assert len(told.value.faults) == 1
    return str(told.value)


def test_an_archive_that_expands_without_measure(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.pt", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data.pkl", b"x")
        archive.writestr("archive/data/0", bytes(50_000_000))
    assert "kB expand to 50 MB, which no weights do; save the weights again" in refused(tmp_path / "a.pt")


@pytest.mark.parametrize("name", ["a.pt", "a.safetensors"])
def test_weights_that_are_no_file(tmp_path, name):
    (tmp_path / name).symlink_to("/dev/zero")
    assert "a device, expected a regular file" in refused(tmp_path / name)


def test_weights_that_compress_well_are_taken(tmp_path):
    assert list(read(tmp_path, {"weight": torch.zeros(1000, 1000)})[0]) == ["weight"]


@pytest.mark.parametrize(
    ("content", "entry"),
    [
        (
            {"state_dict": STATE, "epoch": 3, "hyper_parameters": {"lr": 0.1}},
            "state_dict",
        ),
        ({"model": STATE, "optimizer": {"state": {}, "param_groups": []}}, "model"),
        ({"model_state_dict": OrderedDict(STATE), "loss": torch.tensor(1.0)}, "model_state_dict"),
        ({"state_dict": STATE, "args": Namespace(lr=0.1, model="resnet18"), "metric": np.float64(0.9)}, "state_dict"),
        ({"ema": STATE, "step": 7}, "ema"),
        ({"model_ema": STATE}, "model_ema"),
    ],
    ids=["Lightning", "model and optimiser", "tutorial", "arguments and numbers", "averaged", "averaged model"],
)
def test_checkpoints_as_people_have_them(tmp_path, content, entry):
    state, notes = read(tmp_path, content, "a.ckpt")
    assert torch.equal(state["head.weight"], STATE["head.weight"])
    assert notes == (f"a.ckpt: the weights are its entry {entry!r}",)


def test_of_plain_and_averaged_weights_the_plain_ones_are_taken_and_it_is_said(tmp_path):
    state, notes = read(tmp_path, {"state_dict_ema": OTHER, "state_dict": STATE})
    assert torch.equal(state["head.weight"], STATE["head.weight"])
    assert "the averaged weights of its entry 'state_dict_ema' were not taken; save them alone" in notes[1]


def test_weights_two_entries_deep(tmp_path):
    state, notes = read(tmp_path, {"model": {"state_dict": STATE, "epoch": 1}})
    assert list(state) == list(STATE)
    assert notes == ("a.pt: the weights are its entry 'state_dict'",)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_reduced_precision_is_said(tmp_path, dtype):
    notes = read(tmp_path, {name: value.to(dtype) for name, value in STATE.items()})[1]
    assert notes == (f"a.pt: weights of {str(dtype).removeprefix('torch.')} were brought to float32",)


def test_numbers_that_are_no_weights(tmp_path):
    torch.save({"w": torch.ones(3, dtype=torch.complex64)}, tmp_path / "a.pt")
    assert "quantised, complex or sparse weights: w" in refused(tmp_path / "a.pt")
    torch.save(nn.Linear(2, 2, device="meta").state_dict(), tmp_path / "a.pt")
    assert "weights without values (of the device 'meta'): weight, bias" in refused(tmp_path / "a.pt")
    torch.save({"w": torch.tensor([1.0, torch.inf]).bfloat16()}, tmp_path / "a.pt")
    assert "NaN or infinite weights in w; take an earlier checkpoint" in refused(tmp_path / "a.pt")


class Module(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(3, 2)


def test_a_whole_module_is_never_unpickled(tmp_path):
    torch.save(Module(), tmp_path / "a.pt")
    said = refused(tmp_path / "a.pt")
    assert "a pickle with objects beside tensors (a whole module, or a checkpoint with hyperparameters, " in said
    assert "loading it could run code; save the weights alone: torch.save(network.state_dict()" in said


def test_safetensors_by_any_name(tmp_path):
    save_file(STATE, tmp_path / "weights.bin")
    assert sorted(read_state(tmp_path / "weights.bin")[0]) == sorted(STATE)


def test_old_files_of_torch(tmp_path):
    torch.save(STATE, tmp_path / "a.pth.tar", _use_new_zipfile_serialization=False)
    assert list(read_state(tmp_path / "a.pth.tar")[0]) == list(STATE)


def test_files_that_are_something_else(tmp_path):
    with tarfile.open(tmp_path / "a.pth.tar", "w") as archive:
        archive.addfile(tarfile.TarInfo("weights.pt"), io.BytesIO())
    assert "a tar archive; unpack it, and give the file of weights" in refused(tmp_path / "a.pth.tar")
    for content, words in {
        b"\x1f\x8b\x08": "a gzip archive; unpack it",
        b"<!DOCTYPE html><html>": "a web page, probably the error page of a download, not weights; download",
        b"/annex/objects/MD5E-s1": "a pointer of git-annex whose content is not here, not weights; run `datalad get`",
        b"\x93NUMPY\x01": "a NumPy array, not a state dict",
        b"GGUF\x03": "a GGUF file, not a state dict",
        b"\x08\x07\x12\x07pytorch": "an ONNX graph, not a state dict",
    }.items():
        (tmp_path / "b.pt").write_bytes(content)
        assert words in refused(tmp_path / "b.pt")
    (tmp_path / "c.pt").symlink_to("../.git/annex/objects/x/y.pt")
    assert "a link whose content is not here; run `datalad get`" in refused(tmp_path / "c.pt")


def test_weights_in_several_files(tmp_path):
    save_file({"head.weight": STATE["head.weight"]}, tmp_path / "model-1.safetensors")
    save_file({"head.bias": STATE["head.bias"]}, tmp_path / "model-2.safetensors")
    index = {"weight_map": {"head.weight": "model-1.safetensors", "head.bias": "model-2.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    (tmp_path / "config.json").write_text("{}")
    for path in (tmp_path, tmp_path / "model.safetensors.index.json"):
        state, notes = read_state(path)
        assert sorted(state) == sorted(STATE)
        assert notes == ("model.safetensors.index.json: the weights lie in 2 files",)
    (tmp_path / "model-2.safetensors").unlink()
    assert "1 of its 2 files are missing: model-2.safetensors; download them all" in refused(tmp_path)
