"""Drawn features and small networks of `retrained.py`: all seeds of a fold are trained at once, in seconds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from real_specs import SITES
from retrained_cohorts import NETWORKS, PROBES, Retrained

from biasaudit import seeds
from biasaudit.records import ArmEvidence
from biasaudit.stats.design import regime

COLUMNS, HIDDEN, STEPS, BATCH, RATE = 40, 16, 150, 16, 0.02

Floats = NDArray[np.float64]
Answer = Callable[[Floats], Floats]


@dataclass(frozen=True)
class Drawn:
    """One cohort: `n` subjects, `folds`; the design is crossed, or aliased with probes."""

    name: str
    group: str
    design: str
    n: int
    folds: int


def drawn_specs(each: int) -> list[Drawn]:
    """`each` of every group and design, of 160 subjects in five folds and 100 in three by turns."""
    return [
        Drawn(f"seeds-{group}-features-{design}-{number:03d}", group, design, *((160, 5), (100, 3))[number % 2])
        for number in range(each)
        for group in ("choosing", "judging")
        for design in ("crossed", "aliased")
    ]


def drawn(spec: Drawn) -> Retrained:
    """Draw features with a disease and a site, train, and answer for every subject as of either site, ill or not."""
    chance = seeds.generator(1, spec.name)
    generator = torch.Generator().manual_seed(int(chance.integers(2**31)))
    positive = np.arange(spec.n) % 2 == 1
    share = 0.5 + chance.uniform(0.2, 0.9) / 2 * (2 * positive - 1)
    site = positive.astype(int) if spec.design == "aliased" else (chance.random(spec.n) < share).astype(int)
    loadings = 0.5 * chance.standard_normal((8, COLUMNS))

    def healthy(m: int) -> Floats:
        return chance.standard_normal((m, 8)) @ loadings + 0.7 * chance.standard_normal((m, COLUMNS))

    disease, signature = chance.uniform(0.5, 1.2) * _columns(chance), chance.uniform(0.0, 1.2) * _columns(chance)
    own, probes = healthy(spec.n), healthy(PROBES if spec.design == "aliased" else 0)
    ill = chance.lognormal(0, 0.3, spec.n)[:, None] * disease
    features = own + positive[:, None] * ill + site[:, None] * signature
    centre, spread = features.mean(axis=0), features.std(axis=0)
    fold = _folds(positive * 2 + site, spec.folds, chance)
    margins = np.full((spec.n, 2, 2, NETWORKS), np.nan)
    answered = np.full((len(probes), spec.folds, NETWORKS), np.nan)
    for number in range(spec.folds):
        held = fold == number
        answer = _trained((features[~held] - centre) / spread, positive[~held], generator)
        for sick in (0, 1):
            for place in (0, 1):
                shown = own[held] + sick * ill[held] + place * signature
                margins[held, sick, place] = answer((shown - centre) / spread)
        if len(probes):
            answered[:, number] = answer((probes + signature - centre) / spread)
    names = np.array(SITES)[site]
    spread_over = np.array([[np.mean(site[positive == side] == place) for place in (0, 1)] for side in (False, True)])
    return Retrained(spec, _evidence(spec, positive, names, fold), margins, answered, spread_over, (0.0, 0.0))


def _columns(chance: np.random.Generator) -> Floats:
    """Six columns of either sign."""
    found = np.zeros(COLUMNS)
    found[chance.choice(COLUMNS, 6, replace=False)] = chance.choice([-1, 1], 6)
    return found


def _folds(cells: NDArray[np.int_], count: int, chance: np.random.Generator) -> NDArray[np.intp]:
    """Folds that are stratified by cell."""
    fold = np.empty(cells.size, dtype=np.intp)
    for cell in np.unique(cells):
        members = chance.permutation(np.flatnonzero(cells == cell))
        fold[members] = (np.arange(members.size) + cell) % count
    return fold


def _trained(features: Floats, positive: NDArray[np.bool_], generator: torch.Generator) -> Answer:
    """Train one network with a hidden layer for every seed, side by side."""
    inputs = torch.tensor(features, dtype=torch.float32)
    targets = torch.tensor(positive, dtype=torch.float32)
    first = torch.randn(NETWORKS, COLUMNS, HIDDEN, generator=generator) / COLUMNS**0.5
    second = torch.randn(NETWORKS, HIDDEN, 1, generator=generator) / HIDDEN**0.5
    weights = [first, torch.zeros(NETWORKS, 1, HIDDEN), second, torch.zeros(NETWORKS, 1, 1)]
    weights = [values.requires_grad_() for values in weights]
    optimiser = torch.optim.AdamW(weights, lr=RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=STEPS)
    for _ in range(STEPS):
        rows = torch.randint(0, len(inputs), (NETWORKS, BATCH), generator=generator)
        logits = _logits(weights, inputs[rows])
        each = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets[rows], reduction="none")
        optimiser.zero_grad()
        each.mean(dim=1).sum().backward()
        optimiser.step()
        schedule.step()

    @torch.no_grad()
    def answer(shown: Floats) -> Floats:
        return np.asarray(_logits(weights, torch.tensor(shown, dtype=torch.float32)).T.numpy(), dtype=np.float64)

    return answer


def _logits(weights: list[torch.Tensor], inputs: torch.Tensor) -> torch.Tensor:
    hidden = torch.relu(inputs @ weights[0] + weights[1])
    return (hidden @ weights[2] + weights[3])[..., 0]


def _evidence(
    spec: Drawn, positive: NDArray[np.bool_], origin: NDArray[np.str_], fold: NDArray[np.intp]
) -> ArmEvidence:
    return ArmEvidence(
        arm="features", factor="origin", regime=regime(positive, origin), classes=("healthy", "patient"),
        subject=np.array([f"s{number:04d}" for number in range(spec.n)]), positive=positive, origin=origin,
        fold=fold, severity=np.full(spec.n, np.nan), covariates={}, masks_given=False, mask_is_complete=False,
        seed=1, logit=np.zeros(spec.n),
    )  # fmt: skip
