"""What people bring as a network, as its weights, or as a method of attribution, and how it is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from catalogue.case import Case, sound, write_protocol, write_table
from safetensors.torch import save_file

from biasaudit.networks.cnn import Cnn

NETWORK = """
import torch, sys
from torch import nn
from torch.nn import functional as F


class Net(nn.Module):
    def __init__(self, outputs=1):
        super().__init__()
        self.first, self.norm, self.head = nn.Conv3d(1, 3, 3, padding=1), nn.BatchNorm3d(3), nn.Linear(3, outputs)

    def forward(self, image):
        logits = self.head(F.relu(self.norm(self.first(image))).flatten(2).mean(2))
        return logits


def build(in_channels=1, out_channels=1):
    return Net(out_channels)
"""
SIZES = {"widths": [4, 8]}
BUILT = "return Net(out_channels)"
RETURNED = "return logits"


def _own(*says: str, old: str = RETURNED, new: str = "", lines: int = 1, **target: Any) -> Case:
    """Change a network of the user's in one place."""

    def make(folder: Path) -> None:
        sound(folder)
        assert old in NETWORK
        (folder / "own.py").write_text(NETWORK.replace(old, new or old))
        write_protocol(folder, target={"network": "own.py:build", "network_arguments": {}, **target})

    return Case(make, ("protocol.yaml:", *says), lines=lines)


def _weights(write: Callable[[Path], None], *says: str, name: str = "weights.pt", **target: Any) -> Case:
    """Give a network of the tool's weights that somebody else has written."""

    def make(folder: Path) -> None:
        rows = sound(folder)
        for row in rows:
            row["split"] = "test"
        write_table(folder, rows)
        write(folder / name)
        given = {"network": "cnn", "network_arguments": SIZES, "weights": name, **target}
        write_protocol(folder, target=given, cohort={"split": "split"})

    return Case(make, (name, *says))


def _state() -> dict[str, torch.Tensor]:
    return Cnn(3, 1, 1, (4, 8)).state_dict()


def _saved(change: Callable[[dict[str, torch.Tensor]], Any]) -> Callable[[Path], None]:
    return lambda path: torch.save(change(_state()), path)


def _bytes(content: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(content) and None


def _method(method: str, *says: str, **arguments: Any) -> Case:
    def make(folder: Path) -> None:
        sound(folder)
        write_protocol(folder, attribution={"method": method, "arguments": arguments})

    return Case(make, ("protocol.yaml:", *says))


def _index(path: Path) -> None:
    path.mkdir()
    save_file({"head.weight": torch.ones(1)}, path / "model-1.safetensors")
    places = {"head.weight": "model-1.safetensors", "head.bias": "model-2.safetensors"}
    (path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))


def _bundle(network: Any) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        for name in ("configs", "models"):
            (path / name).mkdir(parents=True)
        torch.save(_state(), path / "models" / "model.pt")
        (path / "configs" / "inference.json").write_text(json.dumps({"network_def": network}))

    return write


def _without(state: dict[str, torch.Tensor], name: str) -> dict[str, torch.Tensor]:
    return {own: value for own, value in state.items() if own != name}


CASES: dict[str, Case] = {
    "batch statistics": _own(
        "the layer norm normalises by statistics of the batch",
        old="nn.BatchNorm3d(3)",
        new="nn.BatchNorm3d(3, track_running_stats=False)",
    ),
    "dropout that stays on": _own("dropout that stays on", "training=self.training", new="return F.dropout(logits)"),
    "an answer that depends on the batch": _own("depends on the other images", new="return logits - logits.mean(0)"),
    "softmax over the batch": _own("depends on the other images of its batch", new="return logits.softmax(0).log()"),
    "two sigmoids": _own(
        "lie in [0, 1] and do not sum to 1",
        old=BUILT,
        new="n = Net(2); n.register_forward_hook(lambda m, i, o: o.sigmoid()); return n",
    ),
    "an image for an image": _own("as a network that segments, it gives an image", new="return image"),
    "a tuple": _own("returns a tuple", "forward gives the logits alone", new="return logits, image"),
    "a dictionary": _own("returns a dict", "forward gives the logits alone", new="return {'logits': logits}"),
    "classes and no scores": _own("returns int64", "return the logits", new="return logits.long()"),
    "NaN": _own("NaN or infinity", new="return (logits - 99).sqrt()"),
    "CUDA by name": _own(
        "in forward use that of the image", old="logits = self", new="image = image.cuda(); logits = self"
    ),
    "double precision in forward": _own(
        "keep to float32", old="logits = self", new="image = image.double(); logits = self"
    ),
    "one size of images": _own(
        "it takes images of one size alone", old="self.first(image)", new="self.first(image.reshape(-1, 1, 9, 9, 9))"
    ),
    "two inputs": _own("wrap it in a module", old="forward(self, image)", new="forward(self, image, age)"),
    "no gradient": _own(
        "carry no gradient", "every map would be empty", new="return logits.detach() + self.head.bias * 0"
    ),
    "nothing to train": _own("no weights to train", old=BUILT, new="return Net(out_channels).requires_grad_(False)"),
    "a tuple while it is trained": _own("returns a tuple", new="return (logits, logits) if self.training else logits"),
    "more outputs than classes": _own("returns 3 outputs for 2 classes", old=BUILT, new="return Net(3)"),
    "a factory that raises": _own(
        "failed: ArithmeticError: no licence", old=BUILT, new="raise ArithmeticError('no licence')"
    ),
    "a factory that ends the program": _own("ended the program by sys.exit(5)", old=BUILT, new="sys.exit(5)"),
    "a factory that returns nothing": _own("returned NoneType, expected a torch.nn.Module", old=BUILT, new="pass"),
    "an argument that the factory has not": _own(
        "no argument 'depht'",
        "did you mean 'depth'",
        old="out_channels=1)",
        new="out_channels=1, depth=3)",
        network_arguments={"depht": 3},
    ),
    "an argument without a default": _own(
        "asks for depth, which has no default", old="build(in_channels=1", new="build(depth, in_channels=1"
    ),
    "a layer that the network has not": _own(
        "target.layers: no module 'frist'", "did you mean 'first'", layers=["frist"]
    ),
    "a file that is no Python": _own(
        "cannot be imported: SyntaxError", old="import torch, sys", new="import torch sys"
    ),
    "an import that is not installed": _own(
        "cannot be imported: ModuleNotFoundError", old="import torch, sys", new="import torch, sys, nowhere_at_all"
    ),
    "a lost prefix and other names": _weights(
        _saved(lambda s: {"a.b": torch.ones(1)}), "none of its names is one of the network", "a.b"
    ),
    "a missing weight": _weights(
        _saved(lambda s: _without(s, "head.bias")), "1 weights of the network are missing: head.bias"
    ),
    "a weight too many": _weights(
        _saved(lambda s: s | {"tail.bias": torch.ones(1)}), "1 weights have no place in the network: tail.bias"
    ),
    "another number of classes": _weights(
        _saved(lambda s: Cnn(3, 1, 4, (4, 8)).state_dict()), "may have been trained for 4 outputs"
    ),
    "another number of channels": _weights(
        _saved(lambda s: Cnn(3, 2, 1, (4, 8)).state_dict()), "trained on 2 channels, and these images have 1"
    ),
    "another number of dimensions": _weights(
        _saved(lambda s: Cnn(2, 1, 1, (4, 8)).state_dict()), "trained on images of 2 dimensions, and these have 3"
    ),
    "NaN in the weights": _weights(
        _saved(lambda s: s | {"head.bias": torch.tensor([torch.nan])}), "NaN or infinite weights in head.bias"
    ),
    "a whole module": _weights(
        lambda path: torch.save(Cnn(3, 1, 1), path), "a whole module", "loading it could run code", "state_dict"
    ),
    "a TorchScript file by its name": _weights(_bytes(b"x"), "an ONNX graph, not a state dict", name="net.onnx"),
    "a pointer of Git LFS": _weights(_bytes(b"version https://git-lfs.github.com/spec/v1\n"), "git lfs pull"),
    "a pointer of git-annex": _weights(_bytes(b"/annex/objects/MD5E-s1--a"), "datalad get"),
    "a link of DataLad": _weights(
        lambda path: path.symlink_to(".git/annex/objects/a.pt"), "which is not here", "datalad get", name="a.pt"
    ),
    "a page of errors": _weights(_bytes(b"<html>404</html>"), "a web page", "download the file again"),
    "an empty file of weights": _weights(_bytes(b""), "an empty file", "save the weights again"),
    "half a file of weights": _weights(
        lambda path: (torch.save(_state(), path), path.write_bytes(path.read_bytes()[:900]))[0],
        "not a readable file of torch.save",
    ),
    "a gzip archive": _weights(_bytes(b"\x1f\x8b\x08"), "a gzip archive", "unpack it"),
    "no state dict in it": _weights(_saved(lambda s: {"epoch": 3}), "holds epoch, none of them a state dict"),
    "a folder without weights": _weights(lambda path: path.mkdir(), "a folder without weights", name="run"),
    "a folder with two": _weights(
        lambda path: (path.mkdir(), [torch.save({}, path / own) for own in ("a.pt", "b.pt")])[0],
        "2 files of weights (a.pt, b.pt)",
        "name one",
        name="run",
    ),
    "an index without its files": _weights(_index, "1 of its 2 files are missing: model-2.safetensors", name="hf"),
    "a bundle of other code": _weights(
        _bundle({"_target_": "scripts.net.Net"}), "none of monai.networks.nets", name="bundle", network_arguments={}
    ),
    "a bundle with an expression": _weights(
        _bundle({"_target_": "UNet", "act": "$print(1)"}),
        "an expression that would be code",
        name="bundle",
        network_arguments={},
    ),
    "a method of Captum that is misspelt": _method("captum:Saliencey", "did you mean 'captum:Saliency'"),
    "a method of Captum for text": _method("captum:LLMAttribution", "explains text made by a language model"),
    "a method of Captum without rules": _method("captum:LRP", "no rule for layers of three dimensions"),
    "an argument of Captum that is misspelt": _method("captum:NoiseTunnel", "did you mean 'nt_samples'", nt_sample=3),
    "a neuron method without a neuron": _method("captum:NeuronGradient", "name its channel"),
    "a layer that is misspelt": _method(
        "captum:LayerGradCam", "the network has no layer 'blocks.block7'", "did you mean", layer="blocks.block7"
    ),
    "arguments of a method of ours": _method("occlusion", "occlusion takes no arguments", seed=3),
}
