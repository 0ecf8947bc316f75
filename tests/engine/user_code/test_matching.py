from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from biasaudit.engine.user_code.matching import match_state
from biasaudit.errors import DataError


def network(outputs=2, channels=1):
    return nn.ModuleDict(
        {"first": nn.Conv2d(channels, 4, 3), "normalise": nn.BatchNorm2d(4), "head": nn.Linear(4, outputs)}
    )


NETWORK = network()
STATE = NETWORK.state_dict()


def under(prefix, state=STATE):
    return {prefix + name: value for name, value in state.items()}


def matched(state, own=NETWORK):
    return match_state(own, state, Path("/w/a.pt"))


def faults(state, own=NETWORK):
    with pytest.raises(DataError) as told:
        matched(state, own)
    return [str(fault) for fault in told.value.faults]


@pytest.mark.parametrize(
    "prefix",
    ["module.", "model.", "net.", "_orig_mod.", "module.model.", "model._orig_mod.", "classifier.backbone.net.", "x."],
)
def test_prefixes_of_wrappers_are_taken_off(prefix):
    state, notes = matched(under(prefix))
    assert list(state) == list(STATE)
    assert len(notes) == 1
    assert "taken off the names of the weights" in notes[0]


def test_a_part_that_was_compiled_is_found():
    state, notes = matched({name.replace("first.", "first._orig_mod."): value for name, value in STATE.items()})
    assert list(state) == list(STATE)
    assert notes == ("a.pt: the prefix '_orig_mod.' was taken off the names of the weights",)


def test_a_prefix_that_the_network_has_is_put_on():
    wrapped = nn.ModuleDict({"net": network()})
    state, notes = matched(STATE, wrapped)
    assert list(state) == list(wrapped.state_dict())
    assert notes == ("a.pt: the prefix 'net.' was put before the names of the weights",)


def test_what_lies_beside_the_network_is_left_and_said():
    _, notes = matched(under("model.") | {"loss.pos_weight": torch.ones(1), "metric.total": torch.ones(1)})
    assert notes[1] == "a.pt: 2 entries beside the network were left: loss.pos_weight, metric.total"


def test_of_two_copies_the_averaged_one_is_not_taken():
    averaged = {name: value + 1 for name, value in STATE.items()}
    for state in (under("ema_model.", averaged) | under("model."), under("model.") | under("ema.module.", averaged)):
        found, notes = matched(state)
        assert torch.equal(found["head.bias"], STATE["head.bias"])
        assert "entries beside the network were left" in notes[1]


def test_averaged_weights_alone_and_their_counter():
    found, _ = matched(under("module.") | {"n_averaged": torch.tensor(3)})
    assert list(found) == list(STATE)


def test_counters_that_older_versions_did_not_write():
    old = {name: value for name, value in STATE.items() if "num_batches" not in name}
    assert list(matched(old)[0]) == list(STATE)


@pytest.mark.parametrize("shape", [(), (0,), (4,), (1, 1, 1, 1, 1, 1)])
def test_shapes_that_no_such_layer_has_are_told_too(shape):
    (line,) = faults(STATE | {"first.weight": torch.zeros(shape)})
    assert f"first.weight has shape {list(shape)}, in the network [4, 1, 3, 3] (1 such weights)" in line


def test_types_are_those_of_the_network():
    state = {name: value.half() if value.is_floating_point() else value for name, value in STATE.items()}
    assert {value.dtype for value in matched(state)[0].values()} == {torch.float32, torch.int64}


def test_another_network_is_one_line():
    (line,) = faults({"layer1.weight": torch.ones(1), "layer2.weight": torch.ones(1)})
    assert line == (
        "/w/a.pt: none of its names is one of the network: it begins with layer1.weight, layer2.weight; the network "
        "with first.weight, first.bias, normalise.weight, ...; the factory must build the network that was trained"
    )


def test_what_is_missing_and_left_over_is_one_line_each():
    state = {name: value for name, value in STATE.items() if "head" not in name} | {"tail.weight": torch.ones(1)}
    missing, unexpected = faults(state)
    assert "2 weights of the network are missing: head.weight, head.bias; the factory must build" in missing
    assert "1 weights have no place in the network: tail.weight" in unexpected


@pytest.mark.parametrize(
    ("own", "words"),
    [
        (network(outputs=5), "it may have been trained for 2 outputs: set them by `target.network_arguments`"),
        (network(channels=3), "it was trained on 1 channels, and these images have 3"),
        (
            nn.ModuleDict({"first": nn.Conv3d(1, 4, 3), "normalise": nn.BatchNorm3d(4), "head": nn.Linear(4, 2)}),
            "it was trained on images of 2 dimensions, and these have 3",
        ),
    ],
)
def test_another_shape_says_what_it_may_be(own, words):
    (line,) = faults(STATE, own)
    assert words in line
    assert "such weights)" in line
