"""Step `transfer`: score every held-out image with the other side's signature imposed, and with a sham."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from biasaudit import seeds
from biasaudit.cohort.images.template import tissue_priors
from biasaudit.edits.transfer import Difference, Signature, Traits, difference, impose, signature, traits
from biasaudit.engine.jobs.stack import Stack
from biasaudit.engine.steps.score import predict_rows
from biasaudit.engine.steps.train import load_network
from biasaudit.engine.user_code.preprocessing import representation_of
from biasaudit.records import FloatArray, Grid, Volume
from biasaudit.registry import register

__all__ = ["transfer"]

Needs = Mapping[str, Sequence[Path]]

_QUANTILES = np.linspace(0.05, 0.95, 7)


@register("step", "signature_transfer")
def transfer(arguments: Mapping[str, Any], needs: Needs, folder: Path) -> None:
    """Impose signatures and score.

    Parameters
    ----------
    arguments : mapping
        ``sides`` (0 or 1 per row), ``folds`` (per row), ``representation``, ``own`` (function of the user's), ``grid``,
        ``seed``.
    needs : mapping
        ``read``: all blocks in cohort order; ``models-<fold>``: the networks that held the fold out.
    folder : Path
        Gets ``margins.npy`` (rows, 2): transferred and sham; ``traits.npy`` (3, rows, features): low-level statistics
        of the images as they are, transferred and sham.
    """
    sides, folds = np.asarray(arguments["sides"]), np.asarray(arguments["folds"])
    grid = Grid.from_dict(arguments["grid"])
    volumes = _Volumes(needs["read"])
    known = [traits(volume) for volume in volumes]
    edits = _edits((volumes, known), sides, arguments["seed"])
    networks = {
        fold: [load_network(model / "model.safetensors") for model in needs[f"models-{fold}"]]
        for fold in np.unique(folds).tolist()
    }
    representation = representation_of(arguments["representation"], arguments.get("own"))
    priors = tissue_priors(grid) if representation.needs_priors else None
    margins = np.zeros((len(sides), 2))
    measured: list[list[FloatArray]] = [[], [], []]
    for row, volume in enumerate(volumes):
        measured[0].append(_statistics(volume))
        for place, change in enumerate(edits[row]):
            chance = seeds.generator(arguments["seed"], "transfer noise", row)
            edited = impose(volume, known[row], change, chance)
            measured[1 + place].append(_statistics(edited))
            image = np.asarray(representation.transform(edited, priors, grid)).astype(np.float16).astype(np.float32)
            margins[row, place] = predict_rows(networks[int(folds[row])], image[None])[0, 0]
    np.save(folder / "margins.npy", margins)
    np.save(folder / "traits.npy", np.asarray(measured))


class _Volumes:
    """The stored volumes of the cohort, one at a time."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._image, self._foreground, self._mask = (
            Stack([folder / f"{name}.npy" for folder in folders]) for name in ("image", "foreground", "mask")
        )

    def __len__(self) -> int:
        return len(self._image)

    def __getitem__(self, row: int) -> Volume:
        return Volume(np.array(self._image[row]), np.array(self._foreground[row]), np.array(self._mask[row]))

    def __iter__(self) -> Iterator[Volume]:
        return (self[row] for row in range(len(self)))


Known = tuple[_Volumes, Sequence[Traits]]


def _edits(known: Known, sides: np.ndarray, seed: int) -> list[tuple[Difference, Difference]]:
    """For every row what takes it to the other side, and the sham: what takes it to the other half of its own side."""
    chance = seeds.generator(seed, "transfer halves")
    rows = [np.flatnonzero(sides == side) for side in (0, 1)]
    whole = [_signature(known, own) for own in rows]
    found: dict[int, tuple[Difference, Difference]] = {}
    for side in (0, 1):
        across = difference(whole[side], whole[1 - side])
        mixed = chance.permutation(rows[side])
        halves = (np.sort(mixed[::2]), np.sort(mixed[1::2]))
        parts = [_signature(known, half) for half in halves]
        for half in (0, 1):
            sham = difference(parts[half], parts[1 - half])
            found |= dict.fromkeys(halves[half].tolist(), (across, sham))
    return [found[row] for row in range(len(sides))]


def _signature(known: Known, rows: np.ndarray) -> Signature:
    volumes, measured = known
    return signature((volumes[row] for row in rows), [measured[row] for row in rows])


def _statistics(volume: Volume) -> FloatArray:
    """Low-level statistics that a reader of origins could use: histogram, roughness per axis, size, centre of mass.

    They are not what the edit matches, so that they can tell whether it worked.
    """
    found = [np.log(max(1, int(volume.foreground.sum())))]
    for channel in volume.image:
        inside = channel[volume.foreground]
        spread = float(inside.std()) if inside.size else 0.0
        scaled = (channel - (inside.mean() if inside.size else 0.0)) / (spread if spread > 0 else 1.0)
        values = scaled[volume.foreground]
        found.extend(np.quantile(values, _QUANTILES) if values.size else np.zeros(len(_QUANTILES)))
        for axis in range(scaled.ndim):
            pairs = np.diff(scaled, axis=axis)
            both = _both(volume.foreground, axis)
            found.append(np.log(float((pairs[both] ** 2).mean()) + 1e-6) if both.any() else 0.0)
        centre = ndimage.center_of_mass(np.where(volume.foreground, scaled - scaled.min(), 0.0) + 1e-9)
        found.extend(np.asarray(centre) / np.asarray(scaled.shape))
    return np.asarray(found)


def _both(inside: np.ndarray, axis: int) -> np.ndarray:
    first = np.take(inside, range(inside.shape[axis] - 1), axis)
    return np.asarray(first & np.take(inside, range(1, inside.shape[axis]), axis))
