"""Metadata of an image file: the fields of its header, and the JSON sidecars that apply to it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from biasaudit.cohort.images.declared import PARSING
from biasaudit.cohort.images.dicom import dicom_fields
from biasaudit.cohort.images.formats import DICOM, PICTURES, extension_of, read_geometry
from biasaudit.cohort.images.geometry import affine_of, orientation, spacing_of
from biasaudit.cohort.images.itk_files import ITK
from biasaudit.cohort.images.mistaken import dangling_link, mistaken
from biasaudit.cohort.images.pictures import open_picture
from biasaudit.cohort.images.volume_files import volume_header_of
from biasaudit.errors import DataError, Fault
from biasaudit.records import FloatArray
from biasaudit.regular_files import read_json_file, read_start

__all__ = ["header_fields", "sidecar_content", "sidecar_faults", "sidecar_values", "sidecars_of"]

Value = float | str | None
_ENTITY = re.compile(r"([A-Za-z0-9]+)-([A-Za-z0-9+]+)")
_HIGHEST = 6
_MOST_JSON = 16_000_000
_ROOT_MARK = "dataset_description.json"
# Names, dates and numbers of one examination: they tell subjects apart, not scanners.
_PERSONAL = re.compile(
    r"(uid|patient|subject|acquisition(date|time|number)|studyid|studydate|studytime|seriesnumber|accession|birth)",
    re.IGNORECASE,
)


def header_fields(path: str) -> dict[str, Value]:
    """Fields of the header of one image file; no pixel is read.

    Parameters
    ----------
    path : str
        A volume, a picture, a DICOM file or ``.npy``.

    Returns
    -------
    dict
        For volumes shape, voxel size and position per axis (mm), orientation, data type, how the affine is coded and
        the description; for pictures size, mode, format, resolution and which metadata are there; for DICOM
        equipment, acquisition and coding (`dicom.dicom_fields`).
    """
    if path.lower().endswith(PICTURES):
        return _picture_fields(path)
    if path.lower().endswith(DICOM):
        return dicom_fields(path)
    if path.lower().endswith(".npy"):
        with PARSING:
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        return {**_per_axis("size", array.shape), "data type": str(array.dtype)}
    if path.lower().endswith(ITK):
        return _place_fields(*read_geometry(path))
    return _volume_fields(volume_header_of(path, extension_of(path)))


def sidecars_of(paths: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """JSON sidecars of images by the inheritance principle of BIDS, the nearest last.

    A sidecar applies when it has the suffix of the image and no entity that the image has not; it may lie beside it or
    in a folder above, up to the one with a dataset_description.json.

    Parameters
    ----------
    paths : iterable of str

    Returns
    -------
    dict
        Image -> sidecars; images without any are left out.
    """
    by_image = {path: tuple(_applicable(path)) for path in paths}
    _candidates.cache_clear()
    return {path: sidecars for path, sidecars in by_image.items() if sidecars}


def sidecar_values(paths: Iterable[str]) -> dict[str, Value]:
    """Fields of some sidecars as numbers and words; a later file overrides an earlier one.

    What names the examination (identifiers, dates, times) is left out; lists become text.
    """
    fields: dict[str, Any] = {}
    for path in paths:
        fields |= sidecar_content(path)
    return {name: _plain(value) for name, value in fields.items() if not _PERSONAL.search(name)}


def sidecar_content(path: str) -> dict[str, Any]:
    """Read one JSON sidecar; what is no mapping is as good as empty.

    Raises
    ------
    DataError
        It cannot be read, or is no JSON.
    """
    try:
        content = read_json_file(path, _MOST_JSON)
    except (OSError, ValueError) as error:
        if link := dangling_link(path):
            raise DataError([Fault(path, *link)]) from None
        if found := mistaken(_start(path), ".json"):
            raise DataError([Fault(path, f"not a readable JSON file (it is {found[0]})", found[1])]) from None
        reason = (getattr(error, "strerror", None) or str(error)).splitlines()[0]
        message = f"not a readable JSON file ({reason})"
        raise DataError([Fault(path, message, "correct or remove it")]) from None
    return content if isinstance(content, dict) else {}


def _start(path: str) -> bytes:
    return read_start(path, 512) if os.path.isfile(path) else b"?"


def sidecar_faults(path: str) -> tuple[Fault, ...]:
    """Say what keeps a sidecar from being read; nothing if it can be."""
    try:
        sidecar_content(path)
    except DataError as error:
        return error.faults
    return ()


def _place_fields(shape: Sequence[int], affine: FloatArray | None) -> dict[str, Value]:
    if affine is None:
        return _per_axis("size", shape)
    return {
        **_per_axis("size", shape),
        **_per_axis("spacing", np.round(spacing_of(affine), 3).tolist()),
        **_per_axis("position", np.round(affine[:3, 3], 1).tolist()),
        "orientation": orientation(affine),
    }


def _volume_fields(header: Any) -> dict[str, Value]:
    affine, _ = affine_of(header)
    fields = {**_place_fields(header.get_data_shape(), affine), "data type": str(header.get_data_dtype())}
    for name in ("qform_code", "sform_code", "scl_slope", "scl_inter", "xyzt_units", "descrip"):
        if name in getattr(header, "keys", list)():
            fields[name.replace("_", " ")] = _header_value(header[name])
    return fields


def _header_value(value: Any) -> Value:
    item = np.asarray(value).item()
    if isinstance(item, bytes):
        return item.decode("latin-1").strip("\x00 ") or None
    return float(item) if np.isfinite(item) else None


def _picture_fields(path: str) -> dict[str, Value]:
    with open(path, "rb") as file:
        picture = open_picture(os.path.splitext(path.lower())[1], file)
        width, height = picture.size
        fields: dict[str, Value] = {
            "width": float(width),
            "height": float(height),
            "mode": picture.mode,
            "format": picture.format,
            "metadata": ", ".join(sorted(map(str, picture.info))) or "none",
        }
        resolution = picture.info.get("dpi")
        if isinstance(resolution, tuple):
            fields["resolution"] = float(resolution[0])
        tables = getattr(picture, "quantization", None)
        if tables:
            fields["quantisation"] = float(sum(tables[min(tables)]))
    return fields


def _per_axis(name: str, numbers: Iterable[float]) -> dict[str, Value]:
    return {f"{name} {axis}": float(number) for axis, number in zip("xyzt", numbers, strict=False)}


def _plain(value: Any) -> Value:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None if value is None else json.dumps(value, sort_keys=True)
    return value if isinstance(value, str) else float(value)


def _applicable(path: str) -> list[str]:
    name = os.path.basename(path)
    entities, suffix = _parsed(name.split(".", 1)[0])
    near_first: list[str] = []
    folder = os.path.dirname(path)
    for _ in range(_HIGHEST):
        applicable = [
            (len(theirs), candidate)
            for candidate, theirs, kind in _candidates(folder)
            if kind == suffix and theirs.items() <= entities.items()
        ]
        near_first += [candidate for _, candidate in sorted(applicable, reverse=True)]
        if os.path.exists(os.path.join(folder, _ROOT_MARK)):
            return near_first[::-1]
        folder = os.path.dirname(folder)
    # Without the mark of a dataset only what lies beside the image is surely about it.
    return [sidecar for sidecar in near_first if os.path.dirname(sidecar) == os.path.dirname(path)][::-1]


@cache
def _candidates(folder: str) -> tuple[tuple[str, Mapping[str, str], str], ...]:
    """JSON files of one folder with the entities and the suffix in their names."""
    try:
        names = [name for name in os.listdir(folder) if name.endswith(".json") and name != _ROOT_MARK]
    except OSError:
        return ()
    return tuple((os.path.join(folder, name), *_parsed(name.removesuffix(".json"))) for name in sorted(names))


def _parsed(stem: str) -> tuple[dict[str, str], str]:
    *parts, suffix = stem.split("_")
    matches = [_ENTITY.fullmatch(part) for part in parts]
    return {match[1]: match[2] for match in matches if match}, suffix
