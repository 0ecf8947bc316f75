"""A case of the catalogue of bad input, and the sound cohort that most of them damage."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
from ruamel.yaml import YAML

SHAPE = (8, 9, 7)
PROTOCOL: Mapping[str, Any] = {
    "cohort": {
        "reader": "table",
        "table": "table.tsv",
        "label": {"column": "label", "positive": "ms", "negative": "healthy"},
        "origins": ["site"],
        "min_origin_size": 2,
    },
    "grid": {"spacing": 4.0},
    "target": {"network": "cnn", "network_arguments": {"widths": [4, 8]}},
    "folds": {"n": 2},
}


@dataclass(frozen=True)
class Case:
    """One thing that a user may get wrong, and the one line that must tell it.

    Attributes
    ----------
    make : callable
        Fills an empty folder, which is then the working folder.
    says : tuple of str
        Words that the line must hold, among them file, row and value where there are any, and the remedy.
    words : tuple of str
        What is typed after ``biasaudit``.
    code : int
        Exit code; 0 where the line is a note.
    lines : int
        How many such lines there are: one for each thing that is wrong.
    """

    make: Callable[[Path], None]
    says: tuple[str, ...]
    words: tuple[str, ...] = ("validate", "protocol.yaml")
    code: int = 3
    lines: int = 1


def sound(folder: Path, n: int = 8) -> list[dict[str, str]]:
    """Write small sound volumes and a protocol; the rows of the table, still to be written (`write_table`)."""
    chance = np.random.default_rng(1)
    rows = []
    for index in range(n):
        data = np.zeros(SHAPE, dtype=np.float32)
        data[2:6, 2:7, 2:5] = 1 + chance.random((4, 5, 3))
        nibabel.save(nibabel.Nifti1Image(data, np.diag([4.0, 4.0, 4.0, 1.0])), folder / f"{index}.nii")
        label = "ms" if index % 2 else "healthy"
        rows.append({"subject": f"s{index}", "image": f"{index}.nii", "label": label, "site": "ab"[index % 4 // 2]})
    write_protocol(folder)
    write_table(folder, rows)
    return rows


def write_table(folder: Path, rows: list[dict[str, str]], name: str = "table.tsv", sep: str = "\t") -> None:
    """Write the rows as text, as they are."""
    columns = list(dict.fromkeys(column for row in rows for column in row))
    lines = [sep.join(columns), *(sep.join(row.get(column, "") for column in columns) for row in rows)]
    (folder / name).write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_protocol(folder: Path, **changed: Any) -> None:
    """Write the protocol with sections replaced, or joined with what is given where both are mappings."""
    content = {
        name: {**old, **changed[name]} if isinstance(old, dict) and isinstance(changed.get(name), dict) else old
        for name, old in PROTOCOL.items()
    }
    content |= {name: value for name, value in changed.items() if not isinstance(content.get(name), dict)}
    with (folder / "protocol.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(content, file)
