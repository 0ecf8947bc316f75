"""Erasure where both classes have lesions: the own mask alone against one of each class, the truth being known."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage

from biasaudit.edits.erasure import erase
from biasaudit.engine.arguments.inputs import INPUTS
from biasaudit.engine.arguments.networks import Factory, TrainArguments
from biasaudit.engine.jobs.job import Folders
from biasaudit.engine.steps.train import load_network, train
from biasaudit.protocol import TrainingSettings
from biasaudit.records import Volume
from biasaudit.representations.intensity import standardise
from biasaudit.stats.effects import auc, gap_share
from biasaudit.stats.intervals import bootstrap_gap_share

Array = NDArray[np.floating]
Mask = NDArray[np.bool_]

SIDE, N, FOLDS, COHORTS, BOOTSTRAPS = 64, 160, 3, 4, 499
ROWS, COLUMNS = np.mgrid[:SIDE, :SIDE]
VARIANTS = ("own", "of each class")
TOLERATED = 0.02


@dataclass(frozen=True)
class Lesions:
    """Radius of benign and of malignant lesions from to, their darkness, and the texture of malignant ones."""

    benign: tuple[float, float]
    malignant: tuple[float, float]
    depth: float
    texture: float


KINDS = {
    "of one size": Lesions((8, 12), (8, 12), 1.5, 1.0),
    "malignant larger": Lesions((6, 10), (9, 15), 1.5, 1.0),
    "malignant larger, hardly different": Lesions((6, 10), (9, 15), 1.5, 0.3),
    "large and dark, hardly different": Lesions((10, 18), (13, 24), 3.0, 0.35),
}
SIGNATURES = {"nothing": 0.0, "noise": 0.1, "vignette": 1.0}


@dataclass(frozen=True)
class Subject:
    """What a picture is made of, but for its source."""

    skin: Array
    noise: Array
    mask: Mask

    def at(self, source: int, signature: str) -> Array:
        """Return the picture as one of two sources shows it."""
        strength = SIGNATURES[signature] * source
        grain = 0.25 + (strength if signature == "noise" else 0.0)
        fall = ((ROWS - SIDE / 2) ** 2 + (COLUMNS - SIDE / 2) ** 2) / (SIDE**2 / 2)
        return np.asarray(self.skin + grain * self.noise - fall * (strength if signature == "vignette" else 0.0))


def subject(chance: np.random.Generator, malignant: bool, lesions: Lesions) -> Subject:
    """Draw skin with a dark lesion: smooth and round, or textured with a ragged edge."""
    radius = chance.uniform(*(lesions.malignant if malignant else lesions.benign))
    top, left = SIDE / 2 + chance.normal(0, 3, 2)
    angle, distance = np.arctan2(ROWS - top, COLUMNS - left), np.hypot(ROWS - top, COLUMNS - left)
    waves = sum(np.cos(k * angle + chance.uniform(0, 2 * np.pi)) / (i + 1) for i, k in enumerate((2, 3, 5, 7)))
    edge = radius * (1 + (0.25 if malignant else 0.08) * waves / 2)
    skin = 0.4 * _smooth(chance, 10) - lesions.depth / (1 + np.exp(distance - edge))
    skin += (distance < edge) * malignant * lesions.texture * _smooth(chance, 1.5)
    return Subject(skin, chance.normal(size=(SIDE, SIDE)), ndimage.binary_dilation(distance < edge, iterations=2))


def _smooth(chance: np.random.Generator, width: float) -> Array:
    field = ndimage.gaussian_filter(chance.normal(size=(SIDE, SIDE)), width)
    return np.asarray(field / field.std())


def study(scratch: Path) -> str:
    lines = [
        "## Masks in both classes\n",
        f"Command: `python benchmarks/run.py masks_in_both`. {COHORTS} cohorts a row, {N} pictures of {SIDE} x {SIDE}, "
        "one source per class, the built-in network, three folds. Share: U4 when each subject's own mask is erased, or "
        "one mask of each class. Truth: Omega\\* from the same benign lesions rendered at the other source. Bound "
        f"above: cohorts whose lower bound is more than {TOLERATED:g} above it. AUC erased: networks retrained on "
        "erased images.\n",
        "| lesions | planted | AUC | truth | share, own | share, of each class | error, own | error, of each class "
        "| bound above, own | bound above, of each class | AUC erased, own | AUC erased, of each class |",
        "|" + "---|" * 12,
    ]
    for kind, lesions in KINDS.items():
        for signature in SIGNATURES:
            lines.append(_row(kind, signature, [_cohort(lesions, signature, seed, scratch) for seed in range(COHORTS)]))
    return "\n".join(lines) + "\n"


def _row(kind: str, signature: str, found: list[dict[str, float]]) -> str:
    mean = {name: float(np.mean([own[name] for own in found])) for name in found[0]}
    cells = [f"{mean['auc']:.2f}", f"{mean['truth']:.2f}"]
    cells += [f"{mean[f'{what} {variant}']:.2f}" for what in ("share", "error") for variant in VARIANTS]
    cells += [f"{sum(own[f'above {variant}'] for own in found):.0f}/{len(found)}" for variant in VARIANTS]
    cells += [f"{mean[f'retrained {variant}']:.2f}" for variant in VARIANTS]
    return f"| {kind} | {signature} | {' | '.join(cells)} |"


def _cohort(lesions: Lesions, signature: str, seed: int, scratch: Path) -> dict[str, float]:
    """Train on one cohort with one source per class, and hold what erasure leaves against the truth."""
    torch.set_num_threads(1)
    chance, label = np.random.default_rng(seed), np.arange(N) % 2
    subjects = [subject(chance, bool(malignant), lesions) for malignant in label]
    masks = [own.mask for own in subjects]
    donors = np.empty(N, dtype=int)
    for side in (0, 1):
        donors[label == side] = chance.permutation(np.flatnonzero(label != side))
    pictures = [own.at(source, signature) for own, source in zip(subjects, label, strict=True)]
    shown = {
        "original": [_input(picture) for picture in pictures],
        "other source": [_input(own.at(1 - source, signature)) for own, source in zip(subjects, label, strict=True)],
        "own": [_input(_erased(*pair)) for pair in zip(pictures, masks, strict=True)],
        "of each class": [
            _input(_erased(picture, own | masks[donor]))
            for picture, own, donor in zip(pictures, masks, donors, strict=True)
        ],
    }
    return _measured({name: np.stack(images)[:, None] for name, images in shown.items()}, label, seed, scratch)


def _input(picture: Array) -> Array:
    return standardise(picture, np.ones(picture.shape, dtype=np.bool_))


def _erased(picture: Array, mask: Mask) -> Array:
    return erase(Volume(picture[None], np.ones_like(mask), mask), mask).image[0]


def _measured(shown: dict[str, Array], label: NDArray[np.intp], seed: int, scratch: Path) -> dict[str, float]:
    fold, positive = np.arange(N) // 2 % FOLDS, label == 1
    logits = {name: np.empty(N) for name in (*shown, *(f"retrained {variant}" for variant in VARIANTS))}
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        for name, images in shown.items():
            np.save(Path(folder) / f"{name}.npy", images.astype(np.float16))
        for number in range(FOLDS):
            held = np.flatnonzero(fold == number)
            network = _trained(Path(folder), "original", np.flatnonzero(fold != number), label, seed)
            for name, images in shown.items():
                logits[name][held] = _scored(network, images[held])
            for variant in VARIANTS:
                again = _trained(Path(folder), variant, np.flatnonzero(fold != number), label, seed)
                logits[f"retrained {variant}"][held] = _scored(again, shown[variant][held])
    full, groups = logits["original"], fold * 2 + label
    gap = full[positive].mean() - full[~positive].mean()
    truth = float(np.clip((logits["other source"][~positive].mean() - full[~positive].mean()) / gap, 0, 1))
    found = {"auc": float(auc(full, positive)), "truth": truth}
    for variant in VARIANTS:
        edited, again = logits[variant], logits[f"retrained {variant}"]
        share = gap_share(full[positive], edited[positive], full[~positive], edited[~positive])
        draws = bootstrap_gap_share(full, edited, positive, groups, BOOTSTRAPS, np.random.default_rng(seed))
        found[f"share {variant}"] = share
        found[f"error {variant}"] = abs(float(np.clip(share, 0, 1)) - truth)
        found[f"above {variant}"] = float(np.quantile(draws, 0.05) > truth + TOLERATED)
        areas = [auc(again[fold == number], positive[fold == number]) for number in range(FOLDS)]
        found[f"retrained {variant}"] = float(np.mean(areas))
    return found


def _trained(folder: Path, variant: str, rows: NDArray[np.intp], label: NDArray[np.intp], seed: int) -> torch.nn.Module:
    arguments = TrainArguments(
        factory=Factory("cnn", {}),
        training=TrainingSettings.model_validate({}),
        variant=variant,
        rows=tuple(rows.tolist()),
        targets=tuple(label[rows].tolist()),
        groups=tuple(map(str, rows.tolist())),
        classes=2,
        seed=seed,
    )
    model = Path(tempfile.mkdtemp(dir=folder))
    train(arguments, Folders({INPUTS: (folder,)}), model)
    return load_network(model / "model.safetensors")


@torch.no_grad()
def _scored(network: torch.nn.Module, images: Array) -> Array:
    return network(torch.from_numpy(images.astype(np.float32))).numpy()[:, 0].astype(np.float64)  # type: ignore[no-any-return]
