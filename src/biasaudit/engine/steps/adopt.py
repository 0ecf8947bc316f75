"""Step `adopt`: take over the weights of a network trained elsewhere."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import save_file

from biasaudit.engine.jobs.stack import Stack
from biasaudit.engine.steps.given import Needs
from biasaudit.engine.steps.train import outputs, to_device
from biasaudit.engine.user_code.network import make_network
from biasaudit.engine.user_code.network_description import BUILDER, OutputConvention, OwnNetwork
from biasaudit.engine.user_code.weights import match_state, read_state
from biasaudit.errors import DataError, Fault
from biasaudit.registry import register

__all__ = ["adopt"]


@register("step", "adopt")
def adopt(arguments: Mapping[str, Any], needs: Needs, folder: Path) -> None:
    """Take a trained network over as it is; nothing is trained.

    Parameters
    ----------
    arguments : mapping
        ``weights`` (path), ``network_arguments`` (of `own_network.build`), ``sizes``, ``rows`` (held out),
        ``batch_size``, ``stated`` (the user says what it returns).
    needs : mapping
        ``inputs``: represented blocks.
    folder : Path
        Gets ``model.safetensors``, ``model.json`` and an empty ``history.json``, as training writes them.
    """
    own, path = arguments["network_arguments"], Path(arguments["weights"])
    network = make_network(own["factory"], tuple(arguments["sizes"]), own["arguments"])
    state, _ = read_state(path)
    state, _ = match_state(network, state, path)
    network.load_state_dict(state)
    inputs = Stack([block / "original.npy" for block in needs["inputs"]])
    raw = outputs(to_device(network), inputs, arguments["rows"], arguments["batch_size"])
    _require_sensible(raw, Convention(**own["convention"]), path, stated=arguments["stated"])
    save_file({name: value.contiguous().cpu().clone() for name, value in state.items()}, folder / "model.safetensors")
    description = {"network": BUILDER, "network_arguments": own, "sizes": arguments["sizes"]}
    (folder / "model.json").write_text(json.dumps(description))
    (folder / "history.json").write_text("[]")


def _require_sensible(raw: np.ndarray, known: Convention, path: Path, *, stated: bool) -> None:
    """Hold what noise said about the outputs against the images."""
    if not np.isfinite(raw).all():
        raise DataError([Fault(str(path), "the network returns NaN or infinity for images", "check the preprocessing")])
    if len(raw) > 1 and np.ptp(raw, axis=0).max() == 0:
        message = "the network returns the same for every image"
        raise DataError([Fault(str(path), message, "check the preprocessing, and that the weights are those trained")])
    inside = bool(((raw >= 0) & (raw <= 1)).all())
    if known.scale == "logits" and inside and not stated and raw.shape[-1] == 1:
        message = "all outputs for the images lie in [0, 1]: logits or probabilities?"
        raise DataError([Fault(str(path), message, "state it: `target.outputs: logits` or `probabilities`")])
    if known.scale != "logits" and not inside:
        message = "the outputs for noise were probabilities, those for the images are not"
        raise DataError([Fault(str(path), message, "state `target.outputs: logits`")])
