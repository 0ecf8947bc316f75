"""Arms side by side: paired differences on the same subjects, folds and resamples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from biasaudit import seeds
from biasaudit.checks.premises import interval_level
from biasaudit.checks.score_dependence import crossed_reliance_of
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Comparison, FloatArray
from biasaudit.stats.auc_contrast import auc_difference
from biasaudit.stats.effects import gap_share
from biasaudit.stats.intervals import Resampled, bootstrap_gap_share, bootstrap_means
from biasaudit.stats.pair_auc import folds_overlap, inside_folds, pair_auc

__all__ = ["ComparedArm", "compare_pair"]


@dataclass(frozen=True)
class ComparedArm:
    """The evidence and the lesion gains by which an arm is compared.

    Attributes
    ----------
    evidence : ArmEvidence
    gains : float (m,)
        Lesion gains (U6) of the same subjects as those of the other arm, nan where a subject has none; may be empty.
    """

    evidence: ArmEvidence
    gains: FloatArray


def compare_pair(first: ComparedArm, second: ComparedArm, protocol: Protocol) -> Iterator[Comparison]:
    """Compare two arms whose rows are the same subjects, held out by the same folds.

    Parameters
    ----------
    first, second : ComparedArm
    protocol : Protocol
        For the number of resamples, and the covariates.

    Yields
    ------
    Comparison
        First arm minus second; only quantities that both have.
    """
    one, two = first.evidence, second.evidence
    found = [_auc(one, two, protocol), *_reliance(one, two, protocol), *_lesion_gain(first, second, protocol)]
    yield from (replace(comparison, contrast=one.contrast) for comparison in found)


def _auc(first: ArmEvidence, second: ArmEvidence, protocol: Protocol) -> Comparison:
    pairs = inside_folds(first.positive, first.network)
    one, two = pair_auc(first.logit, pairs), pair_auc(second.logit, pairs)
    found = auc_difference(one, two, interval_level(protocol), folds_overlap(first.network))
    bounds = found.interval
    arms, level = (first.arm, second.arm), interval_level(protocol)
    return Comparison(arms, "auc", bounds.estimate, bounds.low, bounds.high, found.p_value, level=level)


def _reliance(first: ArmEvidence, second: ArmEvidence, protocol: Protocol) -> Iterator[Comparison]:
    """Compare reliance from the source that the verdict takes it from: U1 when crossed, else U4."""
    estimate = _crossed_reliance if first.regime == "crossed" else _erased_reliance
    one, two = estimate(first, protocol), estimate(second, protocol)
    if one is not None and two is not None and np.isfinite(one.estimate) and np.isfinite(two.estimate):
        difference = Resampled(one.estimate - two.estimate, one.draws - two.draws)
        yield _comparison(first, second, "reliance", difference, interval_level(protocol))


def _erased_reliance(arm: ArmEvidence, protocol: Protocol) -> Resampled | None:
    """Return the residual gap; arms draw the same subjects, because their streams have the same name.

    The resamples are not cut off at 0 and 1: two arms beyond an end would then differ by nothing, with certainty.
    """
    if arm.logit_erased is None or not arm.masks_given or not _finite(arm.logit, arm.logit_erased):
        return None
    rows = np.ones(arm.positive.size, dtype=bool) if arm.erasable is None else arm.erasable
    logit, positive, erased = arm.logit[rows], arm.positive[rows], arm.logit_erased[rows]
    share = gap_share(logit[positive], erased[positive], logit[~positive], erased[~positive])
    generator = seeds.generator(arm.seed, "compare", "reliance")
    resampled = bootstrap_gap_share(
        logit, erased, positive, _groups(arm)[rows], protocol.statistics.n_bootstraps, generator
    )
    return Resampled(share, resampled).within(0.0, 1.0)


def _crossed_reliance(arm: ArmEvidence, protocol: Protocol) -> Resampled | None:
    if not _finite(arm.logit):
        return None
    return crossed_reliance_of(arm, protocol, seeds.generator(arm.seed, "compare", "reliance"))


def _finite(*scores: FloatArray) -> bool:
    return all(bool(np.isfinite(own).all()) for own in scores)


def _lesion_gain(first: ComparedArm, second: ComparedArm, protocol: Protocol) -> Iterator[Comparison]:
    """Compare the gains of the subjects that have one in both arms."""
    one, two = first.gains, second.gains
    if not len(one) or not len(two):
        return
    both = np.isfinite(one) & np.isfinite(two)
    if both.sum() < 2:
        return
    difference, level = one[both] - two[both], interval_level(protocol)
    generator = seeds.generator(first.evidence.seed, "compare", "lesion gain")
    # Not inside folds: of one map a fold there would be nothing to resample.
    groups = np.zeros(difference.size, dtype=np.intp)
    resampled = bootstrap_means(difference, groups, protocol.statistics.n_bootstraps, generator)
    found = Resampled(float(difference.mean()), resampled).expanded(difference.size, level)
    yield _comparison(first.evidence, second.evidence, "lesion_gain", found, level)


def _comparison(first: ArmEvidence, second: ArmEvidence, quantity: str, found: Resampled, level: float) -> Comparison:
    """Give a difference its interval, and a p-value over those resamples in which it is defined."""
    interval = found.interval(level)
    finite = found.draws[np.isfinite(found.draws)]
    tail = min((finite <= 0).sum(), (finite >= 0).sum())
    p_value = min(1.0, 2 * (1 + tail) / (1 + len(finite)))
    bounds = (interval.estimate, interval.low, interval.high)
    return Comparison((first.arm, second.arm), quantity, *bounds, float(p_value), level=level)


def _groups(evidence: ArmEvidence) -> np.ndarray:
    return evidence.fold * 2 + evidence.positive
