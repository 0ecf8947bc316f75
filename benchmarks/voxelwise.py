"""U8's tests: time against nilearn in one run, size, what goes wrong without both precautions, and power."""

from __future__ import annotations

import os
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
from nilearn.maskers import NiftiMasker
from nilearn.mass_univariate import permuted_ols
from scipy.ndimage import gaussian_filter

from biasaudit.stats.map_columns import equal_gain
from biasaudit.stats.permutation import p_value, permutation_indices
from biasaudit.stats.strata import centre_within
from biasaudit.stats.tfce import enhanced, enhanced_peaks, neighbours
from biasaudit.stats.voxelwise import MapDifference, Places, map_difference_test, map_statistics

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))
from calibration.simulation import class_maps, origin_maps

RUNS = int(os.environ.get("BIASAUDIT_RUNS", "400"))
PERMUTATIONS = int(os.environ.get("BIASAUDIT_PERMUTATIONS", "99"))
TFCE_PERMUTATIONS = int(os.environ.get("BIASAUDIT_TFCE_PERMUTATIONS", "200"))
REPEATS = 5
SUBJECTS, GRID = 60, (40, 40, 25)
SHAPE = (8, 8, 8)
REGIONS = 1 + (np.indices(SHAPE) // 4 * np.array([1, 2, 4])[:, None, None, None]).sum(axis=0).ravel()
PLACES = Places(neighbours(np.ones(SHAPE, dtype=bool)), REGIONS)
FAMILIES = ("voxels", "regions", "tfce")


def study(scratch: Path) -> str:
    head = (
        "## Voxelwise maps\n\nCommand: `python benchmarks/run.py voxelwise`, one thread. Generators: "
        "`tests/calibration/simulation.py`.\n"
    )
    return "\n".join([head, _times(), _convention(), _sizes(), _power()])


def _times() -> str:
    rows = [
        "| test | maps | permutations | nilearn, s | ours, s | ratio | largest difference of p | significant: nilearn, "
        "ours, both |\n|---|---|---|---|---|---|---|---|"
    ]
    for kind in ("rough", "smooth"):
        maps, groups = _timed_maps(kind)
        rows.append(_row("max-T", kind, (maps, groups), (1000, REPEATS)))
    for kind in ("rough", "smooth"):
        rows.append(_row("TFCE", kind, _timed_maps(kind), (TFCE_PERMUTATIONS, 1)))
    head = f"{SUBJECTS} maps of {int(np.prod(GRID))} voxels, two groups, a planted focus; medians of {REPEATS} runs of "
    return "\n".join([
        f"{head}max-T, one of TFCE.\n", *rows,
        "\nnilearn sums cluster enhancement at 100 heights up to each map's own maximum, without their distance; ours "
        "is the exact integral, so the two statistics differ by the maximum of each permutation.\n",
    ])  # fmt: skip


def _timed_maps(kind: str, grid: tuple[int, ...] = GRID) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(400)
    maps = generator.standard_normal((SUBJECTS, *grid))
    if kind == "smooth":
        maps = gaussian_filter(maps, (0, 1.5, 1.5, 1.5))
        maps /= maps.std()
    groups = np.repeat([0, 1], SUBJECTS // 2)
    maps[groups == 1, 10:16, 10:16, 10:16] += 0.9
    return maps.reshape(SUBJECTS, -1).astype(np.float32), groups


def _row(test: str, kind: str, data: tuple[np.ndarray, np.ndarray], how: tuple[int, int]) -> str:
    maps, groups = data
    count, repeats = how
    places = Places(neighbours(np.ones(GRID, dtype=bool))) if test == "TFCE" else None
    theirs = _seconds(lambda: _nilearn(maps, groups, (count, GRID), clusters=test == "TFCE"), repeats)
    ours = _seconds(
        lambda: map_difference_test(maps, groups, np.zeros(SUBJECTS), count, np.random.default_rng(1), places), repeats
    )
    first = 10.0 ** -theirs[1]["logp_max_tfce" if test == "TFCE" else "logp_max_t"][0]
    second = ours[1].families["tfce" if test == "TFCE" else "voxels"].p_value
    found = ((first <= 0.05).sum(), (second <= 0.05).sum(), ((first <= 0.05) & (second <= 0.05)).sum())
    return (
        f"| {test} | {kind} | {count} | {theirs[0]:.2f} | {ours[0]:.2f} | {theirs[0] / ours[0]:.1f} | "
        f"{np.abs(first - second).max():.3f} | {found[0]}, {found[1]}, {found[2]} |"
    )


def _nilearn(
    maps: np.ndarray, groups: np.ndarray, how: tuple[int, tuple[int, ...]], *, clusters: bool
) -> dict[str, np.ndarray]:
    masker, (count, grid) = None, how
    if clusters:
        masker = NiftiMasker(nibabel.Nifti1Image(np.ones(grid, dtype=np.uint8), np.eye(4)))
        masker.fit()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return permuted_ols(
            groups[:, None].astype(float), maps, n_perm=count, random_state=1, masker=masker, tfce=clusters, verbose=0
        )  # fmt: skip


def _convention() -> str:
    """Hold our integral against nilearn's sums once both are scaled alike."""
    grid, count = (20, 20, 20), 200
    maps, groups = _timed_maps("rough", grid)
    theirs = _nilearn(maps, groups, (count, grid), clusters=True)
    first, touching = 10.0 ** -theirs["logp_max_tfce"][0], neighbours(np.ones(grid, dtype=bool))
    generator, statistics = np.random.default_rng(2), []
    for arrangement in [groups, *(generator.permutation(groups) for _ in range(count))]:
        statistics.append(map_statistics(maps, arrangement, np.zeros(SUBJECTS)))
    null = np.array([enhanced_peaks(row[None], touching)[0] / np.abs(row).max() for row in statistics[1:]])
    ours = enhanced(statistics[0], touching)
    own = np.abs(ours) / np.abs(statistics[0]).max()
    second = (1 + (null >= own[:, None] * (1 - 1e-9)).sum(axis=1)) / (1 + count)
    correlation = float(np.corrcoef(ours, theirs["tfce"][0])[0, 1])
    return (
        f"On {'x'.join(map(str, grid))} voxels the two maps of enhancement correlate at {correlation:.5f}; with each "
        f"arrangement divided by its maximum, as nilearn's are, p-values of {count} permutations differ by up to "
        f"{np.abs(first - second).max():.3f} (standard error of a difference at p = .5: {np.sqrt(0.5 / count):.3f}), "
        f"{(first <= 0.05).sum()} against {(second <= 0.05).sum()} significant voxels.\n"
    )


def _seconds(work: Callable[[], object], repeats: int) -> tuple[float, object]:
    """Median time, after one run that nobody counts where there are several."""
    times, result = [], work() if repeats > 1 else None
    for _ in range(repeats):
        start = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - start)
    return float(np.median(times)), result


def _sizes() -> str:
    generator, inside, between = np.random.default_rng(401), [], []
    for _ in range(RUNS):
        maps, origin, fold = origin_maps(40, SHAPE, 0.0, generator)
        inside.append(_tested(equal_gain(maps, fold, fold), origin, fold, generator))
        maps, label, origin = class_maps(60, SHAPE, generator)
        between.append([*_tested(maps, label, origin, generator), *_naive(maps, label, origin, generator)])
    names = [*FAMILIES, "all three"]
    without = [
        "permuted freely, origin ignored",
        "permuted freely, origin regressed out",
        "permuted inside, origin ignored",
    ]
    rows = [
        f"| origins inside a class (U8a) | {name} | {_rate(p)} |"
        for name, p in zip(names, zip(*inside, strict=True), strict=True)
    ]
    rows += [
        f"| classes, unequally spread over origins (U8b) | {name} | {_rate(p)} |"
        for name, p in zip([*names, *without], zip(*between, strict=True), strict=True)
    ]
    return "\n".join([
        f"Size at .05 on smooth maps ({'x'.join(map(str, SHAPE))}, {PERMUTATIONS} permutations, {RUNS} simulations; "
        "after ±: 2 standard errors). The last three rows leave a precaution out (voxels).\n",
        "| comparison | test | rejected |\n|---|---|---|", *rows, "",
    ])  # fmt: skip


def _tested(maps: np.ndarray, groups: np.ndarray, blocks: np.ndarray, generator: np.random.Generator) -> list[float]:
    return _p_values(map_difference_test(maps, groups, blocks, PERMUTATIONS, generator, PLACES))


def _p_values(result: MapDifference) -> list[float]:
    return [*(float(result.families[name].p_value.min()) for name in FAMILIES), result.p_value]


def _naive(maps: np.ndarray, label: np.ndarray, origin: np.ndarray, generator: np.random.Generator) -> list[float]:
    """Largest |t| without one of the two precautions or both."""
    everybody = np.zeros_like(origin)
    return [
        _largest_t(maps, label, covariate, permuted, generator)
        for covariate, permuted in ((everybody, everybody), (origin, everybody), (everybody, origin))
    ]


def _largest_t(
    maps: np.ndarray, label: np.ndarray, covariate: np.ndarray, permuted: np.ndarray, generator: np.random.Generator
) -> float:
    columns = centre_within(maps, covariate)
    columns /= np.sqrt((columns**2).sum(axis=0))
    arrangements = [label, *label[permutation_indices(permuted, PERMUTATIONS, generator)]]
    rows = centre_within(np.array(arrangements, dtype=float).T, covariate).T
    rows /= np.sqrt((rows**2).sum(axis=1, keepdims=True))
    peaks = np.abs(rows @ columns).max(axis=1)
    return p_value(float(peaks[0]), peaks[1:])


def _power() -> str:
    rows = []
    for focus in (1.0, 1.5, 2.0):
        generator, found, unscaled = np.random.default_rng(402), [], []
        for _ in range(RUNS // 4):
            maps, origin, fold = origin_maps(40, SHAPE, focus, generator)
            found.append(_tested(equal_gain(maps, fold, fold), origin, fold, generator))
            unscaled.append(map_difference_test(maps, origin, fold, PERMUTATIONS, generator).p_value)
        rates = " | ".join(_rate(p) for p in (*zip(*found, strict=True), unscaled))
        rows.append(f"| {focus} | {rates} |")
    return "\n".join([
        f"Power against a focus of 2x2x2 of {'x'.join(map(str, SHAPE))} voxels in one of two origins, three "
        f"folds whose networks answer with gains 1, 2 and .5 ({RUNS // 4} runs).\n",
        "| difference, SD | voxels | regions | TFCE | all three | voxels, gains left as they are |",
        "|---|---|---|---|---|---|",
        *rows, "",
    ])  # fmt: skip


def _rate(p_values: tuple[float, ...] | list[float]) -> str:
    share = float(np.mean(np.asarray(p_values) <= 0.05))
    return f"{share:.3f} ± {2 * np.sqrt(max(share * (1 - share), 1e-9) / len(p_values)):.3f}"
