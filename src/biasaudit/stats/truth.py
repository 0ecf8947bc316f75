"""True reliance of a network, from margins of anatomies rendered at every site with and without pathology."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from biasaudit.stats.pair_auc import inside_folds, pair_auc

__all__ = ["Truth", "bootstrap_truth", "true_reliance"]


@dataclass(frozen=True)
class Truth:
    """True reliance and competence of a network, known for simulated cohorts only.

    Attributes
    ----------
    sensitivity : float
        R*: site / (site + pathology), 0 to 1.
    origin_share : float
        Omega*: share of the class gap that is there without pathology, clipped to [0, 1]; NaN without a gap.
    gap : float
        Mean margin of patients at their sites less that of healthy subjects at theirs.
    auc_one_site : float
        AUC of anatomies with against without pathology at one site, mean over sites: competence at the pathology.
    auc_independent : float
        The same over all pairs of sites: class and site independent, every site as frequent.
    """

    sensitivity: float
    origin_share: float
    gap: float
    auc_one_site: float
    auc_independent: float = float("nan")


def true_reliance(
    margins: NDArray[np.float64],
    healthy_share: NDArray[np.float64],
    patient_share: NDArray[np.float64],
    folds: NDArray[np.intp] | None = None,
) -> Truth:
    """Compute R* and Omega* (DESIGN.md section 5).

    Parameters
    ----------
    margins : float (anatomies, 2, sites)
        Margins without and with pathology.
    healthy_share, patient_share : float (sites,)
        How the healthy subjects and the patients of the cohort are spread over the sites; each sums to 1.
    folds : int (anatomies,) or None
        Which network scored each; AUCs compare scores of one network only. By default one scored all.
    """
    mean = margins.mean(axis=0)
    squares = [(mean[p, a] - mean[p, b]) ** 2 for p in (0, 1) for a, b in combinations(range(mean.shape[1]), 2)]
    site = float(np.sqrt(np.mean(squares))) if squares else 0.0
    pathology = float(np.abs(mean[1] - mean[0]).mean())
    healthy = float(mean[0] @ healthy_share)
    gap = float(mean[1] @ patient_share) - healthy
    share = (float(mean[0] @ patient_share) - healthy) / gap if gap > 0 else np.nan
    areas = _areas(margins, np.zeros(len(margins), dtype=np.intp) if folds is None else folds)
    return Truth(
        sensitivity=site / (site + pathology) if site + pathology > 0 else np.nan,
        origin_share=float(np.clip(share, 0.0, 1.0)) if np.isfinite(share) else np.nan,
        gap=gap,
        auc_one_site=float(np.mean(np.diag(areas))),
        auc_independent=float(np.mean(areas)),
    )


def _areas(margins: NDArray[np.float64], folds: NDArray[np.intp]) -> NDArray[np.float64]:
    """AUC of anatomies with pathology at one site against those without at another, inside folds, (sites, sites)."""
    sites, ill = margins.shape[2], np.repeat([False, True], len(margins))
    pairs = inside_folds(ill, np.tile(folds, 2))
    scores = [[np.concatenate([margins[:, 0, t], margins[:, 1, s]]) for t in range(sites)] for s in range(sites)]
    return np.array([[pair_auc(each, pairs).estimate for each in row] for row in scores])


def bootstrap_truth(
    margins: NDArray[np.float64],
    healthy_share: NDArray[np.float64],
    patient_share: NDArray[np.float64],
    n_bootstraps: int,
    generator: np.random.Generator,
) -> tuple[float, float]:
    """Bootstrap the standard errors of R* and Omega*, which are known from a sample of anatomies only.

    Parameters
    ----------
    margins : float (anatomies, 2, sites)
    healthy_share, patient_share : float (sites,)
        As in `true_reliance`.
    n_bootstraps : int
        Resamples of anatomies.
    generator : Generator

    Returns
    -------
    (float, float)
        NaN where undefined.
    """
    picks = generator.integers(0, len(margins), (n_bootstraps, len(margins)))
    drawn = [true_reliance(margins[rows], healthy_share, patient_share) for rows in picks]
    values = np.array([[truth.sensitivity, truth.origin_share] for truth in drawn])
    known = np.isfinite(values).all(axis=0)
    errors = values.std(axis=0, ddof=1)
    return (float(errors[0]) if known[0] else np.nan), (float(errors[1]) if known[1] else np.nan)
