from __future__ import annotations

import importlib
import sys

import pytest
import torch
from torch import nn

from biasaudit.errors import UsageError
from biasaudit.networks.cnn import Cnn
from biasaudit.networks.factory import build_network

SIZES = (2, 1, 1)


@pytest.fixture
def module(tmp_path, monkeypatch):
    """Write a user's module beside the protocol, that is in the current folder."""
    name = "biasaudit_users_networks"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [p for p in sys.path if p not in ("", str(tmp_path))])

    def write(text: str) -> str:
        (tmp_path / f"{name}.py").write_text("from torch import nn\n" + text)
        importlib.invalidate_caches()
        return name

    yield write
    sys.modules.pop(name, None)


def test_built_in():
    network = build_network("cnn", SIZES, {"widths": (2, 2)})
    assert isinstance(network, Cnn)
    assert len(network.blocks) == 2


def test_the_users_own_factory(module):
    name = module(
        "def net(spatial_dims, in_channels, out_channels, width=1):\n"
        "    return nn.Sequential(nn.Flatten(), nn.LazyLinear(width), nn.Linear(width, out_channels))\n"
    )
    network = build_network(f"{name}:net", (2, 1, 3), {"width": 5})
    assert network[2].in_features == 5
    assert network(torch.zeros(2, 1, 4, 4)).shape == (2, 3)


def test_a_user_class_is_a_factory(module):
    name = module(
        "class Net(nn.Module):\n    def __init__(self, spatial_dims, in_channels, out_channels):\n"
        "        super().__init__()\n        self.sizes = spatial_dims, in_channels, out_channels\n"
    )
    assert build_network(f"{name}:Net", (3, 2, 1), {}).sizes == (3, 2, 1)


def test_a_misspelt_name_is_corrected():
    with pytest.raises(UsageError, match="no network is called 'cn'; did you mean 'cnn'"):
        build_network("cn", SIZES, {})


def test_arguments_that_the_factory_refuses():
    with pytest.raises(UsageError, match=r"target\.network: cnn takes no argument 'depth' \(known: widths\)"):
        build_network("cnn", SIZES, {"depth": 3})


def test_no_module():
    with pytest.raises(UsageError, match="cannot import 'no_such_package'"):
        build_network("no_such_package:net", SIZES, {})


def test_no_function(module):
    with pytest.raises(UsageError, match="has no function 'absent'"):
        build_network(f"{module('')}:absent", SIZES, {})


def test_what_is_returned_must_be_a_module(module):
    name = module("def net(spatial_dims, in_channels, out_channels):\n    return 3\n")
    with pytest.raises(UsageError, match=r"returned int, expected a torch\.nn\.Module"):
        build_network(f"{name}:net", SIZES, {})


def test_without_monai_the_remedy_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "monai", None)
    monkeypatch.setitem(sys.modules, "monai.networks", None)
    with pytest.raises(UsageError, match=r"pip install 'biasaudit\[monai\]'"):
        build_network("monai:DenseNet121", SIZES, {})


def test_monai_networks_by_name(monkeypatch):
    # A stand-in: importing the real one takes seconds and raises warnings of its own.
    nets = type(sys)("nets")
    nets.Small = type("Small", (nn.Identity,), {})
    nets.helper = len
    nets.ResNet = type("ResNet", (nn.Linear,), {"__init__": _resnet})
    nets.resnet10 = lambda pretrained=False, **arguments: nets.ResNet(**arguments)
    networks = type(sys)("monai.networks")
    networks.nets = nets
    monkeypatch.setitem(sys.modules, "monai", type(sys)("monai"))
    monkeypatch.setitem(sys.modules, "monai.networks", networks)
    assert isinstance(build_network("monai:Small", SIZES, {}), nets.Small)
    with pytest.raises(UsageError, match="MONAI has no network 'helper'"):
        build_network("monai:helper", SIZES, {})
    made = build_network("monai:resnet10", (3, 2, 4), {})
    assert (made.spatial_dims, made.in_features, made.out_features) == (3, 2, 4)
    assert build_network("monai:resnet10", (3, 2, 4), {"num_classes": 7}).out_features == 7
    assert build_network("monai:ResNet", (3, 2, 4), {}).out_features == 4


def _resnet(self, spatial_dims=3, n_input_channels=3, num_classes=400):
    nn.Linear.__init__(self, n_input_channels, num_classes)
    self.spatial_dims = spatial_dims


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("raise ArithmeticError('no licence')", "failed: ArithmeticError: no licence"),
        ("raise ImportError('einops')", "failed: ImportError: einops"),
        ("raise BaseException('odd')", "failed: BaseException: odd"),
        ("raise RuntimeError('\\n\\n  two lines\\n')", "failed: RuntimeError: two lines"),
        ("assert spatial_dims == 3", "failed: AssertionError"),
        ("exit()", "failed: it ended the program by sys.exit"),
        ("return None + 1", "failed: TypeError: unsupported operand"),
    ],
)
def test_whatever_a_factory_raises_is_one_line(module, body, words):
    name = module(f"def net(spatial_dims, in_channels, out_channels):\n    {body}\n")
    with pytest.raises(UsageError) as told:
        build_network(f"{name}:net", SIZES, {})
    assert words in str(told.value)
    assert "\n" not in str(told.value)


def test_the_users_own_interruption_passes(module):
    name = module("def net(spatial_dims, in_channels, out_channels):\n    raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        build_network(f"{name}:net", SIZES, {})


def test_arguments_without_a_default_are_named(module):
    name = module("def net(in_channels, out_channels, depth, width, spatial_dims=2):\n    return nn.Identity()\n")
    with pytest.raises(
        UsageError, match=r"asks for depth, width, which has no default; state it in `target.network_ar"
    ):
        build_network(f"{name}:net", SIZES, {})
    assert isinstance(build_network(f"{name}:net", SIZES, {"depth": 1, "width": 2}), nn.Identity)


def test_wrappers_and_precision_are_seen_to(module):
    name = module(
        "def net(spatial_dims, in_channels, out_channels):\n    return nn.DataParallel(nn.Linear(2, 1).double())\n"
    )
    network = build_network(f"{name}:net", SIZES, {})
    assert isinstance(network, nn.Linear)
    assert network.weight.dtype == torch.float32


def test_networks_of_timm_are_called_by_its_names(monkeypatch):
    # A stand-in with the signature of the real one.
    timm = type(sys)("timm")

    def create_model(model_name: str, pretrained: bool = False, **kwargs) -> nn.Module:
        network = nn.Linear(kwargs["in_chans"], kwargs["num_classes"])
        network.name = model_name
        return network

    create_model.__annotations__["return"] = nn.Module
    timm.create_model = create_model
    monkeypatch.setitem(sys.modules, "timm", timm)
    made = build_network("timm:create_model", (2, 3, 4), {"model_name": "resnet18"})
    assert (made.name, made.in_features, made.out_features) == ("resnet18", 3, 4)
    assert build_network("timm:create_model", (2, 3, 4), {"model_name": "x", "num_classes": 7}).out_features == 7
    with pytest.raises(UsageError, match="made for pictures, and these images have 3 dimensions"):
        build_network("timm:create_model", (3, 1, 1), {"model_name": "resnet18"})
