"""Evidence of which the truth is planted: logit = pathology part + origin part + noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from biasaudit.checks.identifiability import regime
from biasaudit.protocol import Protocol
from biasaudit.records import ArmEvidence, Maps, OriginControl

Factory = Callable[..., ArmEvidence]


@pytest.fixture(scope="session")
def protocol() -> Protocol:
    return Protocol.model_validate(
        {"cohort": {"reader": "phantom"}, "statistics": {"n_permutations": 199, "n_bootstraps": 199}}
    )


@pytest.fixture(scope="session")
def planted() -> Factory:
    return plant


def plant(
    n: int = 120,
    design: str = "crossed",
    pathology: float = 2.4,
    signature: float = 0.0,
    masks: bool = False,
    seed: int = 1,
    **changes: Any,
) -> ArmEvidence:
    """`signature` and `pathology` are differences of mean logit, in units of the noise inside a cell."""
    generator = np.random.default_rng(seed)
    positive = np.arange(n) % 2 == 1
    origin = _origins(design, positive)
    foreign = np.isin(origin, ("b", "d"))
    logit = pathology * positive + signature * foreign + generator.normal(size=n)
    logit = logit - logit.mean()
    evidence = ArmEvidence(
        arm="intensity",
        factor="origin",
        regime=regime(positive, origin),
        classes=("healthy", "ms"),
        subject=np.array([f"s{i:04d}" for i in range(n)]),
        positive=positive,
        origin=origin,
        fold=np.arange(n) // 4 % 5,
        severity=np.where(positive & masks, generator.lognormal(size=n), np.nan),
        covariates={},
        masks_given=masks,
        mask_is_complete=False,
        seed=7,
        logit=logit,
        logit_erased=logit - pathology * positive if masks else None,
    )
    return replace(evidence, **changes)


def _origins(design: str, positive: np.ndarray) -> np.ndarray:
    order = np.arange(positive.size) // 2 % 2
    tables = {
        "crossed": np.where(order, "b", "a"),
        "nested": np.where(positive, np.where(order, "d", "c"), np.where(order, "b", "a")),
        "aliased": np.where(positive, "b", "a"),
        "single": np.full(positive.size, "a"),
    }
    return tables[design]


@pytest.fixture(scope="session")
def furnished() -> Factory:
    """Evidence with every part that a check may look at."""
    return furnish


def furnish(evidence: ArmEvidence, strength: float = 1.0) -> ArmEvidence:
    generator = np.random.default_rng(5)
    n = evidence.positive.size
    controls = {}
    for name, positive in zip(evidence.classes, (False, True), strict=True):
        rows = np.flatnonzero(evidence.positive == positive)
        names = tuple(sorted(set(evidence.origin[rows].tolist())))
        if len(names) > 1:
            scores = strength * 2 * (evidence.origin[rows][:, None] == np.array(names))
            controls[name] = OriginControl(rows, names, scores + generator.normal(size=(rows.size, len(names))))
    shift = strength * np.isin(evidence.origin, ("b", "d"))[:, None]
    return replace(
        evidence,
        features={"block1": generator.normal(size=(n, 6)) + shift, "block2": generator.normal(size=(n, 4))},
        origin_controls=controls,
        reduced={"erased": generator.normal(size=n), "silhouette": generator.normal(size=n)},
        reduced_skipped={"background": "nothing lies outside the brain"},
        maps=_maps(evidence, generator, strength),
    )


def _maps(evidence: ArmEvidence, generator: np.random.Generator, strength: float) -> Maps:
    rows = np.arange(min(40, evidence.positive.size))
    voxels = 200
    mask = np.zeros((rows.size, voxels), dtype=bool)
    for position, row in enumerate(rows):
        if evidence.positive[row]:
            mask[position, generator.choice(180, 10, replace=False)] = True
    foreground = np.zeros_like(mask)
    foreground[:, :180] = True
    target = generator.normal(size=mask.shape)
    origin = strength * target + generator.normal(size=mask.shape)
    return Maps(rows, target + 4 * strength * mask, origin, mask, foreground, np.zeros(rows.size))
