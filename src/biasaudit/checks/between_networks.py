"""How far a share would move had the networks been trained with other seeds, where every fold has several networks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import sqrt
from typing import Any

import numpy as np

from biasaudit.records import ArmEvidence, BoolArray, FloatArray, Probes
from biasaudit.stats.network_variance import NetworkVariance, between_seeds

__all__ = ["OneSeed", "seed_details", "seed_variance"]


@dataclass(frozen=True)
class OneSeed:
    """One fold whose answers are those of one of its networks alone; all other folds keep the mean over theirs.

    Attributes
    ----------
    rows : bool (n,)
        Subjects that the fold holds out.
    place : int
        Number of the fold.
    seed : int
    """

    rows: BoolArray
    place: int
    seed: int

    def of_subjects(self, mean: FloatArray | None, by_seed: FloatArray | None) -> FloatArray | None:
        """Return margins (n,), given their mean over seeds and those of every seed (n, seeds)."""
        if mean is None or by_seed is None:
            return mean
        return np.where(self.rows, by_seed[:, self.seed], mean)

    def of_probes(self, probes: Probes) -> Probes:
        """Return probes, which all folds score."""
        assert probes.by_network is not None
        single = probes.by_network.mean(axis=2)
        single[:, self.place] = probes.by_network[:, self.place, self.seed]
        return replace(probes, logit=single.mean(axis=1))

    def of(self, evidence: ArmEvidence) -> ArmEvidence:
        """Return the evidence with the margins of the subjects replaced."""
        erased = self.of_subjects(evidence.logit_erased, evidence.logit_erased_by_seed)
        logit = self.of_subjects(evidence.logit, evidence.logit_by_seed)
        return evidence if logit is None else replace(evidence, logit=logit, logit_erased=erased)


def seed_variance(evidence: ArmEvidence, share: Callable[[OneSeed], float]) -> NetworkVariance | None:
    """Measure how far a share varies between trainings with other seeds.

    Parameters
    ----------
    evidence : ArmEvidence
    share : callable
        The share with one fold answered by one seed alone.

    Returns
    -------
    NetworkVariance or None
        None where the folds have one network each, or the share is undefined for some seed.
    """
    if evidence.logit_by_seed is None:
        return None
    folds, seeds = np.unique(evidence.fold), evidence.logit_by_seed.shape[1]
    found = np.array(
        [[share(OneSeed(evidence.fold == fold, int(fold), seed)) for seed in range(seeds)] for fold in folds]
    )
    return between_seeds(found) if np.isfinite(found).all() else None


def seed_details(networks: NetworkVariance | None) -> dict[str, Any]:
    """Name the standard deviation of a share between trainings, for the details of a finding."""
    return {} if networks is None else {"seed_sd": sqrt(networks.variance)}
