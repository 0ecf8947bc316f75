"""Functions of packages: only what is made for the purpose, and nothing is called to find out."""

from __future__ import annotations

import functools

import pytest
import torch
from torch import nn

from biasaudit.errors import UsageError
from biasaudit.networks.contract import require_contract, require_named_soundly
from biasaudit.networks.factory import imported_function, network_factory


def called(*args, **kwargs):
    raise AssertionError("it was called")


def sized(in_channels, **others):
    called()


def annotated(name, **others) -> nn.Module:
    return called()


def represents(image):
    return called()


def fits(network, images, targets):
    return called()


@functools.lru_cache
def cached(in_channels):
    return called()


FITTING = [
    (nn.Linear, "target.network"),
    (sized, "target.network"),
    (annotated, "target.network"),
    (cached, "target.network"),
    (nn.CrossEntropyLoss, "target.training.loss"),
    (torch.nn.functional.cross_entropy, "target.training.loss"),
    (torch.optim.RMSprop, "target.training.optimiser"),
    (nn.Dropout, "target.training.augment"),
    (fits, "target.training.fit"),
    (represents, "arms.0"),
]
UNFITTING = [
    (called, "target.network", "has no parameter for any of spatial_dims"),
    (torch.hub.load, "target.network", "has no parameter for any of"),
    (torch.load, "target.network", "has no parameter for any of"),
    (eval, "target.network", "builtin_function_or_method, expected a function or class written in Python"),
    (torch.add, "target.training.loss", "expected a function or class written in Python"),
    (functools.partial(called), "target.network", "a partial, expected"),
    (nn.Linear, "target.training.optimiser", "is a class, expected a torch.optim.optimizer.Optimizer"),
    (torch.Tensor, "target.network", "is a class, expected a torch.nn.modules.module.Module"),
    (nn.Linear, "arms.1", "is a class, expected a function"),
    (called, "arms.1", "has no parameter for any of image, spacing, foreground"),
    (called, "target.training.fit", "has no parameter for any of network"),
]


@pytest.mark.parametrize(("found", "key"), FITTING)
def test_what_is_made_for_it(found, key):
    require_contract(found, "a:b", key)


@pytest.mark.parametrize(("found", "key", "words"), UNFITTING)
def test_what_is_not(found, key, words):
    with pytest.raises(UsageError, match=rf"^{key}: a:b .*{words}"):
        require_contract(found, "a:b", key)


@pytest.mark.parametrize("name", ["os:system", "posix:system", "subprocess:run", "builtins:eval", "biasaudit.cli:main"])
def test_modules_that_make_no_networks_are_never_imported_for_one(name):
    for find in (lambda: require_named_soundly(name, "k"), lambda: imported_function(name, "k")):
        with pytest.raises(UsageError, match=f"k: {name} is never run"):
            find()
    with pytest.raises(UsageError, match="is never run"):
        network_factory(name)


def test_a_factory_of_ours_hands_no_other_through():
    build = network_factory("biasaudit.engine.user_code.network:build")
    convention = {"outputs": 1, "scale": "logits"}
    with pytest.raises(UsageError, match="os:system is never run"):
        build(3, 1, 1, factory="os:system", arguments={"command": "false"}, convention=convention)
