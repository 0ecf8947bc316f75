"""A package outside of the source tree, as an installed plug-in has it: files, and entry points that name them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path


def write_plug_in(folder: Path, files: Mapping[str, str], groups: Mapping[str, Mapping[str, str]]) -> None:
    """Write the files of a distribution `scratch` 1.2, and its entry points by group and name."""
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    metadata = folder / "scratch-1.2.dist-info"
    metadata.mkdir(exist_ok=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: scratch\nVersion: 1.2\n", encoding="utf-8")
    lines = [
        line
        for group, points in groups.items()
        for line in (f"[{group}]", *(f"{name} = {value}" for name, value in points.items()), "")
    ]
    (metadata / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
