"""A small cohort of pictures on disk, and its protocol, for calibration on one's own images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from ruamel.yaml import YAML

CROSSED = (("healthy", "kyoto", 9), ("healthy", "lyon", 9), ("ms", "kyoto", 5), ("ms", "lyon", 9))
ALIASED = (("healthy", "kyoto", 32), ("ms", "lyon", 14))
SIDE = 20


def write(folder: Path, cells=CROSSED, probes: int = 0, **changes: Any) -> Path:
    """Write pictures, a table and a protocol; `changes` replace sections, or keys of the section `cohort`."""
    chance, rows = np.random.default_rng(1), ["subject\timage\tlabel\tsite"]
    for label, site, count in cells:
        for number in range(count):
            rows.append(_picture(folder, f"{label}-{site}-{number}", chance, label, site))
    (folder / "table.tsv").write_text("\n".join(rows) + "\n")
    cohort = {
        "reader": "table", "table": "table.tsv", "label": {"positive": "ms", "negative": "healthy"},
        "origins": ["site"], "min_origin_size": 1, **changes.pop("cohort", {}),
    }  # fmt: skip
    if probes:
        own = [_picture(folder, f"probe-{number}", chance, "healthy", "lyon") for number in range(probes)]
        (folder / "probes.tsv").write_text("\n".join([rows[0], *own]) + "\n")
        cohort["probes"] = {"table": "probes.tsv"}
    protocol = {"cohort": cohort, "folds": {"n": 2}, "target": {"training": {"epochs": 1}}, **changes}
    path = folder / "protocol.yaml"
    YAML().dump(protocol, path)
    return path


def _picture(folder: Path, name: str, chance: np.random.Generator, label: str, site: str) -> str:
    Image.fromarray(chance.integers(60, 190, (SIDE, SIDE), dtype=np.uint8)).save(folder / f"{name}.png")
    return f"{name}\t{name}.png\t{label}\t{site}"
