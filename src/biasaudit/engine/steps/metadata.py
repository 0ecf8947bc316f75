"""Step `metadata`: what headers and sidecars say of every image."""

from __future__ import annotations

from pathlib import Path

from biasaudit.cohort.images.file_state import as_it_was
from biasaudit.cohort.images.headers import header_fields, sidecar_values
from biasaudit.engine.arguments.data import ImageSources, MetadataArguments
from biasaudit.engine.jobs.job import Folders
from biasaudit.engine.jobs.json_files import write_json
from biasaudit.registry import register

__all__ = ["metadata"]

ORIGIN = "origin: "
"""Beginning of the columns that hold the origin factors: what other columns are compared with, and no metadata."""


@register("step", "metadata")
def metadata(arguments: MetadataArguments, needs: Folders, folder: Path) -> None:
    """Gather the fields of all samples in columns; of pixels no more than whether they are in colour.

    Parameters
    ----------
    arguments : MetadataArguments
    needs : Folders
        Nothing.
    folder : Path
        Gets ``metadata.json``: column -> one value per sample, null where missing.
    """
    rows = [_fields(sources) for sources in arguments.samples]
    columns = dict.fromkeys(name for row in rows for name in row)
    write_json(folder / "metadata.json", {name: [row.get(name) for row in rows] for name in columns})


def _fields(sources: ImageSources) -> dict[str, float | str | None]:
    origins: dict[str, float | str | None] = {f"{ORIGIN}{factor}": origin for factor, origin in sources.origins.items()}
    if sources.image is None:
        return origins
    with as_it_was({file.path: file.sha256 for file in (sources.image, *sources.sidecars)}):
        header = {f"header: {name}": value for name, value in header_fields(sources.image.path).items()}
        sidecar = sidecar_values(file.path for file in sources.sidecars)
    given = {f"file: {name}": "given" if there else None for name, there in sources.companions.items()}
    colour: dict[str, float | str | None] = {"file: pixels": sources.colour} if sources.colour else {}
    return {**origins, **header, **{f"sidecar: {name}": value for name, value in sidecar.items()}, **given, **colour}
