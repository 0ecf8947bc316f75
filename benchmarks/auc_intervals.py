"""How often intervals of an AUC, and of a difference of two paired AUCs, hold the truth: old and new in one run."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from scipy.special import ndtri

from biasaudit import seeds
from biasaudit.stats.auc_contrast import auc_difference
from biasaudit.stats.effects import auc_many
from biasaudit.stats.intervals import Interval
from biasaudit.stats.pair_auc import PairAuc, inside_folds, pair_auc

LEVEL = 0.95
AREAS = (0.5, 0.8, 0.95, 0.99)
SIZES = (20, 50, 100, 200)
PAIRS = ((0.5, 0.5), (0.8, 0.8), (0.95, 0.95), (0.99, 0.99), (0.9, 0.7), (0.99, 0.9), (0.999, 0.98))
CORRELATIONS = (0.3, 0.8)
RESAMPLES = 400
RUNS = int(os.environ.get("BIASAUDIT_RUNS", "1000"))


@dataclass(frozen=True)
class Held:
    """Whether an interval held the truth, whether it was a point, and its length."""

    held: bool
    point: bool
    length: float


@dataclass(frozen=True)
class Row:
    """Coverage of one method for every size, its share of points with few subjects, and its mean lengths."""

    truth: str
    method: str
    coverage: tuple[float, ...]
    points: float
    lengths: tuple[float, float]

    def __str__(self) -> str:
        coverage = " | ".join(f"{value:.2f}" for value in self.coverage)
        lengths = ", ".join(f"{value:.2f}" for value in self.lengths)
        return f"| {self.truth} | {self.method} | {coverage} | {self.points:.2f} | {lengths} |"


def drawn(areas: Sequence[float], n: int, correlation: float, generator: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Scores (len(areas), 2 n) of these true AUCs, equally correlated, and which subjects are patients."""
    positive = np.arange(2 * n) % 2 == 0
    shared = np.sqrt(correlation) * generator.standard_normal(2 * n)
    own = np.sqrt(1 - correlation) * generator.standard_normal((len(areas), 2 * n))
    return shared + own + np.sqrt(2) * ndtri(areas)[:, None] * positive, positive


def judged(interval: Interval, truth: float) -> Held:
    held = bool(interval.low - 1e-12 <= truth <= interval.high + 1e-12)
    return Held(held, interval.high - interval.low < 1e-9, interval.high - interval.low)


def percentiles(scores: np.ndarray, positive: np.ndarray, generator: np.random.Generator) -> Interval:
    """Percentile bootstrap of one AUC, inside the classes."""
    picks = np.empty((RESAMPLES, scores.size), dtype=np.intp)
    for side in (positive, ~positive):
        members = np.flatnonzero(side)
        picks[:, side] = members[generator.integers(0, members.size, (RESAMPLES, members.size))]
    areas = auc_many(scores[picks], positive)
    low, high = np.quantile(areas, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Interval(float(np.nan), float(low), float(high))


def delong(first: PairAuc, second: PairAuc) -> Interval:
    """DeLong's interval of a difference, as it was."""
    apart, estimate = first.influence - second.influence, first.estimate - second.estimate
    reach = float(ndtri((1 + LEVEL) / 2)) * float(np.sqrt(apart @ apart))
    return Interval(estimate, estimate - reach, estimate + reach)


def singles(area: float, n: int, runs: int) -> Iterator[tuple[str, Held]]:
    generator = seeds.generator(16, "single", area, n)
    for _ in range(runs):
        scores, positive = drawn([area], n, 0.0, generator)
        found = pair_auc(scores[0], inside_folds(positive, np.zeros(2 * n)))
        yield "percentile bootstrap", judged(percentiles(scores[0], positive, generator), area)
        yield "**new**", judged(found.interval(LEVEL), area)


def differences(pair: tuple[float, float], n: int, correlation: float, runs: int) -> Iterator[tuple[str, Held]]:
    generator = seeds.generator(16, "difference", *pair, n, correlation)
    truth = pair[0] - pair[1]
    for _ in range(runs):
        scores, positive = drawn(pair, n, correlation, generator)
        first, second = (pair_auc(own, inside_folds(positive, np.zeros(2 * n))) for own in scores)
        yield "DeLong", judged(delong(first, second), truth)
        yield "**new**", judged(auc_difference(first, second, LEVEL).interval, truth)


def rows_of(truth: str, found: Mapping[tuple[int, float], Sequence[tuple[str, Held]]]) -> Iterator[Row]:
    """Sum up one truth, given what was found for every size and correlation."""
    methods = dict.fromkeys(name for each in found.values() for name, _ in each)
    for method in methods:
        own = {key: [held for name, held in each if name == method] for key, each in found.items()}
        coverage = {key: float(np.mean([held.held for held in each])) for key, each in own.items()}
        few = [held for (n, _), each in own.items() if n == SIZES[0] for held in each]
        many = [held for (n, _), each in own.items() if n == SIZES[2] for held in each]
        yield Row(
            truth,
            method,
            tuple(min(value for (n, _), value in coverage.items() if n == size) for size in SIZES),
            float(np.mean([held.point for held in few])),
            (float(np.mean([held.length for held in few])), float(np.mean([held.length for held in many]))),
        )


def measured(runs: int) -> Iterator[Row]:
    for area in AREAS:
        yield from rows_of(f"AUC {area:g}", {(n, 0.0): list(singles(area, n, runs)) for n in SIZES})
    for pair in PAIRS:
        found = {(n, own): list(differences(pair, n, own, runs)) for n, own in product(SIZES, CORRELATIONS)}
        yield from rows_of(f"difference {pair[0]:g} less {pair[1]:g}", found)


def study(scratch: Path) -> str:
    head = (
        "## Intervals of AUCs and of their differences\n\n"
        f"Command: `python benchmarks/run.py auc_intervals`. Coverage at nominal {LEVEL:g}, {RUNS} runs a figure "
        f"(2 standard errors: {2 * np.sqrt(LEVEL * (1 - LEVEL) / RUNS):.3f}), n subjects of either class, normal "
        "scores, old and new on the same draws. Differences: two scores of the same subjects whose noise correlates "
        f"by {CORRELATIONS[0]:g} or {CORRELATIONS[1]:g}; the lower coverage of the two. Points: intervals without "
        "length, at n = 20. Old: the percentile bootstrap inside the classes, and DeLong's variance with the normal "
        "quantile.\n"
    )
    sizes = " | ".join(f"n = {n}" for n in SIZES)
    lines = [
        head,
        f"| truth | interval | {sizes} | points | mean length, n = {SIZES[0]} and {SIZES[2]} |",
        f"|---|---|{'---|' * (len(SIZES) + 2)}",
        *map(str, measured(RUNS)),
    ]
    return "\n".join(lines) + "\n"
