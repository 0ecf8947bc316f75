"""Rank what is known of an image beside its pixels by how likely it makes a short cut; D2 tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from biasaudit.checks.premises import exchangeable_classes, stream
from biasaudit.records import ArmEvidence, FloatArray
from biasaudit.stats.attribute_ranking import Attribute, detectability, levels_inside, ranked, utility
from biasaudit.stats.prediction import Value, encode_columns
from biasaudit.stats.strata import Indices, integer_codes, joint_codes

__all__ = ["ranking"]

SHOWN = 12
"""Columns that are ranked: those of the largest utility."""


def ranking(
    evidence: ArmEvidence, columns: Mapping[str, Sequence[Value]], folds: npt.NDArray[np.intp]
) -> dict[str, object]:
    """Rank columns by utility times detectability.

    Parameters
    ----------
    evidence : ArmEvidence
        Detectability is asked of its deepest hidden layer, else of its measures of image quality.
    columns : mapping of name to (n,) cells
        Those that do not vary are left out.
    folds : int (n,)

    Returns
    -------
    dict
        ``attributes``: name -> ``utility``, ``detectability`` and ``product``, best first, the unknown None;
        ``attributes_seen_in``: what shows them, empty where nothing was measured. Empty where no column varies.
    """
    encoded = encode_columns(columns)
    useful = {name: utility(encoded.of(name), evidence.positive, folds) for name in dict.fromkeys(encoded.owner)}
    if not useful:
        return {}
    kept = sorted(useful, key=lambda name: (-useful[name], name))[:SHOWN]
    where, features, blocks = _seen_in(evidence)
    classes = integer_codes(exchangeable_classes(evidence))
    found = [
        Attribute(name, useful[name], _shown(evidence, name, features, levels_inside(columns[name], classes), blocks))
        for name in kept
    ]
    return {"attributes": {own.column: _record(own) for own in ranked(found)}, "attributes_seen_in": where}


def _shown(
    evidence: ArmEvidence, name: str, features: FloatArray | None, levels: Indices, blocks: Indices
) -> float | None:
    return None if features is None else detectability(features, levels, blocks, stream(evidence, "D2", "shown", name))


def _seen_in(evidence: ArmEvidence) -> tuple[str, FloatArray | None, Indices]:
    """Name what shows the columns, its numbers, and the blocks inside which they can be compared."""
    classes = integer_codes(exchangeable_classes(evidence))
    if evidence.features:
        layer, values = list(evidence.features.items())[-1]
        return f"layer {layer}", np.asarray(values, dtype=np.float64), joint_codes(classes, evidence.fold)
    measured = {
        name: [value if np.isfinite(value) else None for value in own.tolist()]
        for name, own in evidence.quality.items()
    }
    matrix = encode_columns(measured).matrix
    return ("image quality", matrix, classes) if matrix.shape[1] else ("", None, classes)


def _record(own: Attribute) -> dict[str, float | None]:
    shares = {"utility": own.utility, "detectability": own.detectability, "product": own.product}
    return {name: None if share is None else round(share, 3) for name, share in shares.items()}
