"""How often intervals of an AUC, and of a difference of two paired AUCs, hold the truth: old and new in one run.

Scores are normal in either class. The old interval of an AUC is the percentile bootstrap inside the classes, that of a
difference DeLong's (normal, from the sample's own variance); the new ones are those of `stats/pair_auc.py` and
`stats/auc_contrast.py`. Rows "all AUCs 1" are the runs in which every AUC of the sample was exactly 1: there the old
intervals are points.

    python benchmarks/auc_intervals.py [--runs 1000]
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

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
RESAMPLES = 400


@dataclass(frozen=True)
class Held:
    """Whether an interval held the truth, whether it was a point, its length, and whether all AUCs were 1."""

    held: bool
    point: bool
    length: float
    perfect: bool


@dataclass(frozen=True)
class Row:
    """Coverage, share of points and mean length of one method in one setting."""

    what: str
    truth: str
    n: int
    method: str
    runs: int
    coverage: float
    points: float
    length: float

    def __str__(self) -> str:
        return (
            f"| {self.what} | {self.truth} | {self.n} | {self.method} | {self.runs} | {self.coverage:.3f} | "
            f"{self.points:.2f} | {self.length:.3f} |"
        )


def drawn(areas: Sequence[float], n: int, correlation: float, generator: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Scores (len(areas), 2 n) of these true AUCs, equally correlated, and which subjects are patients."""
    positive = np.arange(2 * n) % 2 == 0
    shared = np.sqrt(correlation) * generator.standard_normal(2 * n)
    own = np.sqrt(1 - correlation) * generator.standard_normal((len(areas), 2 * n))
    return shared + own + np.sqrt(2) * ndtri(areas)[:, None] * positive, positive


def judged(interval: Interval, truth: float, perfect: bool) -> Held:
    held = bool(interval.low - 1e-12 <= truth <= interval.high + 1e-12)
    return Held(held, interval.high - interval.low < 1e-9, interval.high - interval.low, perfect)


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
        perfect = found.estimate == 1
        yield "bootstrap", judged(percentiles(scores[0], positive, generator), area, perfect)
        yield "new", judged(found.interval(LEVEL), area, perfect)


def differences(pair: tuple[float, float], n: int, correlation: float, runs: int) -> Iterator[tuple[str, Held]]:
    generator = seeds.generator(16, "difference", *pair, n, correlation)
    truth = pair[0] - pair[1]
    for _ in range(runs):
        scores, positive = drawn(pair, n, correlation, generator)
        first, second = (pair_auc(own, inside_folds(positive, np.zeros(2 * n))) for own in scores)
        perfect = first.estimate == second.estimate == 1
        yield "DeLong", judged(delong(first, second), truth, perfect)
        yield "new", judged(auc_difference(first, second, LEVEL).interval, truth, perfect)


def rows_of(what: str, truth: str, n: int, found: Sequence[tuple[str, Held]]) -> Iterator[Row]:
    for method in dict.fromkeys(name for name, _ in found):
        own = [held for name, held in found if name == method]
        for words, part in ((truth, own), (f"{truth}, all AUCs 1", [held for held in own if held.perfect])):
            if part:
                coverage, points, length = np.mean([(h.held, h.point, h.length) for h in part], axis=0)
                yield Row(what, words, n, method, len(part), coverage, points, length)


def measured(runs: int) -> Iterator[Row]:
    for area, n in product(AREAS, SIZES):
        yield from rows_of("AUC", f"{area:g}", n, list(singles(area, n, runs)))
    for pair, n, correlation in product(PAIRS, SIZES, (0.3, 0.8)):
        words = f"{pair[0]:g} - {pair[1]:g}, correlation {correlation:g}"
        yield from rows_of("difference", words, n, list(differences(pair, n, correlation, runs)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=1000)
    runs = parser.parse_args().runs
    print("| what | truth | n per class | method | runs | coverage | points | mean length |")
    print("|---|---|---|---|---|---|---|---|")
    for row in measured(runs):
        print(row, flush=True)


if __name__ == "__main__":
    main()
