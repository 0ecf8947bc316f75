"""Small run folders with something to view, made without the engine."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
from run_folders import NASTY, write_run

from biasaudit.cohort.images.export import write_shown, write_signed
from biasaudit.records import Grid
from biasaudit.run_folder.contract import VIEWER

VOLUME = Grid(
    (10, 12, 8), ((-4.0, 0.0, 0.0, 18.0), (0.0, 4.0, 0.0, -22.0), (0.0, 0.0, 4.0, -14.0), (0.0, 0.0, 0.0, 1.0))
)
"""Its first axis runs from right to left, as that of many files does."""
PICTURE = Grid((20, 30))
LIMIT = 0.5
SITE = "ofsep-" + "lyon" * 60
"""One word that is wider than any page."""
PEAK = {VOLUME: (2, 7, 5), PICTURE: (4, 21)}
"""Where the map of the target of every subject has its largest value."""


def write_viewable(folder: Path, arms: tuple[str, ...] = ("intensity", "tissue"), grid: Grid = VOLUME) -> Path:
    """Write a run folder with a mean and two subjects, the first of an ugly name; pictures are in colour."""
    write_run(folder, arms=arms, maps=False, n=12)
    audit = json.loads((folder / "audit.json").read_text())
    audit["cohort"]["grid"] = {"shape": list(grid.shape), "affine": grid.affine}
    (folder / "audit.json").write_text(json.dumps(audit))
    (folder / "maps" / "viewer").mkdir(parents=True)
    who = (("v01", "mean", "mean of 6", "ms", ""), ("v02", "subject", NASTY, "healthy", "a"))
    shown = (*who, ("v03", "subject", "sub-ms001", "ms", SITE))
    rows = [row for number, one in enumerate(shown) for row in _rows(folder, number, one, arms, grid)]
    rows.append({**dict.fromkeys(VIEWER.columns, ""), "key": "v04", "shown": "left out", "subject": "sub-ms002"})
    pd.DataFrame(rows)[[*VIEWER.columns]].to_csv(folder / VIEWER.path, sep="\t", index=False, na_rep="n/a")
    return folder


def _rows(
    folder: Path, number: int, one: tuple[str, ...], arms: tuple[str, ...], grid: Grid
) -> list[dict[str, object]]:
    key, kind, subject, label, origin = one
    chance = np.random.default_rng(number)
    rows: list[dict[str, object]] = []

    def add(layer: str, arm: str = "", **said: object) -> Path:
        file = f"viewer/{key}_{f'arm-{arm}_' if arm else ''}{layer}.nii.gz"
        who = {"key": key, "shown": kind, "subject": subject, "label": label, "origin": origin}
        rows.append({**dict.fromkeys(VIEWER.columns, ""), **who, "arm": arm, "layer": layer, "file": file, **said})
        return folder / "maps" / file

    colours = (3,) if len(grid.shape) == 2 else ()
    write_shown(add("anatomy"), chance.integers(60, 200, (*grid.shape, *colours)).astype(np.uint8), grid)
    if kind == "subject" and label == "ms":
        mask = np.zeros(grid.shape, np.uint8)
        mask[tuple(slice(place - 1, place + 2) for place in PEAK[grid])] = 1
        write_shown(add("mask"), mask, grid)
    for place, arm in enumerate(arms):
        target = chance.normal(0, 0.02, grid.shape)
        target[tuple(slice(at - 1, at + 2) for at in PEAK[grid])] = (0.4, -0.3)[place % 2]
        said = {"role": "" if kind == "mean" else "typical", "logit": None if kind == "mean" else 1.5, "limit": LIMIT}
        write_signed(add("target", arm, **said), target, grid, LIMIT)
        if label == "ms":
            write_signed(add("origin", arm, **said), np.full(grid.shape, 0.1), grid, LIMIT)
    return rows
