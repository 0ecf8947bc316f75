"""Do intervals of reliance cover networks of other seeds? Every cohort is trained with five seeds.

    python benchmarks/run.py retrained

trains small networks on drawn features, and where the images are at hand (SHARED_DATA) the built-in network on pictures
with planted disease and signature. What a folder named by RETRAINED holds already is not trained again.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from real_pictures import at_hand
from retrained_cohorts import NETWORKS, Retrained, made, specs
from retrained_features import drawn, drawn_specs

from biasaudit.calibration.rates import rate
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence
from biasaudit.registry import get
from biasaudit.stats.truth import Truth, bootstrap_truth, true_reliance

FEATURES = int(os.environ.get("BIASAUDIT_RUNS", "30"))
PICTURES = int(os.environ.get("BIASAUDIT_PICTURES", "6"))
"""Cohorts of each group and design."""
LEVEL_Z = 1.645
PROTOCOL = Protocol.model_validate(
    {"cohort": {"reader": "phantom"}, "statistics": {"n_permutations": 99, "n_bootstraps": 499}}
)
__all__ = ["study"]


def study(scratch: Path) -> str:
    started = time.time()
    folder = Path(os.environ.get("RETRAINED", scratch))
    cohorts = [drawn(spec) for spec in drawn_specs(FEATURES)]
    if at_hand():
        cohorts += [made(spec, folder) for spec in specs(PICTURES)]
    return page(cohorts, time.time() - started)


def page(cohorts: Sequence[Retrained], seconds: float) -> str:
    table = pd.DataFrame([row for cohort in cohorts for row in _rows(cohort)])
    return (
        "## Networks of other seeds\n\n"
        f"Command: `python benchmarks/run.py retrained` ({seconds:.0f} s). Each cohort is trained with {NETWORKS} "
        "seeds; an audit has one or two of them, and the 90 % interval of U1 (crossed) or P1 (aliased, 20 probes) is "
        "held against the truth of its own networks, the mean over the other seeds, and another seed alone: R\\* "
        "crossed, Omega\\* aliased, whose own standard error widens the interval. *plain*: of the subjects alone; "
        "*with seeds*: `target.seeds: 2`. Only cohorts whose truth is from .03 to .97, since 0 and 1 are covered by "
        "being clipped. Means over cohorts, every choice of seeds counted alike; in brackets the 95 % interval by "
        "the number of cohorts.\n\n"
        "| networks | check | group | cohorts | SD between seeds of the truth | of the estimate | by two seeds "
        "| SD by subjects |\n"
        "|---|---|---|---|---|---|---|---|\n"
        + "\n".join(_parts(table))
        + "\n\n| networks | check | group | seeds, interval | own | mean of the others | another one | width | flagged "
        "(> .1) | bound above the mean |\n|---|---|---|---|---|---|---|---|---|---|\n"
        + "\n".join(_covered(table))
        + "\n\nOf cohorts whose truth is at most .03, the interval by itself:\n\n"
        "| networks | check | seeds, interval | cohorts | flagged (> .1) | excludes .25 |\n|---|---|---|---|---|---|\n"
        + "\n".join(_clean(table))
        + "\n"
    )


def _rows(cohort: Retrained) -> Iterator[dict[str, Any]]:
    truths = [true_reliance(cohort.margins[..., seed], *cohort.shares) for seed in range(NETWORKS)]
    code = "P1" if cohort.probes.size else "U1"
    true = np.array([_of(truth, code) for truth in truths])
    error = _truth_error(cohort, code)
    about = {
        "name": cohort.spec.name, "group": cohort.spec.group, "code": code, "mean": true.mean(),
        "networks": "small, features" if "-features-" in cohort.spec.name else "built-in, pictures",
        "true sd": true.std(ddof=1),
    }  # fmt: skip
    for chosen in [(seed,) for seed in range(NETWORKS)] + list(combinations(range(NETWORKS), 2)):
        evidence = cohort.with_seeds(*chosen)
        for how in ("plain", "with seeds") if len(chosen) > 1 else ("plain",):
            asked = evidence if how != "plain" else _without_seeds(evidence)
            found = get("check", code)().judge(asked, PROTOCOL)[0]
            share = None if found.flag is None else found.flag.reliance
            if share is None or share.estimate is None:
                continue
            low, high = _reach(share.estimate, share.low, share.high, error)
            others = np.delete(true, chosen)
            yield about | {
                "seeds": len(chosen), "how": how, "estimate": share.estimate, "seed sd": found.details.get("seed_sd"),
                "subjects": (share.high - share.low) / 2 / LEVEL_Z,
                "own": np.mean([low <= true[seed] <= high for seed in chosen]),
                "other mean": low <= others.mean() <= high, "another": np.mean((low <= others) & (others <= high)),
                "width": np.clip(share.high, 0, 1) - np.clip(share.low, 0, 1), "flagged": share.low > 0.1,
                "clear": share.high < 0.25,
                "above": share.low - LEVEL_Z * error > others.mean(),
            }  # fmt: skip


def _of(truth: Truth, code: str) -> float:
    return truth.sensitivity if code == "U1" else truth.origin_share


def _truth_error(cohort: Retrained, code: str) -> float:
    """Standard error of the truth, which is known from the cohort's own anatomies, by the first network."""
    errors = bootstrap_truth(cohort.margins[..., 0], *cohort.shares, 100, np.random.default_rng(1))
    return float(np.nan_to_num(errors[0 if code == "U1" else 1]))


def _without_seeds(evidence: ArmEvidence) -> ArmEvidence:
    return replace(evidence, logit_by_seed=None)


def _reach(estimate: float, low: float, high: float, error: float) -> tuple[float, float]:
    """The interval, widened by the standard error of the truth."""
    wide = LEVEL_Z * error
    return estimate - np.hypot(estimate - low, wide), estimate + np.hypot(high - estimate, wide)


def _groups(table: pd.DataFrame) -> Iterator[tuple[tuple[str, ...], pd.DataFrame]]:
    between = table[(table["mean"] > 0.03) & (table["mean"] < 0.97)]
    for _, own in between.groupby(["networks", "code"]):
        yield from own.groupby(["networks", "code", "group"])
        yield from own.assign(group="all").groupby(["networks", "code", "group"])


def _parts(table: pd.DataFrame) -> Iterator[str]:
    """How large the variance between seeds is beside that of the subjects: roots of mean squares over cohorts."""
    for key, own in _groups(table):
        one = own[own.seeds == 1]
        per = one.groupby("name").agg({"true sd": "first", "estimate": "std", "subjects": "mean"})
        two = own[own.how == "with seeds"].groupby("name")["seed sd"].apply(lambda sd: np.sqrt(2 * np.mean(sd**2)))
        numbers = [_root(per["true sd"]), _root(per["estimate"]), _root(two), _root(per["subjects"])]
        yield f"| {' | '.join(key)} | {len(per)} | {' | '.join(f'{number:.3f}' for number in numbers)} |"


def _root(values: pd.Series) -> float:
    return float(np.sqrt(np.mean(values**2)))


def _covered(table: pd.DataFrame) -> Iterator[str]:
    for key, own in _groups(table):
        for (count, how), part in own.groupby(["seeds", "how"]):
            per = part.groupby("name")[["own", "other mean", "another", "width", "flagged", "above"]].mean()
            shown = [_rate(per[name]) for name in ("own", "other mean", "another")]
            rest = [f"{per[name].mean():.3f}" for name in ("width", "flagged", "above")]
            yield f"| {' | '.join(key)} | {count}, {how} | {' | '.join([*shown, *rest])} |"


def _clean(table: pd.DataFrame) -> Iterator[str]:
    """What the wider interval costs where nothing is owed to the origin."""
    for key, own in table[table["mean"] <= 0.03].groupby(["networks", "code", "seeds", "how"]):
        per = own.groupby("name")[["flagged", "clear"]].mean()
        shown = f"{len(per)} | {per.flagged.mean():.2f} | {_rate(per.clear)}"
        yield f"| {key[0]} | {key[1]} | {key[2]}, {key[3]} | {shown} |"


def _rate(shares: pd.Series) -> str:
    _, low, high = rate(round(float(shares.sum())), len(shares))
    return f"{shares.mean():.2f} [{low:.2f}, {high:.2f}]"
