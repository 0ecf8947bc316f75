"""What was found in the data themselves, gathered for the checks that ask for it: D2, D3 and A3."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from biasaudit.engine.jobs.job import Folders, Role
from biasaudit.engine.jobs.json_files import read_json
from biasaudit.records import ArmEvidence, Twin

__all__ = ["data_evidence", "data_per_unit"]


def data_evidence(needs: Folders) -> dict[str, Any]:
    """Return the fields of `ArmEvidence` for which the judged check has a step."""
    fields: dict[str, Any] = {}
    if Role("metadata") in needs:
        columns = read_json(needs.only(Role("metadata")) / "metadata.json")
        fields["metadata"] = {name: np.array(values, dtype=object) for name, values in columns.items()}
    if Role("quality") in needs:
        folder = needs.only(Role("quality"))
        names, values = read_json(folder / "columns.json"), np.load(folder / "quality.npy")
        fields["quality"] = dict(zip(names, values.T, strict=True))
    if Role("leakage") in needs:
        fields["twins"] = tuple(Twin(**record) for record in read_json(needs.only(Role("leakage")) / "twins.json"))
    return fields


def data_per_unit(evidence: ArmEvidence, unit_of: np.ndarray, first: np.ndarray) -> dict[str, Any]:
    """One row per unit: metadata of its first image, mean quality, pairs of images of different units.

    Parameters
    ----------
    evidence : ArmEvidence
        One row per image.
    unit_of : int (n,)
        The unit of every image.
    first : int (units,)
        The first image of every unit.

    Returns
    -------
    dict
        Fields to replace.
    """
    quality = {
        name: np.array([_mean(values[unit_of == unit]) for unit in range(len(first))])
        for name, values in evidence.quality.items()
    }
    twins = None if evidence.twins is None else _between_units(evidence.twins, unit_of)
    metadata = {name: values[first] for name, values in evidence.metadata.items()}
    return {"metadata": metadata, "quality": quality, "twins": twins}


def _mean(values: np.ndarray) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")


def _between_units(twins: Sequence[Twin], unit_of: np.ndarray) -> tuple[Twin, ...]:
    """Of every two units the pair of images that is most alike."""
    found: dict[tuple[int, int], Twin] = {}
    for twin in twins:
        one, other = sorted((int(unit_of[twin.first]), int(unit_of[twin.second])))
        known = found.get((one, other))
        if one != other and (known is None or twin.height > known.height):
            found[one, other] = replace(twin, first=one, second=other)
    return tuple(found.values())
