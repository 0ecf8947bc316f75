"""The table and protocol around random images, and what no outcome may hold; imported by the kinds of `fuzz.py`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

_TOLD = "told.txt"
_LIBRARY = re.compile(r"\b(\w*Warning: |warnings\.warn|pixdim\[|Traceback)")


def rows(count: int) -> list[dict[str, str]]:
    """Rows of a crossed cohort without images: even ones healthy, two of each class at a site in turn."""
    classes = ("healthy", "ms")
    return [
        {"subject": f"s{number}", "label": classes[number % 2], "site": "ab"[number // 2 % 2]}
        for number in range(count)
    ]


def written(folder: Path, listed: Sequence[Mapping[str, str]], chance: np.random.Generator) -> Sequence[str]:
    """Write table and protocol; return what is typed after ``biasaudit``."""
    columns = list(dict.fromkeys(name for row in listed for name in row))
    lines = ["\t".join(columns), *("\t".join(row.get(name, "") for name in columns) for row in listed)]
    (folder / "table.tsv").write_text("\n".join(lines) + "\n")
    mask = "  mask_in: all\n" if any("mask" in row for row in listed) else ""
    (folder / "protocol.yaml").write_text(
        "cohort:\n  reader: table\n  table: table.tsv\n  label: {column: label, positive: ms}\n  origins: [site]\n"
        f"  min_origin_size: 1\n{mask}folds: {{n: 2}}\ntarget: {{network: cnn, network_arguments: {{widths: [4]}}}}\n"
    )
    return ("init", "table.tsv", "--out", "p.yaml") if chance.random() < 0.05 else ("validate", "protocol.yaml")


def must_be_told(folder: Path, words: str) -> None:
    """Keep what a command must say of this input, if it finds it sound; empty where nothing must be said."""
    if words:
        (folder / _TOLD).write_text(words)


def untold(folder: Path, text: str) -> str | None:
    """Say whether a command found an input sound and did not say what it must."""
    told = folder / _TOLD
    if told.exists() and "sound" in text and told.read_text() not in text:
        return f"nothing said of {told.read_text()}"
    return None


def line_of_a_library(text: str) -> str | None:
    """Say whether a library wrote to the terminal."""
    found = _LIBRARY.search(text)
    return f"a line of a library: {text[max(0, found.start() - 60) : found.end() + 80]!r}" if found else None
