"""Steps that adopt what was made elsewhere: `adopt` (a trained network) and `given` (held-out scores)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from biasaudit.engine.jobs.json_files import write_json
from biasaudit.registry import register

__all__ = ["given"]

Needs = Mapping[str, Sequence[Path]]


@register("step", "given")
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
