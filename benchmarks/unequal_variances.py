"""U1 where origins differ in spread but not in mean: size of the plain and the studentised test, and what it costs."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from biasaudit.stats.conditional import covariate_adjusted_test, smooth_columns
from biasaudit.stats.fold_scales import fold_columns, standardised_logits
from biasaudit.stats.rank_tests import origin_dependence_test
from biasaudit.stats.strata import HeldFixed

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from calibration.simulation import fold_deal

RUNS = int(os.environ.get("BIASAUDIT_RUNS", "1000"))
ALPHA, PERMUTATIONS = 0.05, 99


@dataclass(frozen=True)
class Case:
    """One kind of cohort.

    `largest` is the size of the last origin relative to the first, `ratio` that of their spreads. `share` is the share
    of the patients from the second half of the origins, None for one class alone; `shift` is what the first origin and
    the last differ by, or with `share` the two halves.
    """

    n: int
    origins: int
    ratio: float = 1.0
    largest: float = 1.0
    scores: str = "normal"
    share: float | None = None
    shift: float = 0.0


DRAWS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "normal": lambda chance, n: chance.standard_normal(n),
    "heavy tails (t, 3)": lambda chance, n: chance.standard_t(3, n),
    "uniform": lambda chance, n: chance.uniform(-1.7, 1.7, n),
    "three values": lambda chance, n: chance.standard_normal(n),
}


def study(scratch: Path) -> str:
    head = (
        "## Unequal spread of the origins\n\n"
        f"Command: `python benchmarks/run.py unequal_variances`. {RUNS} simulations for each figure, "
        f"{PERMUTATIONS} permutations, alpha .05; 2 standard errors of a rate of .05 are "
        f"{2 * np.sqrt(0.05 * 0.95 / RUNS):.3f}. Plain: origins permuted, the statistic as it was before it was "
        "studentised. Studentised: U1 as it is. In folds: five folds with networks of their own, a covariate held "
        "fixed. SD: that of the first origin to that of the last, those between evenly spaced; sizes likewise.\n"
    )
    size = [
        "### Size: origins of equal mean\n",
        "| scores | n | origins | SD | sizes | plain | studentised | in folds |",
        "|---|---|---|---|---|---|---|---|",
        *(_size_row(case, number) for number, case in enumerate(_null_cases())),
    ]
    power = [
        "\n### Power where the spread is equal\n",
        "With a share: two classes, this share of the patients (and of the healthy the rest) from the second half "
        "of the origins; the shift is between the halves.\n",
        "| n | origins | sizes | share | shift | plain | studentised | ratio |",
        "|---|---|---|---|---|---|---|---|",
        *(_power_row(case, number) for number, case in enumerate(_shifted_cases())),
    ]
    return "\n".join([head, *size, *power]) + "\n"


def _null_cases() -> Iterator[Case]:
    for n, origins in product((40, 100, 300), (2, 4, 6)):
        for ratio, largest in ((1, 5), (4, 1), (4, 5), (1 / 2, 5), (1 / 4, 5)):
            yield Case(n, origins, ratio, largest)
    for scores, origins in product(list(DRAWS)[1:], (2, 4)):
        yield Case(100, origins, 1 / 4, 5, scores)
    for n, origins in product((100, 300), (2, 4)):
        yield Case(n, origins, 3, 1, share=0.8)


def _shifted_cases() -> Iterator[Case]:
    one = {(40, 2): 0.9, (40, 4): 1.3, (100, 2): 0.56, (100, 4): 0.8, (100, 12): 1.1, (300, 2): 0.32, (300, 12): 0.6}
    for (n, origins), shift in one.items():
        for largest in (1, 5):
            yield Case(n, origins, 1, largest, shift=shift)
    for n, origins, shift in ((100, 2, 0.8), (100, 4, 0.8), (300, 2, 0.45), (300, 4, 0.45)):
        yield Case(n, origins, share=0.8, shift=shift)


def cohort(case: Case, chance: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Scores, labels and origins of one cohort."""
    label = np.arange(case.n) % 2 if case.share is not None else np.zeros(case.n, dtype=int)
    if case.share is None:
        sizes = np.linspace(1, case.largest, case.origins)
        edges = np.round(np.cumsum(sizes) / sizes.sum() * case.n)
        origin = np.searchsorted(edges, np.arange(case.n), side="right")
        place = origin / (case.origins - 1)
    else:
        half = case.origins // 2
        side = np.where(chance.random(case.n) < case.share, label, 1 - label)
        origin, place = side * half + chance.integers(0, half, case.n), side
    spread = np.linspace(1, case.ratio, case.origins)[origin]
    scores = spread * DRAWS[case.scores](chance, case.n) + case.shift * place
    return (np.round(scores).clip(-1, 1) if case.scores == "three values" else scores), label, origin


def _plain(scores, label, origin, chance) -> float:
    return origin_dependence_test(scores, origin, label, PERMUTATIONS, chance).p_value


def _studentised(scores, label, origin, chance) -> float:
    nothing = np.empty((label.size, 0))
    return covariate_adjusted_test(scores, origin, HeldFixed(label, nothing), PERMUTATIONS, chance).p_value


def _in_folds(scores, label, origin, chance) -> float:
    folds = fold_deal(label, origin, 5, chance)
    own = np.exp(0.2 * chance.standard_normal(5))[folds] * scores + chance.standard_normal(5)[folds]
    columns = [fold_columns(label, folds), smooth_columns(chance.standard_normal(label.size), label)]
    held = HeldFixed(label, np.column_stack(columns))
    return covariate_adjusted_test(standardised_logits(own, label, folds), origin, held, PERMUTATIONS, chance).p_value


def rates(case: Case, seed: int, tests: tuple[Callable[..., float], ...], runs: int = RUNS) -> list[float]:
    """Share of the cohorts in which each test has p <= alpha."""
    chance = np.random.default_rng([8, seed])
    found = [[test(*drawn, chance) <= ALPHA for test in tests] for drawn in (cohort(case, chance) for _ in range(runs))]
    return list(np.mean(found, axis=0))


def _size_row(case: Case, seed: int) -> str:
    whole = case.n == 100 or case.share is not None
    found = rates(case, seed, (_plain, _studentised, *((_in_folds,) if whole else ())))
    kind = case.scores if case.share is None else f"{case.scores}, two classes"
    shown = [f"{rate:.3f}" for rate in found] + ([] if whole else ["-"])
    return f"| {kind} | {case.n} | {case.origins} | {_ratio(case.ratio)} | {_sizes(case)} | {' | '.join(shown)} |"


def _power_row(case: Case, seed: int) -> str:
    plain, own = rates(case, 1000 + seed, (_plain, _studentised))
    share = "-" if case.share is None else f"{case.share:g}"
    return (
        f"| {case.n} | {case.origins} | {_sizes(case)} | {share} | {case.shift:g} "
        f"| {plain:.3f} | {own:.3f} | {own / plain:.2f} |"
    )


def _sizes(case: Case) -> str:
    return "by the class" if case.share is not None else f"1:{case.largest:g}"


def _ratio(ratio: float) -> str:
    return f"1:{ratio:g}" if ratio >= 1 else f"{1 / ratio:g}:1"
