"""The page of ``biasaudit explain``: stored maps -> one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from biasaudit.errors import UsageError
from biasaudit.records import FloatArray
from biasaudit.regular_files import read_json_file
from biasaudit.report.grids import Cell, Grid, Row, Scale, grid_markup, named
from biasaudit.report.grids_overlays import overlay_tile
from biasaudit.report.page import page_environment, page_style
from biasaudit.report.words import percent, signed
from biasaudit.run_folder.lock import in_use
from biasaudit.run_folder.owned import OwnedFiles

__all__ = ["explained_line", "write_explained_page"]


def write_explained_page(folder: Path) -> Path:
    """Draw the maps that `engine.explain` stored.

    Parameters
    ----------
    folder : Path
        Holds ``explain.json`` and ``slices.npz``; receives ``index.html``.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    UsageError
        Nothing is stored there.
    """
    try:
        records = read_json_file(folder / "explain.json")
        with np.load(folder / "slices.npz", allow_pickle=False) as stored:
            slices = dict(stored)
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder} holds no explanations ({error}); run `biasaudit explain` again") from None
    page = folder / "index.html"
    with in_use(folder, "explanations"):
        OwnedFiles(folder).write("page", {page.name: _page(records, _grid(records, slices)).encode()})
    return page


def explained_line(folder: Path) -> str:
    """Say what the maps in a folder are, and how many files hold them.

    Parameters
    ----------
    folder : Path
        As of `write_explained_page`, which has found it sound.
    """
    records = read_json_file(folder / "explain.json")
    subjects = len({record["Subject"] for record in records})
    methods = ", ".join(sorted({str(record["Method"]) for record in records}))
    held_out = all(record.get("HeldOut") for record in records)
    by = "the networks of the fold that held each out" if held_out else "the network as it was given"
    files = sum(len(record["Files"]) for record in records)
    done = f"{len(records)} images of {subjects} subjects explained by {methods} through {by}"
    return f"{done}: {files} files below {folder}/maps"


def _page(records: Sequence[Mapping[str, Any]], grid: Markup) -> str:
    first = records[0]
    complete = first.get("CompleteByConstruction", True)
    return (
        page_environment()
        .get_template("explain.html.j2")
        .render(
            version=version("biasaudit"),
            style=page_style(),
            title=f"What {first['Network']} looks at",
            method=str(first["Method"]).replace("_", " "),
            evidence=first["Evidence"],
            caution=first.get("Caution"),
            records=records,
            grid=grid,
            folds="Fold" in first,
            signs=list(dict.fromkeys(str(record["Sign"]) for record in records)),
            complete=complete,
            incomplete=complete and sum(r["CompletenessError"] > r["CompletenessAccepted"] for r in records),
            accepted=percent(first["CompletenessAccepted"]),
            facts=list(_facts(first)),
        )
    )


def _facts(record: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what all maps of the page have in common."""
    known = {
        "Run": "run",
        "Arm": "arm",
        "Network": "network",
        "Weights": "weights",
        "Method": "method",
        "Baseline": "compared with",
        "Units": "units",
        "ColourLimit": "colour limit",
    }
    for key, name in known.items():
        if key in record:
            value = f"{record[key]:.3g}" if key == "ColourLimit" else str(record[key]).replace("_", " ")
            yield name, value
    for note in record.get("Notes", ()):
        yield "note", str(note)


def _grid(records: Sequence[Mapping[str, Any]], slices: Mapping[str, FloatArray]) -> Markup:
    """Draw every map, those of one class and label in one row."""
    ordered = sorted(records, key=lambda record: (record["ClassExplained"], record["Label"]))
    rows = [
        Row(_title(*of), tuple(_cell(record, slices) for record in own))
        for of, own in groupby(ordered, key=lambda record: (str(record["ClassExplained"]), str(record["Label"])))
    ]
    blue, red = records[0].get("Ends", ("opposes", "supports"))
    kind = "small" if any("__picture__" in name for name in slices) else "wide"
    limit = max(float(record["ColourLimit"]) for record in records)
    words = Markup("Full colour: ±{}.").format(f"{limit:.2g}")
    return grid_markup(Grid(tuple(rows), kind, Scale(blue, red), words))


def _title(explained: str, label: str) -> Markup:
    return named("{label}, for {explained}", label=label or "label not given", explained=explained)


def _cell(record: Mapping[str, Any], slices: Mapping[str, FloatArray]) -> Cell:
    origins = list(record["Origins"].values())
    where = named(" from {origin}", origin=origins[0]) if origins else Markup()
    margin = f"margin {signed(record['Margin'])}" + (f", held out by fold {record['Fold']}" if "Fold" in record else "")
    words = named("{subject}", subject=record["Subject"]) + where + Markup(", {}").format(margin)
    alt = f"Signed relevance on anatomy: {record['Subject']}, {margin}"
    return Cell(overlay_tile(slices, str(record["Key"]), float(record["ColourLimit"])), alt, words)
