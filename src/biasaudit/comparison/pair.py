"""Arms side by side: paired differences on the same subjects, folds and resamples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from biasaudit import seeds
from biasaudit.checks.score_dependence import crossed_reliance_of
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Comparison, FloatArray
from biasaudit.stats.effects import gap_share
from biasaudit.stats.intervals import (
    bootstrap_auc_difference,
    bootstrap_gap_share,
    bootstrap_means,
    percentile_interval,
)

if TYPE_CHECKING:
    pass

__all__ = ["Gains", "compare_pair"]

Gains = tuple[FloatArray, npt.NDArray[np.intp]]
"""Lesion gain of every mapped subject, NaN where there is none, and the fold of every map."""


def compare_pair(
    arms: tuple[ArmEvidence, ArmEvidence], gains: tuple[Gains, Gains], protocol: Protocol
) -> Iterator[Comparison]:
    """Compare two arms whose rows are the same subjects, held out by the same folds.

    Parameters
    ----------
    arms : pair of ArmEvidence
    gains : pair of Gains
        Of the same subjects in both, or empty.
    protocol : Protocol
        For the number of resamples, and the covariates.

    Yields
    ------
    Comparison
        First arm minus second; only quantities that both have.
    """
    first, second = arms
    found = [_auc(first, second, protocol), *_reliance(first, second, protocol), *_lesion_gain(arms, gains, protocol)]
    yield from (replace(comparison, contrast=first.contrast) for comparison in found)


def _auc(first: ArmEvidence, second: ArmEvidence, protocol: Protocol) -> Comparison:
    generator = seeds.generator(first.seed, "compare", "auc")
    n = protocol.statistics.n_bootstraps
    found = bootstrap_auc_difference(first.logit, second.logit, first.positive, _groups(first), n, generator)
    interval = found.interval(0.95)
    return Comparison((first.arm, second.arm), "auc", found.estimate, interval.low, interval.high, found.two_sided_p)


def _reliance(first: ArmEvidence, second: ArmEvidence, protocol: Protocol) -> Iterator[Comparison]:
    """Compare reliance from the source that the verdict takes it from: U1 when crossed, else U4."""
    estimate = _crossed_reliance if first.regime == "crossed" else _erased_reliance
    results = [estimate(arm, protocol) for arm in (first, second)]
    if any(result is None for result in results):
        return
    (estimate_a, resampled_a), (estimate_b, resampled_b) = (result for result in results if result is not None)
    if np.isfinite(estimate_a) and np.isfinite(estimate_b):
        yield _comparison((first.arm, second.arm), "reliance", estimate_a - estimate_b, resampled_a - resampled_b)


def _erased_reliance(arm: ArmEvidence, protocol: Protocol) -> tuple[float, FloatArray] | None:
    """Return the residual gap; arms draw the same subjects, because their streams have the same name."""
    if arm.logit_erased is None or not arm.masks_given or not _finite(arm.logit, arm.logit_erased):
        return None
    rows = np.ones(arm.positive.size, dtype=bool) if arm.erasable is None else arm.erasable
    logit, positive, erased = arm.logit[rows], arm.positive[rows], arm.logit_erased[rows]
    share = gap_share(logit[positive], erased[positive], logit[~positive], erased[~positive])
    generator = seeds.generator(arm.seed, "compare", "reliance")
    resampled = bootstrap_gap_share(
        logit, erased, positive, _groups(arm)[rows], protocol.statistics.n_bootstraps, generator
    )
    return float(np.clip(share, 0, 1)), np.clip(resampled, 0, 1)


def _crossed_reliance(arm: ArmEvidence, protocol: Protocol) -> tuple[float, FloatArray] | None:
    if not _finite(arm.logit):
        return None
    found = crossed_reliance_of(arm, protocol, seeds.generator(arm.seed, "compare", "reliance"))
    return found.estimate, found.draws


def _finite(*scores: FloatArray) -> bool:
    return all(bool(np.isfinite(own).all()) for own in scores)


def _lesion_gain(
    arms: tuple[ArmEvidence, ArmEvidence], gains: tuple[Gains, Gains], protocol: Protocol
) -> Iterator[Comparison]:
    (first, folds), (second, _) = gains
    if not len(first) or not len(second):
        return
    both = np.isfinite(first) & np.isfinite(second)
    if both.sum() < 2:
        return
    difference = first[both] - second[both]
    generator = seeds.generator(arms[0].seed, "compare", "lesion gain")
    resampled = bootstrap_means(difference, folds[both], protocol.statistics.n_bootstraps, generator)
    yield _comparison((arms[0].arm, arms[1].arm), "lesion_gain", float(difference.mean()), resampled)


def _comparison(arms: tuple[str, str], quantity: str, estimate: float, resampled: FloatArray) -> Comparison:
    interval = percentile_interval(estimate, resampled, 0.95)
    finite = resampled[np.isfinite(resampled)]
    tail = min((finite <= 0).sum(), (finite >= 0).sum())
    p_value = min(1.0, 2 * (1 + tail) / (1 + len(finite)))
    return Comparison(arms, quantity, interval.estimate, interval.low, interval.high, float(p_value))


def _groups(evidence: ArmEvidence) -> np.ndarray:
    return evidence.fold * 2 + evidence.positive
