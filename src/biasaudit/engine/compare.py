"""Arms side by side: paired differences on the same subjects, folds and resamples."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from biasaudit import seeds
from biasaudit.records import ArmEvidence, Comparison, FloatArray
from biasaudit.stats.effects import gap_share
from biasaudit.stats.intervals import (
    bootstrap_auc_difference,
    bootstrap_gap_share,
    bootstrap_means,
    percentile_interval,
)

if TYPE_CHECKING:
    from biasaudit.engine.results import Run

__all__ = ["compare_arms", "lesion_gains"]


def compare_arms(arms: Sequence[ArmEvidence], run: Run) -> list[Comparison]:
    """Compare every pair of arms on AUC, reliance (U4) and lesion gain.

    Parameters
    ----------
    arms : sequence of ArmEvidence
        Without maps, in protocol order, for the primary factor.
    run : Run
        For the maps, and the number of resamples.

    Returns
    -------
    list of Comparison
        First arm minus second; only quantities that both arms have.
    """
    gains = {arm.arm: _gains_of(arm, run) for arm in arms} if len(arms) > 1 else {}
    found = []
    for first, second in combinations(arms, 2):
        found.append(_auc(first, second, run))
        found.extend(_reliance(first, second, run))
        found.extend(_lesion_gain((first, second), (gains[first.arm], gains[second.arm]), run))
    return found


def lesion_gains(evidence: ArmEvidence) -> FloatArray:
    """Lesion gain of every mapped patient: share of |relevance| in the mask over the mask's share of the brain.

    Returns
    -------
    float (m,)
        NaN for the healthy, for empty masks and for empty maps; rows as in ``evidence.maps``.
    """
    maps = evidence.maps
    if maps is None:
        return np.empty(0)
    inside = maps.mask & maps.foreground
    relevance = np.abs(maps.target) * maps.foreground
    total = relevance.sum(1)
    volume = inside.sum(1) / np.maximum(maps.foreground.sum(1), 1)
    usable = (total > 0) & (volume > 0) & evidence.positive[maps.rows]
    gain = np.full(len(total), np.nan)
    gain[usable] = (relevance * inside).sum(1)[usable] / total[usable] / volume[usable]
    return gain


def _gains_of(arm: ArmEvidence, run: Run) -> tuple[FloatArray, FloatArray]:
    evidence = run.evidence(arm.arm, run.factors[0], with_maps=True)
    if evidence.maps is None:
        return np.empty(0), np.empty(0)
    return lesion_gains(evidence), np.asarray(evidence.fold[evidence.maps.rows])


def _auc(first: ArmEvidence, second: ArmEvidence, run: Run) -> Comparison:
    generator = seeds.generator(first.seed, "compare", "auc")
    n = run.situation.protocol.statistics.n_bootstraps
    interval, p_value = bootstrap_auc_difference(
        first.logit, second.logit, first.positive, _groups(first), n, generator
    )
    return Comparison((first.arm, second.arm), "auc", interval.estimate, interval.low, interval.high, p_value)


def _reliance(first: ArmEvidence, second: ArmEvidence, run: Run) -> Iterator[Comparison]:
    """Compare residual gaps; both arms draw the same subjects, because their streams have the same name."""
    if first.logit_erased is None or second.logit_erased is None:
        return
    estimates, distributions = [], []
    for arm in (first, second):
        positive, erased = arm.positive, np.asarray(arm.logit_erased)
        share = gap_share(arm.logit[positive], erased[positive], arm.logit[~positive], erased[~positive])
        estimates.append(float(np.clip(share, 0, 1)))
        generator = seeds.generator(arm.seed, "compare", "reliance")
        n = run.situation.protocol.statistics.n_bootstraps
        resampled = bootstrap_gap_share(arm.logit, erased, positive, _groups(arm), n, generator)
        distributions.append(np.clip(resampled, 0, 1))
    yield _comparison(
        (first.arm, second.arm), "reliance", estimates[0] - estimates[1], distributions[0] - distributions[1]
    )


def _lesion_gain(
    arms: tuple[ArmEvidence, ArmEvidence],
    gains: tuple[tuple[FloatArray, FloatArray], tuple[FloatArray, FloatArray]],
    run: Run,
) -> Iterator[Comparison]:
    (first, folds), (second, _) = gains
    if not len(first) or not len(second):
        return
    both = np.isfinite(first) & np.isfinite(second)
    if both.sum() < 2:
        return
    difference = first[both] - second[both]
    generator = seeds.generator(arms[0].seed, "compare", "lesion gain")
    resampled = bootstrap_means(difference, folds[both], run.situation.protocol.statistics.n_bootstraps, generator)
    yield _comparison((arms[0].arm, arms[1].arm), "lesion_gain", float(difference.mean()), resampled)


def _comparison(arms: tuple[str, str], quantity: str, estimate: float, resampled: FloatArray) -> Comparison:
    interval = percentile_interval(estimate, resampled, 0.95)
    finite = resampled[np.isfinite(resampled)]
    tail = min((finite <= 0).sum(), (finite >= 0).sum())
    p_value = min(1.0, 2 * (1 + tail) / (1 + len(finite)))
    return Comparison(arms, quantity, interval.estimate, interval.low, interval.high, float(p_value))


def _groups(evidence: ArmEvidence) -> np.ndarray:
    return evidence.fold * 2 + evidence.positive
