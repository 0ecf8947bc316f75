"""U1 against mlconfound, U3 against hyppo's MMD: size, power and time of the statistics, in one run.

The peers are no dependencies (mlconfound is under the GPL and is only ever called here). Install them beside the
audit with

    pip install mlconfound hyppo

Without them their rows say so.
"""

from __future__ import annotations

import importlib
import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
from scipy.stats import t as student

from biasaudit.stats.conditional import covariate_adjusted_test, smooth_columns
from biasaudit.stats.feature_tests import feature_difference_test
from biasaudit.stats.fold_scales import fold_columns, standardised_logits
from biasaudit.stats.rank_tests import origin_dependence_test
from biasaudit.stats.strata import HeldFixed

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from calibration.simulation import covariate_cohort, feature_cohort, fold_deal, score_cohort

RUNS = int(os.environ.get("BIASAUDIT_RUNS", "2000"))
PEER_RUNS = int(os.environ.get("BIASAUDIT_PEER_RUNS", "40"))
ALPHA = 0.05
KINDS = ("none", "dense", "sparse", "scale", "covariance")
SHAPES = ("linear", "quadratic", "saturating", "irrelevant")

Draw = Callable[[np.random.Generator], float]


def study(scratch: Path) -> str:
    mlconfound, hyppo = _peer("mlconfound.stats"), _peer("hyppo.ksample")
    sections = [_scores(mlconfound), _covariates(), _features(), _times(mlconfound, hyppo)]
    head = (
        "## Statistics\n\nCommand: `python benchmarks/run.py statistics`, after `pip install mlconfound hyppo` for the "
        f"peers' rows. {RUNS} simulations for each figure of ours, {PEER_RUNS} for the peers' (slow); alpha .05. "
        "After ±: 2 standard errors. Generators: `tests/calibration/simulation.py`.\n"
    )
    return "\n".join([head, *sections])


def _peer(name: str) -> ModuleType | None:
    """Import a peer, or say that its rows are left out."""
    try:
        return importlib.import_module(name)
    except ImportError as fault:
        print(f"skipping {name}: {fault}; `pip install {name.split('.')[0]}` to compare", flush=True)
        return None


def _rate(draw: Draw, runs: int, *seed: int) -> str:
    generator = np.random.default_rng(seed)
    rate = float(np.mean([draw(generator) <= ALPHA for _ in range(runs)]))
    return f"{rate:.3f} ±{2 * np.sqrt(rate * (1 - rate) / runs):.3f}"


def _scores(mlconfound: ModuleType | None) -> str:
    """Size and power of U1 on one network and on folds, beside the t test and the peer."""
    cases = [(n, bias, association) for n in (100, 200) for bias, association in ((0, 0), (0, 0.5), (0.25, 0))]
    lines = [
        "### U1: scores given the label\n",
        "Origin and class associated as given; 999 permutations, for mlconfound's partial test 200 of 50 steps. Five "
        "folds are dealt over class and origin and held fixed, as the audit does.\n",
        "| n | bias | association | U1 | U1, saturated scores | U1, 5 folds | t test | mlconfound |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for number, (n, bias, association) in enumerate(cases):
        ours = [
            _rate(lambda g, s=s, n=n, b=bias, a=association: _plain(*score_cohort(n, b, a, g, s), g), RUNS, 1, number)
            for s in (False, True)
        ]
        folds = _rate(lambda g, n=n, b=bias, a=association: _folds(*score_cohort(n, b, a, g), g), RUNS, 1, number)
        t_test = _rate(lambda g, n=n, b=bias, a=association: _t_test(*score_cohort(n, b, a, g)), RUNS, 1, number)
        peer = "-" if mlconfound else "not installed"
        if mlconfound and not association:
            peer = _rate(
                lambda g, n=n, b=bias, a=association: _mlconfound(mlconfound, *score_cohort(n, b, a, g), 200),
                PEER_RUNS,
                1,
                number,
            )
        lines.append(f"| {n} | {bias} | {association} | {ours[0]} | {ours[1]} | {folds} | {t_test} | {peer} |")
    return "\n".join(lines) + "\n"


def _plain(scores, label, origin, generator) -> float:
    return origin_dependence_test(scores, origin, label, 999, generator).p_value


def _folds(scores, label, origin, generator) -> float:
    """U1 as the audit asks it: five folds dealt over class and origin, standardised and held fixed."""
    folds = fold_deal(label, origin, 5, generator)
    standardised, columns = standardised_logits(scores, label == 1, folds), fold_columns(label == 1, folds)
    return covariate_adjusted_test(standardised, origin, HeldFixed(label, columns), 999, generator).p_value


def _t_test(scores, label, origin) -> float:
    """Two-sided p of the origin in a linear model with the label: the best test there is for these scores."""
    design = np.column_stack([np.ones(label.size), label, origin])
    inverse = np.linalg.pinv(design.T @ design)
    slopes = inverse @ design.T @ scores
    freedom = label.size - 3
    variance = ((scores - design @ slopes) ** 2).sum() / freedom * inverse[2, 2]
    return float(2 * student.sf(abs(slopes[2]) / np.sqrt(variance), freedom))


def _mlconfound(module, scores, label, origin, n_permutations) -> float:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = module.partial_confound_test(
            label,
            scores,
            origin,
            num_perms=n_permutations,
            cat_y=True,
            cat_c=True,
            progress=False,
            n_jobs=1,
            random_state=1,
        )
    return float(result.p)


def _covariates() -> str:
    lines = [
        "### U1: a continuous covariate that differs between origins by 1 SD and drives the score\n",
        "199 permutations. Irrelevant: it differs between origins and drives nothing. Power: the origin shifts the "
        "score by half a standard deviation, beside a covariate that drives nothing and does not differ.\n",
        "| n | covariate | U1, held fixed | U1, not held fixed |",
        "|---|---|---|---|",
    ]
    for n in (100, 200):
        for number, shape in enumerate(SHAPES):
            adjusted, plain = (
                _rate(lambda g, n=n, s=shape, h=held: _held(*covariate_cohort(n, s, 1, 0, g), g, h), RUNS, 2, n, number)
                for held in (True, False)
            )
            lines.append(f"| {n} | size, {shape} | {adjusted} | {plain} |")
        adjusted, plain = (
            _rate(lambda g, n=n, h=held: _held(*covariate_cohort(n, "irrelevant", 0, 0.5, g), g, h), RUNS, 2, n, 9)
            for held in (True, False)
        )
        lines.append(f"| {n} | power | {adjusted} | {plain} |")
    return "\n".join(lines) + "\n"


def _held(scores, label, origin, covariate, generator, held: bool) -> float:
    columns = smooth_columns(covariate, label) if held else np.empty((label.size, 0))
    return covariate_adjusted_test(scores, origin, HeldFixed(label, columns), 199, generator).p_value


def _features() -> str:
    lines = [
        "### U3: features of one class, n = 100, d = 64, 199 permutations\n",
        "| " + " | ".join(KINDS) + " |",
        "|" + "---|" * len(KINDS),
    ]
    cells = [
        _rate(lambda g, k=kind: _feature(*feature_cohort(k, 100, 64, g), g), RUNS, 3, i) for i, kind in enumerate(KINDS)
    ]
    return "\n".join([*lines, "| " + " | ".join(cells) + " |"]) + "\n"


def _feature(features, origin, generator) -> float:
    return feature_difference_test(features, origin, np.zeros(origin.size), 199, generator).p_value


def _times(mlconfound: ModuleType | None, hyppo: ModuleType | None) -> str:
    lines = [
        "### Time at n = 1 000, one thread\n",
        "| question | whose | permutations | s | ms per permutation | ratio |",
        "|---|---|---|---|---|---|",
    ]
    generator = np.random.default_rng(4)
    scores, label, origin = score_cohort(1000, 0.25, 0, generator)
    own = _seconds(lambda: origin_dependence_test(scores, origin, label, 10_000, generator))
    lines.append(_time_row("U1", "biasaudit", 10_000, own, own / 10_000))
    if mlconfound:
        peer = _seconds(lambda: _mlconfound(mlconfound, scores, label, origin, 200))
        lines.append(_time_row("U1", "mlconfound", 200, peer, own / 10_000))
    features, groups = feature_cohort("dense", 1000, 64, generator)
    own = _seconds(lambda: feature_difference_test(features, groups, np.zeros(1000), 200, generator))
    lines.append(_time_row("U3, four statistics", "biasaudit", 200, own, own / 200))
    if hyppo:
        first, second = features[groups == 0], features[groups == 1]
        _mmd(hyppo, first[:20], second[:20])  # compiles
        peer = _seconds(lambda: _mmd(hyppo, first, second))
        lines.append(_time_row("U3, MMD alone", "hyppo", 20, peer, own / 200))
    return "\n".join(lines) + "\n"


def _mmd(module: ModuleType, first: np.ndarray, second: np.ndarray) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module.MMD().test(first, second, reps=20, workers=1, auto=False)


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _time_row(question: str, whose: str, count: int, seconds: float, reference: float) -> str:
    each = seconds / count
    return f"| {question} | {whose} | {count} | {seconds:.2f} | {1000 * each:.3f} | {each / reference:.1f} |"
