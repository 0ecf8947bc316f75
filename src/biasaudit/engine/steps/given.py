"""Steps that adopt what was made elsewhere: `adopt` (a trained network) and `given` (held-out scores)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import save_file

from biasaudit.engine.jobs.json_files import write_json
from biasaudit.engine.jobs.stack import Stack
from biasaudit.engine.steps.train import outputs, to_device
from biasaudit.engine.user_code.network import make_network
from biasaudit.engine.user_code.network_description import BUILDER, OutputConvention, OwnNetwork
from biasaudit.engine.user_code.weights import match_state, read_state
from biasaudit.errors import DataError, Fault
from biasaudit.networks.factory import NetworkSizes

__all__ = ["adopt", "given"]

Needs = Mapping[str, Sequence[Path]]


def adopt(arguments: Mapping[str, Any], needs: Needs, folder: Path) -> None:
    """Take a trained network over as it is; nothing is trained.

    Parameters
    ----------
    arguments : mapping
        ``weights`` (path), ``network_arguments`` (`OwnNetwork` as JSON), ``sizes``, ``rows`` (held out),
        ``batch_size``, ``stated`` (the user says what it returns).
    needs : mapping
        ``inputs``: represented blocks.
    folder : Path
        Gets ``model.safetensors``, ``model.json`` and an empty ``history.json``, as training writes them.
    """
    own, path = OwnNetwork.from_json(arguments["network_arguments"]), Path(arguments["weights"])
    network = make_network(own.factory, NetworkSizes(*arguments["sizes"]), own.arguments)
    state, _ = read_state(path)
    state, _ = match_state(network, state, path)
    network.load_state_dict(state)
    inputs = Stack([block / "original.npy" for block in needs["inputs"]])
    raw = outputs(to_device(network), inputs, arguments["rows"], arguments["batch_size"])
    _require_sensible(raw, own.convention, path, stated=arguments["stated"])
    save_file({name: value.contiguous().cpu().clone() for name, value in state.items()}, folder / "model.safetensors")
    description = {"network": BUILDER, "network_arguments": arguments["network_arguments"], "sizes": arguments["sizes"]}
    (folder / "model.json").write_text(json.dumps(description))
    (folder / "history.json").write_text("[]")


def given(arguments: Mapping[str, Any], needs: Needs, folder: Path) -> None:
    """Write the held-out scores of one fold as a network would have given them.

    Parameters
    ----------
    arguments : mapping
        ``rows``, ``logits`` (rows, outputs), ``images`` (number, where there is nothing to survey).
    folder : Path
        Gets ``logits-original.npy``; with ``images`` a ``survey.json`` that says that nothing was seen.
    """
    if "images" in arguments:
        count = int(arguments["images"])
        blank = {name: [0] * count for name in ("mask_voxels", "foreground_voxels", "background_share")}
        unknown = {name: [None] * count for name in ("dice", "correlation")}
        write_json(folder / "survey.json", {**blank, **unknown, "background": False, "outliers": [], "notes": []})
    if "rows" in arguments:
        np.save(folder / "logits-original.npy", np.asarray(arguments["logits"], dtype=np.float64))


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
    if known.scale != "logits" and not inside:
        message = "the outputs for noise were probabilities, those for the images are not"
        raise DataError([Fault(str(path), message, "state `target.outputs: logits`")])
