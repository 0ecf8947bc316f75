"""Which fields of the evidence each word in a check's `needs` stands for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np

from biasaudit import registry
from biasaudit.records import ArmEvidence

TOLD = (
    "arm", "factor", "regime", "classes", "subject", "positive", "origin", "fold", "covariates", "categories",
    "masks_given", "mask_is_complete", "seed", "one_network", "contrast", "inside", "label", "patient", "erasable",
)  # fmt: skip
"""Fields of `ArmEvidence` that every check is given: the word `table`."""

KINDS = {
    "scores": ("logit", "logit_by_seed"),
    "erased": ("logit_erased", "logit_erased_by_seed"),
    "severity": ("severity",),
    "features": ("features",),
    "untrained": ("untrained",),
    "gradients": ("gradients",),
    "origin_controls": ("origin_controls",),
    "reduced": ("reduced", "reduced_skipped"),
    "maps": ("maps",),
    "transfer": ("transfer",),
    "probes": ("probes",),
    "frames": ("frames",),
    "unseen_origin": ("unseen",),
    "dose_response": ("dose",),
    "spike_in": ("spike",),
    "metadata": ("metadata",),
    "quality": ("quality",),
    "twins": ("twins",),
}
"""Word in a check's `needs` -> fields of `ArmEvidence` that hold this kind of evidence."""

REGIONS = {"regions": None}
"""Fields of `Maps` that hold the kind `regions`, and what they are without it."""

ORIGIN_MAPS = {"origin": None, "origin_replicate": None, "origins": {}}
"""Fields of `Maps` that hold the kind `origin_maps`, and what they are without it."""

SKIPPED = {"unseen_origin": "U10", "dose_response": "U11", "spike_in": "G3", "probes": "P1"}
"""Kind -> key of `retraining_skipped` that says why there is none."""

PLANTED = {"origin_maps", "masks", "regions", *KINDS}
"""Kinds of which the planted evidence of the tests holds something."""

WORDS = {"table", *registry.names("evidence")}
"""Every word that a check's `needs` may hold."""


def only(evidence: ArmEvidence, needs: Iterable[str]) -> ArmEvidence:
    """Leave out all evidence that `needs` does not name, as if the cohort had none of it."""
    named = set(needs)
    nothing = ArmEvidence(
        **{name: getattr(evidence, name) for name in TOLD}, severity=np.full(evidence.positive.size, np.nan)
    )
    kept = {name: getattr(evidence, name) for kind in named & KINDS.keys() for name in KINDS[kind]}
    if kept.get("maps") is not None and "origin_maps" not in named:
        kept["maps"] = replace(kept["maps"], **ORIGIN_MAPS)
    if kept.get("maps") is not None and "masks" not in named:
        kept["maps"] = replace(kept["maps"], mask=np.zeros_like(kept["maps"].mask))
    if kept.get("maps") is not None and "regions" not in named:
        kept["maps"] = replace(kept["maps"], **REGIONS)
    kept["further"] = {kind: own for kind, own in evidence.further.items() if kind in named}
    codes = {code for kind, code in SKIPPED.items() if kind in named}
    kept["retraining_skipped"] = {code: why for code, why in evidence.retraining_skipped.items() if code in codes}
    return replace(nothing, **kept)
