"""Step `metadata`: what headers and sidecars say of every image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from biasaudit.cohort.images.headers import header_fields, sidecar_values
from biasaudit.engine.jobs.json_files import write_json
from biasaudit.registry import register

__all__ = ["metadata"]

ORIGIN = "origin: "
"""Beginning of the columns that hold the origin factors: what other columns are compared with, and no metadata."""

Needs = Mapping[str, Sequence[Path]]


@register("step", "metadata")
def metadata(arguments: Mapping[str, Any], needs: Needs, folder: Path) -> None:
    """Gather the fields of all samples in columns; no pixel is read.

    Parameters
    ----------
    arguments : mapping
        ``samples``: one record each with ``image`` (path; empty for a simulated one), ``hash``, ``sidecars`` (paths and
        hashes), ``given`` (which companion files there are), ``origins`` (of every factor).
    folder : Path
        Gets ``metadata.json``: column -> one value per sample, null where missing.
    """
    rows = [_fields(record) for record in arguments["samples"]]
    columns = dict.fromkeys(name for row in rows for name in row)
    write_json(folder / "metadata.json", {name: [row.get(name) for row in rows] for name in columns})


def _fields(record: Mapping[str, Any]) -> dict[str, float | str | None]:
    origins = {f"{ORIGIN}{factor}": origin for factor, origin in record["origins"].items()}
    if not record["image"]:
        return origins
    header = {f"header: {name}": value for name, value in header_fields(record["image"]).items()}
    sidecar = sidecar_values(path for path, _ in record["sidecars"])
    given = {f"file: {name}": "given" if there else None for name, there in record["given"].items()}
    return {**origins, **header, **{f"sidecar: {name}": value for name, value in sidecar.items()}, **given}
