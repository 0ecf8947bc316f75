"""Leave no absolute path in the texts of a run folder."""

from __future__ import annotations

from pathlib import Path

from biasaudit.protocol.places import PLACES, Places

__all__ = ["hide_places"]

_TEXTS = {".json", ".tsv", ".csv", ".yaml", ".html", ".xml", ".md", ".svg", ".txt"}


def hide_places(folder: Path, places: Places) -> None:
    """Put short names in the place of folders in every text below a folder, but for the list of these names."""
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix in _TEXTS and path.name != PLACES:
            text = path.read_text(encoding="utf-8")
            hidden = places.shown(text)
            if hidden != text:
                path.write_text(hidden, encoding="utf-8")
