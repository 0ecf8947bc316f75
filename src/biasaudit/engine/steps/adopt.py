"""Step `adopt`: take over the weights of a network trained elsewhere."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from biasaudit.cohort.images.file_state import as_it_was
from biasaudit.engine.arguments.inputs import INPUTS
from biasaudit.engine.arguments.networks import AdoptArguments
from biasaudit.engine.jobs.job import Folders
from biasaudit.engine.jobs.stack import Stack
from biasaudit.engine.steps.train import outputs, save_network, to_device
from biasaudit.engine.user_code.matching import match_state
from biasaudit.engine.user_code.network import adapted, make_network
from biasaudit.engine.user_code.network_description import OutputConvention, OwnNetwork
from biasaudit.engine.user_code.weights import read_state
from biasaudit.errors import DataError, Fault
from biasaudit.networks.factory import NetworkSizes
from biasaudit.networks.preparation import initialised
from biasaudit.registry import register

__all__ = ["adopt"]


@register("step", "adopt")
def adopt(arguments: AdoptArguments, needs: Folders, folder: Path) -> None:
    """Take a trained network over as it is; nothing is trained.

    Parameters
    ----------
    arguments : AdoptArguments
    needs : Folders
        `INPUTS`: what its outputs are tried on.
    folder : Path
        Gets ``model.safetensors``, ``model.json`` and an empty ``history.json``, as training writes them.
    """
    own, path = OwnNetwork.from_json(arguments.factory.arguments), Path(arguments.weights)
    inputs = Stack.of(needs[INPUTS], "original")
    network = make_network(own.factory, NetworkSizes(*arguments.sizes), own.arguments)
    network = initialised(network, inputs.shape[1:])
    with as_it_was({arguments.weights: arguments.sha256, **arguments.shards}):
        state, _ = read_state(path)
    state, _ = match_state(network, state, path)
    network.load_state_dict(state)
    adapted(network, replace(own, convention=replace(own.convention, scale="logits"), order=()), own.convention.outputs)
    raw = outputs(to_device(network), inputs, arguments.rows, arguments.batch_size)
    _require_sensible(raw, own.convention, path, stated=arguments.stated)
    save_network(network, arguments.factory, arguments.sizes, folder)
    (folder / "history.json").write_text("[]")


def _require_sensible(raw: np.ndarray, known: OutputConvention, path: Path, *, stated: bool) -> None:
    """Check on real images the output convention that was inferred from noise."""
    if not np.isfinite(raw).all():
        raise DataError([Fault(str(path), "the network returns NaN or infinity for images", "check the preprocessing")])
    if len(raw) > 1 and np.ptp(raw, axis=0).max() == 0:
        message = "the network returns the same for every image"
        raise DataError([Fault(str(path), message, "check the preprocessing, and that the weights are those trained")])
    inside = bool(((raw >= 0) & (raw <= 1)).all())
    if known.scale == "logits" and inside and not stated and raw.shape[-1] == 1:
        message = "all outputs for the images lie in [0, 1]: logits or probabilities?"
        raise DataError([Fault(str(path), message, "state it: `target.outputs: logits` or `probabilities`")])
    if known.scale in ("sigmoid", "softmax") and not inside:
        message = "the outputs for noise were probabilities, those for the images are not"
        raise DataError([Fault(str(path), message, "state `target.outputs: logits`")])
