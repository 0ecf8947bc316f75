"""Compare the arms of one audit."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from biasaudit.checks.premises import patients
from biasaudit.comparison.pair import ComparedArm, compare_pair
from biasaudit.engine.plan import ArmContrast
from biasaudit.engine.results.run import Run
from biasaudit.records import ArmEvidence, Comparison, FloatArray
from biasaudit.stats.localisation import lesion_gains

__all__ = ["compare_arms"]


def compare_arms(arms: Sequence[ArmEvidence], run: Run) -> list[Comparison]:
    """Compare every pair of arms on AUC, reliance and lesion gain.

    Parameters
    ----------
    arms : sequence of ArmEvidence
        Without maps, in protocol order, for the primary factor and one contrast.
    run : Run
        For the maps, and the number of resamples.

    Returns
    -------
    list of Comparison
        First arm minus second; only quantities that both arms have.
    """
    compared = [ComparedArm(arm, _gains_of(arm, run)) for arm in arms] if len(arms) > 1 else []
    return [
        comparison
        for first, second in combinations(compared, 2)
        for comparison in compare_pair(first, second, run.situation.protocol)
    ]


def _gains_of(arm: ArmEvidence, run: Run) -> FloatArray:
    """Return the lesion gain of every mapped subject in the order of the cohort, nan for the healthy; empty without.

    In that order `compare` reads them, so that both draw the same resamples.
    """
    evidence = run.evidence(ArmContrast(arm.arm, run.factors[0], arm.contrast), ("maps", "masks"))
    maps = evidence.maps
    if maps is None:
        return np.empty(0)
    gains = np.full(len(maps.rows), np.nan)
    marked = np.flatnonzero(patients(evidence)[maps.rows] & (maps.mask & maps.foreground).any(axis=1))
    if len(marked):
        relevance = np.abs(maps.target[marked]).astype(np.float64)
        gains[marked] = np.diag(lesion_gains(relevance, maps.mask[marked], maps.foreground[marked]))
    return np.asarray(gains[np.argsort(maps.rows, kind="stable")])
