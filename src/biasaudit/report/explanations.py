"""The page of ``biasaudit explain``: stored maps -> one self-contained HTML file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from biasaudit.errors import UsageError
from biasaudit.records import FloatArray
from biasaudit.regular_files import read_json_file
from biasaudit.report import figures
from biasaudit.report.encoding import data_uri, drawing, pixels, webp_bytes
from biasaudit.report.page import page_environment, page_style
from biasaudit.report.words import percent, signed
from biasaudit.run_folder.lock import in_use
from biasaudit.run_folder.owned import OwnedFiles

__all__ = ["explained_line", "write_explained_page"]

_AT_ONCE = 6
_PIXELS_PER_INCH = 96


@dataclass(frozen=True)
class _Picture:
    source: str
    alt: str
    width: int


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
        OwnedFiles(folder).write("page", {page.name: _page(records, list(_pictures(records, slices))).encode()})
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


def _page(records: Sequence[Mapping[str, Any]], pictures: Sequence[_Picture]) -> str:
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
            pictures=pictures,
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


def _pictures(records: Sequence[Mapping[str, Any]], slices: Mapping[str, FloatArray]) -> Iterator[_Picture]:
    ordered = sorted(records, key=lambda record: (record["ClassExplained"], record["Label"]))
    for start in range(0, len(ordered), _AT_ONCE):
        some = ordered[start : start + _AT_ONCE]
        table = pd.DataFrame([_row(record) for record in some])
        classes = dict.fromkeys(record["ClassExplained"] for record in some)
        positive = next(iter(classes)) if len(classes) == 1 else "the class explained"
        with drawing():
            figure = figures.overlays(table, slices, positive, False)
            content = webp_bytes(pixels(figure))
        people = "; ".join(f"{row['Subject']}, margin {signed(row['Margin'])}" for row in some)
        width = round(figure.get_size_inches()[0] * _PIXELS_PER_INCH)
        yield _Picture(data_uri(content, "webp"), f"Signed relevance on anatomy: {people}.", width)


def _row(record: Mapping[str, Any]) -> dict[str, Any]:
    origins = list(record["Origins"].values())
    blue, red = record.get("Ends", ("opposes", "supports"))
    return {
        "key": record["Key"],
        "subject": record["Subject"],
        "label": record["Label"] or "label not given",
        "origin": origins[0] if origins else "origin not given",
        "logit": record["Margin"],
        "role": f"held out by fold {record['Fold']}" if "Fold" in record else f"for {record['ClassExplained']}",
        "limit": record["ColourLimit"],
        "blue": blue,
        "red": red,
    }
