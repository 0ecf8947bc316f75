"""Stored volumes of a run -> what the page of the viewer holds: names, words, and the files unread."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from biasaudit.errors import DataError, Fault
from biasaudit.regular_files import regular_status
from biasaudit.report.own_words import is_table
from biasaudit.report.pictures import map_meaning
from biasaudit.report.words import signed
from biasaudit.run_folder.audit_file import AGAIN
from biasaudit.run_folder.contract import VIEWER
from biasaudit.run_folder.reading import RunRecords, contrasts, positive_class

__all__ = ["are_pictures", "viewer_content", "why_nothing_to_view"]

_FOLDER = PurePosixPath(VIEWER.path).with_suffix("")


def why_nothing_to_view(records: RunRecords) -> str:
    """Say why a run has nothing that a viewer could show; empty if it has."""
    if is_table(records):
        return "features were audited, of which there are no images to view"
    if records.viewer.empty:
        return (
            f"no volumes for a viewer are stored ({VIEWER.path}), as in runs of older versions or without attribution "
            "maps; the same `biasaudit run` command writes the run anew"
        )
    if (records.viewer["shown"] == "left out").all():
        return "every volume is too large for one page; the files below maps/ hold the maps of the classes"
    if not (records.viewer["layer"] == "target").any():
        return "the attribution maps of every arm failed their test (G2) and are not shown"
    return ""


def are_pictures(records: RunRecords) -> bool:
    """Whether pictures were audited, and no volumes."""
    grid = records.audit["cohort"].get("grid")
    return grid is not None and len(grid["shape"]) == 2


def viewer_content(records: RunRecords) -> dict[str, Any]:
    """Collect what the script of the page shows.

    Parameters
    ----------
    records : RunRecords
        Of a run that has something to view.

    Returns
    -------
    dict
        Plain JSON types: ``pictures``, ``place`` (voxel or pixel), ``arms``, ``layers`` (name, words, and what blue
        and red say), ``shown`` (means of classes, then subjects) and ``files`` (base64 by name).

    Raises
    ------
    DataError
        A file that the table names is not there.
    """
    table = records.viewer[records.viewer["shown"] != "left out"]
    shown = [_shown(records, own) for _, own in table.groupby("key", sort=False)]
    return {
        "pictures": are_pictures(records),
        "place": "pixel" if are_pictures(records) else "voxel",
        "arms": [str(arm) for arm in dict.fromkeys(table["arm"]) if arm],
        "layers": list(_layers(records)),
        "shown": shown,
        "files": {name: _stored(records.run, name) for name in table["file"]},
    }


def _shown(records: RunRecords, own: pd.DataFrame) -> dict[str, Any]:
    """Describe a subject or the mean of a class: its words, and its files by arm and layer."""
    rows = own.to_dict("records")
    first = rows[0]
    common = {row["layer"]: row["file"] for row in rows if not row["arm"]}
    arms: dict[str, dict[str, Any]] = {}
    for row in rows:
        if row["arm"]:
            arm = arms.setdefault(row["arm"], {"words": _words(records, row), "layers": {}})
            arm["layers"][row["layer"]] = {"file": row["file"], "limit": row["limit"]}
    return {
        "name": _name(first),
        "mean": first["shown"] == "mean",
        "origin": first["origin"],
        "anatomy": common["anatomy"],
        "mask": common.get("mask"),
        "arms": arms,
    }


def _name(row: Mapping[Any, Any]) -> str:
    if row["shown"] == "mean":
        return f"{row['label']}: {row['subject']}"
    return f"{row['subject']} · {row['label']} · {row['origin']}"


def _words(records: RunRecords, row: Mapping[Any, Any]) -> str:
    """Say who is shown, and what the network made of it."""
    if row["shown"] == "mean":
        return f"{row['subject'].capitalize()} subjects that have a map"
    towards = row["label"] if contrasts(records) else positive_class(records)
    score = f"logit {signed(row['logit'])} (above 0 speaks for {towards})"
    # Chosen by the scores of the first input: in another one it may be less typical, and is drawn all the same.
    role = f"Drawn as {row['role']} of its class"
    return f"{role}, {score}"


def _layers(records: RunRecords) -> Iterator[dict[str, Any]]:
    """Yield what can be looked at; the origin classifier and the difference only where it has maps."""
    meaning, positive = map_meaning(records), positive_class(records)
    sign = meaning.sign.replace("{target}", positive)
    blue, red = (f"{word} {positive}" for word in meaning.ends)
    yield _layer("target", "Target", f"The network that is audited: {sign}.", (blue, red))
    if not (records.viewer["layer"] == "origin").any():
        return
    own = "A network that learned to tell origins apart inside one class: red speaks for the origin that the subject"
    yield _layer("origin", "Origin classifier", f"{own} is from, blue for another.", ("another origin", "own origin"))
    shares = "Each network's absolute relevance as a share of its own colour limit, one less the other: red where the"
    yield _layer(
        "difference",
        "Difference",
        f"{shares} target looks more, blue where the origin classifier does.",
        ("origin classifier looks more", "target looks more"),
    )


def _layer(key: str, name: str, words: str, ends: tuple[str, str]) -> dict[str, Any]:
    return {"key": key, "name": name, "words": words, "ends": ends}


def _stored(run: Path, name: str) -> str:
    """Read a file of the viewer's folder, and no other, as base64."""
    inside = PurePosixPath(name).parts == (_FOLDER.name, PurePosixPath(name).name)
    path = run / _FOLDER / PurePosixPath(name).name
    try:
        if not inside or path.is_symlink():
            raise OSError("outside of the folder")
        regular_status(path)
        return base64.b64encode(path.read_bytes()).decode("ascii")
    except OSError as error:
        reason = error.strerror or str(error)
        raise DataError(
            [Fault(str(run / VIEWER.path), f"names {name!r}, which cannot be read ({reason})", AGAIN)]
        ) from None
