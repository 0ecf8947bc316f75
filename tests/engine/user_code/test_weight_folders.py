from __future__ import annotations

import json

import pytest
import torch

from biasaudit.engine.user_code.weight_folders import file_of_weights, with_bundle
from biasaudit.errors import DataError
from biasaudit.protocol import TargetSettings

DENSE = {"_target_": "DenseNet121", "spatial_dims": 3, "in_channels": "@channels", "out_channels": 2}


@pytest.fixture
def bundle(tmp_path):
    def build(network=None, name="inference.json", **around):
        (tmp_path / "b" / "configs").mkdir(parents=True, exist_ok=True)
        (tmp_path / "b" / "models").mkdir(exist_ok=True)
        torch.save({"w": torch.ones(1)}, tmp_path / "b" / "models" / "model.pt")
        (tmp_path / "b" / "configs" / "metadata.json").write_text('{"network": {"_target_": "no"}}')
        content = json.dumps({"channels": 1, "network_def": network or DENSE, **around})
        (tmp_path / "b" / "configs" / name).write_text(content)
        return tmp_path / "b"

    return build


def target(path, **more):
    return TargetSettings.model_validate({"weights": str(path), **more})


def refused(path, **more):
    with pytest.raises(DataError) as told:
        with_bundle(target(path, **more))
    assert len(told.value.faults) == 1
    return str(told.value)


def test_a_bundle_names_its_network(bundle):
    found, notes = with_bundle(target(bundle()))
    assert found.network == "monai:DenseNet121"
    assert found.network_arguments == {"spatial_dims": 3, "in_channels": 1, "out_channels": 2}
    assert found.weights == [bundle() / "models" / "model.pt"]
    assert notes == (
        "b: the weights are its models/model.pt",
        "b: the network is monai:DenseNet121, as its configs/inference.json says",
    )


def test_the_protocol_goes_before_the_bundle(bundle):
    found, _ = with_bundle(target(bundle(), network_arguments={"out_channels": 3}))
    assert found.network_arguments["out_channels"] == 3
    own, _ = with_bundle(target(bundle(), network="own.py:build"))
    assert (own.network, own.network_arguments) == ("own.py:build", {})


def test_that_of_inference_goes_before_that_of_training(bundle):
    bundle(name="train.json", network={**DENSE, "out_channels": 9})
    assert with_bundle(target(bundle()))[0].network_arguments["out_channels"] == 2


def test_configurations_in_yaml(bundle):
    folder = bundle()
    (folder / "configs" / "inference.json").unlink()
    text = "network_def:\n  _target_: monai.networks.nets.UNet\n  channels: [4, 8]\n"
    (folder / "configs" / "inference.yaml").write_text(text)
    found = with_bundle(target(folder))[0]
    assert (found.network, found.network_arguments) == ("monai:UNet", {"channels": [4, 8]})


@pytest.mark.parametrize(
    ("network", "words"),
    [
        (
            {"_target_": "os.system", "command": "false"},
            "its network is os.system, which is none of monai.networks.nets",
        ),
        ({"_target_": "scripts.net.Net"}, "its network is scripts.net.Net, which is none of monai.networks.nets"),
        ({"_target_": "torch.load", "f": "x"}, "which is none of monai.networks.nets; name the network"),
        ({"_target_": "monai.bundle.run"}, "its network is monai.bundle.run, which is none of"),
        ({**DENSE, "act": "$__import__('os').system('false')"}, "an expression that would be code to run"),
        ({**DENSE, "in_channels": "@nowhere"}, "the network's in_channels is '@nowhere', an expression"),
        ({**DENSE, "norm": {"_target_": "Norm"}}, "an expression that would be code to run"),
        ({"spatial_dims": 3}, "its network is not named, which is none of monai.networks.nets"),
    ],
)
def test_what_would_be_code_is_refused(bundle, network, words):
    assert words in refused(bundle(network))


@pytest.mark.parametrize("value", [True, "/somebody/else.pt", "@channels"])
def test_a_bundle_fetches_no_weights_of_others(bundle, value):
    found, notes = with_bundle(target(bundle({**DENSE, "pretrained": value})))
    assert "pretrained" not in found.network_arguments
    assert notes[-1] == "b: pretrained of its network is left out: its weights are those of the bundle"


def test_networks_that_fetch_weights_by_default_are_told_not_to(bundle):
    assert with_bundle(target(bundle({"_target_": "EfficientNetBN"})))[0].network_arguments == {"pretrained": False}
    kept, notes = with_bundle(target(bundle({**DENSE, "pretrained": False})))
    assert kept.network_arguments["pretrained"] is False
    assert len(notes) == 2


def test_a_configuration_that_is_damaged(bundle):
    folder = bundle()
    (folder / "configs" / "inference.json").write_text("{")
    assert "inference.json: it cannot be read" in refused(folder)


def test_a_bundle_without_network_or_weights(bundle):
    folder = bundle()
    (folder / "configs" / "inference.json").write_text("{}")
    assert "no configuration in configs/ describes its network (`network_def`)" in refused(folder)
    (folder / "models" / "model.pt").unlink()
    assert "a bundle of MONAI without models/model.pt; fetch them: python -m monai.bundle download" in refused(folder)


def test_folders_of_other_kinds(tmp_path):
    assert "a folder without weights" in refused(tmp_path)
    (tmp_path / "last.ckpt").write_bytes(b"x")
    assert file_of_weights(tmp_path) == tmp_path / "last.ckpt"
    (tmp_path / "best.ckpt").write_bytes(b"x")
    assert "a folder with 2 files of weights (best.ckpt, last.ckpt); name one of them" in refused(tmp_path)
    (tmp_path / "model.safetensors").write_bytes(b"x")
    assert file_of_weights(tmp_path) == tmp_path / "model.safetensors"
    (tmp_path / "saved_model.pb").write_bytes(b"x")
    assert "a SavedModel of TensorFlow" in refused(tmp_path)


def test_files_are_left_as_they_are(tmp_path):
    assert with_bundle(target(tmp_path / "a.pt")) == (target(tmp_path / "a.pt"), ())
