"""Evidence of which the truth is planted: logit = pathology part + origin part + noise."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from biasaudit.protocol import Protocol
from biasaudit.records import (
    ArmEvidence,
    DoseResponse,
    FrameEdits,
    MapProbes,
    Maps,
    OriginControl,
    Probes,
    SignatureTransfer,
    SpikeIn,
    SpikeTrial,
    Twin,
    UnseenOrigin,
)
from biasaudit.stats.design import regime

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
    layers = np.random.default_rng(11)
    return replace(
        evidence,
        features={"block1": generator.normal(size=(n, 6)) + shift, "block2": generator.normal(size=(n, 4))},
        untrained={"block1": layers.normal(size=(n, 6)) + shift / 3, "block2": layers.normal(size=(n, 4))},
        gradients={"block1": layers.normal(size=(n, 6)) + 1.0, "block2": layers.normal(size=(n, 4))},
        origin_controls=controls,
        reduced={"erased": generator.normal(size=n), "silhouette": generator.normal(size=n)},
        reduced_skipped={"background": "nothing lies outside the brain"},
        maps=_maps(evidence, generator, strength),
        transfer=transfer(evidence, strength),
        probes=of_missing_cell(evidence),
        frames=frames(evidence, strength),
        unseen=unseen(evidence, strength),
        dose=dose(evidence, strength),
        spike=spike(evidence, 2 * strength, 0.0),
        metadata={
            "header: spacing x": np.array(generator.normal(size=n).tolist(), dtype=object),
            "sidecar: Manufacturer": np.array(["GE" if o in "ac" else None for o in evidence.origin], dtype=object),
        },
        quality={"snr": generator.normal(size=n) + shift[:, 0], "fber": np.where(np.arange(n) % 7, 1.0, np.nan)},
        twins=(Twin(0, min(3, n - 1), 0.9, 12.0 * strength), Twin(1, min(2, n - 1), 0.3, 5.0)),
    )


def frames(evidence: ArmEvidence, moved: float, left: tuple[float, float] | None = None, seed: int = 11) -> FrameEdits:
    """Frames of the other class move every margin by `moved`; blank fields leave gaps of that size, or those given."""
    chance, n = np.random.default_rng(seed), evidence.positive.size
    positive, fold = evidence.positive, evidence.fold
    donors = np.full((n, 2, 4), -1, dtype=np.intp)
    for row in range(n):
        for own in (0, 1):
            alike = positive == (positive[row] if own else not positive[row])
            pool = np.flatnonzero(alike & (fold == fold[row]) & (np.arange(n) != row))
            if pool.size:
                donors[row, own] = chance.choice(pool, 4)
    shift = moved * (positive[donors].astype(float) - positive[:, None, None])
    transplanted = evidence.logit[:, None, None] + shift + chance.normal(0, 0.3, donors.shape)
    gaps = left or (moved, moved)
    blanked = np.column_stack([gap * positive + chance.normal(0, 0.5, n) for gap in gaps])
    return FrameEdits(donors, transplanted, blanked)


def _maps(evidence: ArmEvidence, generator: np.random.Generator, strength: float) -> Maps:
    rows = np.arange(min(40, evidence.positive.size))
    voxels = 200
    mask = np.zeros((rows.size, voxels), dtype=bool)

    def inside(class_name: str) -> np.ndarray:
        return np.asarray(evidence.positive == (class_name == evidence.classes[1]))

    for position, row in enumerate(rows):
        if evidence.positive[row]:
            mask[position, generator.choice(180, 10, replace=False)] = True
    foreground = np.zeros_like(mask)
    foreground[:, :180] = True
    of_origin, of_class = generator.normal(size=(2, 1, voxels))
    group = np.isin(evidence.origin[rows], ("b", "d"))[:, None]

    def maps(ill: float, foreign: float) -> np.ndarray:
        effect = ill * evidence.positive[rows, None] * of_class + foreign * group * of_origin
        return np.asarray(effect + generator.normal(size=mask.shape))

    target, again = (maps(2.0, 1.5 * strength) + 4 * strength * mask for _ in range(2))
    origin, origin_again = (maps(0.0, 3.0 * strength) for _ in range(2))
    return Maps(
        rows,
        target,
        origin[None],
        mask,
        foreground,
        np.zeros(rows.size),
        inside=np.ones((10, 20), dtype=bool),
        regions=np.repeat(np.arange(1, 11), 20),
        target_replicate=again,
        origin_replicate=origin_again[None],
        origins={
            name: tuple(o for o in ("b", "d") if o in evidence.origin[inside(name)])[:1] for name in evidence.classes
        },
        probes=probes(rows.size, voxels, generator),
    )


def probes(m: int, voxels: int, generator: np.random.Generator, effect: float = 1.0) -> MapProbes:
    """Every third map is probed; the margin moves by `effect` more than elsewhere."""
    places = np.arange(0, m, 3)
    moved = generator.normal(scale=0.3, size=(2, places.size, 2))
    moved[:, :, 0] += effect
    return MapProbes(places, generator.normal(size=(3, places.size, voxels)), moved[0], moved[1])


def of_missing_cell(evidence: ArmEvidence, k: int = 12) -> Probes | None:
    """Healthy images of an origin of the patients, which score as the healthy do."""
    origins = evidence.origin[evidence.positive]
    if not origins.size:
        return None
    return Probes(
        subject=np.array([f"p{i}" for i in range(k)]),
        label=np.array([evidence.classes[0]] * k),
        positive=np.zeros(k, dtype=bool),
        origin=np.array([str(origins[0])] * k),
        logit=np.random.default_rng(3).normal(-1.0, 1.0, size=k),
        twin_of=np.array([""] * k),
    )


@pytest.fixture(scope="session")
def transferred() -> Callable[..., SignatureTransfer]:
    return transfer


def transfer(
    evidence: ArmEvidence,
    signature: float,
    *,
    artefact: float = 0.0,
    separable: float = 3.0,
    reach: float = 1.0,
    seed: int = 3,
) -> SignatureTransfer:
    """Every image's margin moves by `signature` towards the other side; any edit, the sham too, adds `artefact`.

    Low-level statistics of the sides are `separable` apart, and the edit takes them `reach` of the way.
    """
    generator = np.random.default_rng(seed)
    truth = evidence.positive
    noise = generator.normal(scale=0.3, size=(2, truth.size))
    towards = np.where(truth, -1.0, 1.0)
    plain = generator.normal(size=(truth.size, 3))
    plain[:, 0] += separable * truth
    carried, still = (plain + generator.normal(scale=0.1, size=plain.shape) for _ in range(2))
    carried[:, 0] += reach * separable * towards
    return SignatureTransfer(
        edited=evidence.logit + signature * towards + artefact + noise[0],
        sham=evidence.logit + artefact + noise[1],
        statistics=np.stack([plain, carried, still]),
    )


@pytest.fixture(scope="session")
def retrained_unseen() -> Callable[..., dict[str, UnseenOrigin]]:
    return unseen


def unseen(
    evidence: ArmEvidence, loss: float, *, training: int = 200, noise: float = 0.3, seed: int = 4
) -> dict[str, UnseenOrigin]:
    """The classes lie 2.5 apart, and `loss` of that is lost where the origin was not trained on.

    The networks' scores share noise of SD 1, and each has `noise` of its own.
    """
    generator = np.random.default_rng(seed)
    found = {}
    for origin in np.unique(evidence.origin).tolist():
        rows = np.flatnonzero(evidence.origin == origin)
        truth, shared = evidence.positive[rows], generator.normal(size=rows.size)
        scores = [2.5 * (1 - own) * truth + shared + noise * generator.normal(size=rows.size) for own in (loss, 0.0)]
        found[origin] = UnseenOrigin(rows, scores[0], scores[1], (training,) * 5)
    return found


@pytest.fixture(scope="session")
def retrained_doses() -> Callable[..., DoseResponse]:
    return dose


def dose(evidence: ArmEvidence, loss: float, uptake: float | None = None, *, seed: int = 6) -> DoseResponse:
    """At an association of 1 the networks lose `loss` of the label and gain `uptake` of the side of origin."""
    generator = np.random.default_rng(seed)
    truth, side = evidence.positive, np.isin(evidence.origin, ("b", "d"))
    gained = 2 * loss if uptake is None else uptake
    levels = (0.0, 0.4, 0.8)
    shared = generator.normal(size=truth.size)
    scores = [
        2.0 * (1 - loss * level) * truth + gained * level * side + shared + 0.3 * generator.normal(size=truth.size)
        for level in levels
    ]
    return DoseResponse(np.arange(truth.size), side, np.stack(scores, axis=1), levels, 200, (("a",), ("b",)))


@pytest.fixture(scope="session")
def retrained_spikes() -> Callable[..., SpikeIn]:
    return spike


def spike(evidence: ArmEvidence, planted: float, sham: float, *, pathology: float = 2.4, seed: int = 8) -> SpikeIn:
    """The edit moves the margin by `planted` where it was assigned by the label, by `sham` where it was by chance."""
    return SpikeIn(
        _trial(evidence, planted, (0.1, 0.9), pathology, seed), _trial(evidence, sham, (0.5, 0.5), pathology, seed + 1)
    )


def _trial(
    evidence: ArmEvidence, effect: float, shares: tuple[float, float], pathology: float, seed: int
) -> SpikeTrial:
    generator = np.random.default_rng(seed)
    truth = evidence.positive
    edited = np.zeros(truth.size, dtype=bool)
    for own, share in zip((~truth, truth), shares, strict=True):
        rows = generator.permutation(np.flatnonzero(own))
        edited[rows[: round(share * rows.size)]] = True
    without = pathology * truth + generator.normal(size=truth.size)
    return SpikeTrial(edited, without, without + effect)


@pytest.fixture
def bare(planted):
    """A crossed cohort of which nothing is known but classes and origins."""
    return planted(n=120)


@pytest.fixture
def layered(planted):
    """Features in which training put the origin, in one unit that the logit reads or does not."""

    def build(learned: float, slope: float, n: int = 160):
        evidence = planted(n=n)
        generator = np.random.default_rng(3)
        features = generator.normal(size=(n, 6))
        untrained = generator.normal(size=(n, 6))
        features[:, 0] += learned * (evidence.origin == "b")
        features[:, 1] += 2.0 * evidence.positive
        gradients = np.tile([slope, 1.0, 0, 0, 0, 0], (n, 1))
        own = {"features": features, "untrained": untrained, "gradients": gradients}
        return replace(evidence, **{kind: {"deep": values} for kind, values in own.items()})

    return build
