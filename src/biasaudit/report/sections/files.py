"""Section `files`: links to what the run folder holds beside the page."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from biasaudit.registry import register
from biasaudit.run_folder.contract import AUDIT, MODEL_CARD, PROTOCOL
from biasaudit.run_folder.reading import RunRecords, withheld

__all__ = ["Files"]

_RESULTS = {
    AUDIT: "everything that was found, for programs",
    "junit.xml": "findings and verdicts as test cases",
    MODEL_CARD: "what a released network should carry",
    PROTOCOL: "the protocol as it ran",
}
_FOLDERS = {"Tables": ("tables", "*.tsv"), "Maps, as NIfTI": ("maps", "*.nii.gz"), "Slices": ("maps", "*.tsv")}


@register("section", "files")
class Files:
    """Results, tables and maps of the run, by paths that hold as long as the page lies in its folder."""

    title: ClassVar[str] = "Files of this run"
    link: ClassVar[str] = "Files"
    order: ClassVar[int] = 45
    template: ClassVar[str] = "files.html.j2"
    folded: ClassVar[bool] = True

    def content(self, run: RunRecords) -> Mapping[str, object] | None:
        """Give the results, which every run has, and what lies in the folders of tables and maps."""
        hidden = tuple(f"maps/arm-{arm}_" for arm in withheld(run.findings))
        listed = {
            title: [path for path in _paths(run.run, folder, pattern) if not path.startswith(hidden)]
            for title, (folder, pattern) in _FOLDERS.items()
        }
        return {"results": _RESULTS, "folders": {title: paths for title, paths in listed.items() if paths}}


def _paths(run: Path, folder: str, pattern: str) -> list[str]:
    return sorted(f"{folder}/{path.name}" for path in (run / folder).glob(pattern))
