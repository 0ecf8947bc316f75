"""Whether labels taught the scores' dependence on origin, or chance weights made it (U1, many origins)."""

from __future__ import annotations

from typing import Any

import numpy as np

from biasaudit.checks.premises import exchangeable_classes
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, FloatArray
from biasaudit.stats.agreement import fold_agreement
from biasaudit.stats.fold_scales import aligned_logits
from biasaudit.stats.prevalence import PrevalenceSlope, prevalence_slope

__all__ = ["agreement_details", "follows_prevalence", "prevalence_details"]


def follows_prevalence(evidence: ArmEvidence, scores: FloatArray, held_fixed: FloatArray) -> PrevalenceSlope | None:
    """Ask whether origins that hold more patients score higher, beyond what else sets origins apart.

    Parameters
    ----------
    evidence : ArmEvidence
    scores : float (n,)
        On one scale, of mean 0 inside classes.
    held_fixed : float (n, c)
        Covariates.

    Returns
    -------
    PrevalenceSlope or None
        None with few origins.
    """
    classes = exchangeable_classes(evidence)
    return prevalence_slope(
        scores, evidence.positive, evidence.origin, classes, np.asarray(held_fixed, dtype=np.float64)
    )


def prevalence_details(line: PrevalenceSlope | None) -> dict[str, Any]:
    """Named numbers for the finding."""
    if line is None:
        return {}
    return {"prevalence_slope": line.slope, "prevalence_p": line.p_value, "beside_prevalence": line.spread}


def agreement_details(evidence: ArmEvidence, held_fixed: FloatArray, protocol: Protocol) -> dict[str, Any]:
    """Name what the networks of all folds share of the response, as a share with its bound and p-value.

    Parameters
    ----------
    evidence : ArmEvidence
    held_fixed : float (n, c)
        Covariates.
    protocol : Protocol

    Returns
    -------
    dict
        Empty with few origins, where folds lack some, and where one network serves all folds or may do.
    """
    found = fold_agreement(
        aligned_logits(evidence.logit, evidence.positive, evidence.fold),
        evidence.positive,
        evidence.origin,
        exchangeable_classes(evidence),
        evidence.network,
        np.asarray(held_fixed, dtype=np.float64),
        protocol.statistics.alpha,
    )
    return {} if found is None else {"agreed": found.share, "agreed_low": found.low, "agreed_p": found.p_value}
