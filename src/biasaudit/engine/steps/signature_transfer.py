"""Step `signature_transfer`: score every held-out image with the other side's signature imposed, and with a sham."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import ndimage

from biasaudit import seeds
from biasaudit.cohort.images.template import tissue_priors
from biasaudit.edits.transfer import Difference, Signature, Traits, difference, impose, signature, traits
from biasaudit.engine.arguments.edits import SignatureTransferArguments, models_of_fold
from biasaudit.engine.arguments.inputs import READ
from biasaudit.engine.jobs.job import Folders
from biasaudit.engine.steps.score import predict_rows
from biasaudit.engine.steps.stored_volumes import StoredVolumes
from biasaudit.engine.steps.train import load_networks
from biasaudit.engine.user_code.preprocessing import representation_of
from biasaudit.records import BoolArray, FloatArray, Volume
from biasaudit.registry import register

__all__ = ["signature_transfer"]

_QUANTILES = np.linspace(0.05, 0.95, 7)


@dataclass(frozen=True)
class _Edits:
    """What is done to one image: imposing the other class's signature, and a sham inside its own class."""

    transfer: Difference
    sham: Difference


@dataclass(frozen=True)
class _Images:
    """The images of the cohort, and what was measured of each."""

    volumes: StoredVolumes
    traits: Sequence[Traits]

    def signature(self, rows: np.ndarray) -> Signature:
        """Estimate what some images have in common."""
        return signature((self.volumes[row] for row in rows), [self.traits[row] for row in rows])


@register("step", "signature_transfer")
def signature_transfer(arguments: SignatureTransferArguments, needs: Folders, folder: Path) -> None:
    """Impose signatures and score.

    Parameters
    ----------
    arguments : SignatureTransferArguments
    needs : Folders
        `READ`: all blocks; `models_of_fold`: the networks that held each fold out.
    folder : Path
        Gets ``margins.npy`` (rows of the cohort, 2): transferred and sham; ``traits.npy`` (3, rows of the cohort,
        features): low-level statistics of the images as they are, transferred and sham.
    """
    sides, folds = np.asarray(arguments.sides), np.asarray(arguments.folds)
    grid, volumes = arguments.grid, StoredVolumes(needs[READ], images_only=True)
    known = [traits(volume) for volume in volumes]
    edits = _edits(_Images(volumes, known), sides, arguments.seed)
    networks = {fold: load_networks(needs[models_of_fold(fold)]) for fold in np.unique(folds).tolist()}
    representation = representation_of(arguments.representation, arguments.own)
    priors = tissue_priors(grid) if representation.needs_priors else None
    margins = np.zeros((len(sides), 2))
    measured: list[list[FloatArray]] = [[], [], []]
    for row, volume in enumerate(volumes):
        measured[0].append(_statistics(volume))
        for place, change in enumerate((edits[row].transfer, edits[row].sham)):
            chance = seeds.generator(arguments.seed, "transfer noise", row)
            edited = impose(volume, known[row], change, chance)
            measured[1 + place].append(_statistics(edited))
            image = np.asarray(representation.transform(edited, priors, grid)).astype(np.float16).astype(np.float32)
            margins[row, place] = predict_rows(networks[int(folds[row])], image[None])[0, 0]
    np.save(folder / "margins.npy", margins)
    np.save(folder / "traits.npy", np.asarray(measured))


def _edits(images: _Images, sides: np.ndarray, seed: int) -> list[_Edits]:
    """Per subject: the edit that imposes the other class's signature, and one between random halves of its own."""
    chance = seeds.generator(seed, "transfer halves")
    rows = [np.flatnonzero(sides == side) for side in (0, 1)]
    whole = [images.signature(own) for own in rows]
    found: dict[int, _Edits] = {}
    for side in (0, 1):
        across = difference(whole[side], whole[1 - side])
        mixed = chance.permutation(rows[side])
        halves = (np.sort(mixed[::2]), np.sort(mixed[1::2]))
        parts = [images.signature(half) for half in halves]
        for half in (0, 1):
            sham = difference(parts[half], parts[1 - half])
            found |= dict.fromkeys(halves[half].tolist(), _Edits(across, sham))
    return [found[row] for row in range(len(sides))]


def _statistics(volume: Volume) -> FloatArray:
    """Low-level statistics that a reader of origins could use: histogram, roughness per axis, size, centre of mass.

    They are not what the edit matches, so that they can tell whether it worked. Red, green and blue of a picture share
    one mean and one spread, so that the histograms tell its hue.
    """
    found = [np.log(max(1, int(volume.foreground.sum())))]
    for scaled in np.concatenate([_scaled(volume.image[own], volume.foreground) for own in volume.pictures]):
        values = scaled[volume.foreground]
        found.extend(np.quantile(values, _QUANTILES) if values.size else np.zeros(len(_QUANTILES)))
        for axis in range(scaled.ndim):
            pairs = np.diff(scaled, axis=axis)
            both = _both(volume.foreground, axis)
            found.append(np.log(float((pairs[both] ** 2).mean()) + 1e-6) if both.any() else 0.0)
        centre = ndimage.center_of_mass(np.where(volume.foreground, scaled - scaled.min(), 0.0) + 1e-9)
        found.extend(np.asarray(centre) / np.asarray(scaled.shape))
    return np.asarray(found)


def _scaled(channels: FloatArray, foreground: BoolArray) -> FloatArray:
    """Channels (channels, *shape) less their mean, over their standard deviation, both inside the foreground."""
    inside = channels[:, foreground]
    spread = float(inside.std()) if inside.size else 0.0
    return np.asarray((channels - (inside.mean() if inside.size else 0.0)) / (spread if spread > 0 else 1.0))


def _both(inside: np.ndarray, axis: int) -> np.ndarray:
    first = np.take(inside, range(inside.shape[axis] - 1), axis)
    return np.asarray(first & np.take(inside, range(1, inside.shape[axis]), axis))
