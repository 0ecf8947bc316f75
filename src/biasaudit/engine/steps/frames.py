"""Step `frames`: score held-out images whose frame is another's, and frames whose field is blank."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from torch import nn

from biasaudit import seeds
from biasaudit.cohort.images.field import support_of
from biasaudit.cohort.images.template import tissue_priors
from biasaudit.edits.frame import (
    LEAST_FRAME,
    Donor,
    Frame,
    FrameTraits,
    composed,
    frame_of,
    frame_share,
    patch_size,
    retoned,
    swapped,
    traits,
)
from biasaudit.engine.arguments.edits import FramesArguments
from biasaudit.engine.arguments.inputs import READ
from biasaudit.engine.arguments.networks import MODELS
from biasaudit.engine.jobs.held_out import write_rows
from biasaudit.engine.jobs.job import Folders
from biasaudit.engine.steps.score import predict_rows
from biasaudit.engine.steps.stored_volumes import StoredVolumes
from biasaudit.engine.steps.train import load_networks
from biasaudit.engine.user_code.preprocessing import representation_of
from biasaudit.records import FloatArray, Volume
from biasaudit.registry import register

__all__ = ["frames"]


@register("step", "frames")
def frames(arguments: FramesArguments, needs: Folders, folder: Path) -> None:
    """Edit and score the rows that one fold holds out; what lies in other folds is not looked at.

    Parameters
    ----------
    arguments : FramesArguments
    needs : Folders
        `READ`: all blocks; `MODELS`: the networks that held the rows out.
    folder : Path
        Gets ``rows.npy``; ``donors.npy`` (rows, 2, k): rows of the cohort, of the other and of the own class, -1 where
        there is none; ``transplanted.npy``, the same shape: margins with their frames; ``blanked.npy`` (rows, 2):
        margins of the mean field in the own frame, as it is and in the frame's tones. Margins are NaN where nothing
        could be edited.
    """
    volumes = StoredVolumes(needs[READ], images_only=True)
    donors = _donors(arguments)
    transplanted, blanked = np.full(donors.shape, np.nan), np.full((len(arguments.rows), 2), np.nan)
    if all(_has_frame(volumes[row]) for row in arguments.rows):
        scene = _Scene.of(arguments, volumes)
        asked = _Asked(load_networks(needs[MODELS]), arguments)
        mean = _balanced_mean(scene.volumes, arguments)
        for place, row in enumerate(arguments.rows):
            usable = donors[place] >= 0
            volume, edited = scene.volumes[row], scene.edits(row, donors[place][usable].tolist(), mean)
            margins = np.array([asked(replace(volume, image=image, tissue=None)) for image in edited])
            transplanted[place][usable], blanked[place] = margins[:-2], margins[-2:]
    write_rows(folder, arguments.rows)
    np.save(folder / "donors.npy", donors)
    np.save(folder / "transplanted.npy", transplanted)
    np.save(folder / "blanked.npy", blanked)


@dataclass(frozen=True)
class _Scene:
    """The images of one fold and what was measured of their frames, by patches of one size."""

    volumes: StoredVolumes
    spacing: tuple[float, ...]
    size: int
    measured: Mapping[int, FrameTraits]

    @classmethod
    def of(cls, arguments: FramesArguments, volumes: StoredVolumes) -> _Scene:
        size = min(patch_size(support_of(volumes[row]) & ~_field(volumes[row])) for row in arguments.rows)
        spacing = arguments.grid.spacing
        known = {row: traits(volumes[row].image, _frame(volumes[row], spacing, size)) for row in arguments.rows}
        return cls(volumes, spacing, size, known)

    def edits(self, row: int, donors: Sequence[int], mean: FloatArray) -> Iterator[FloatArray]:
        """Give an image the frames of its donors; then put a mean image inside its own frame, in two tones."""
        own = self.volumes[row]
        frame = _frame(own, self.spacing, self.size)
        for donor in donors:
            other = self.volumes[donor]
            yield composed(own.image, frame, Donor(other.image, support_of(other), self.measured[donor]))
        for filling in (mean, retoned(mean, own.image, frame)):
            yield swapped(filling, frame, own.image, frame.support)


def _field(volume: Volume) -> np.ndarray:
    assert volume.field is not None
    return volume.field


def _has_frame(volume: Volume) -> bool:
    return frame_share(_field(volume), support_of(volume)) >= LEAST_FRAME


def _frame(volume: Volume, spacing: Sequence[float], size: int) -> Frame:
    return frame_of(_field(volume), support_of(volume), spacing, size)


class _Asked:
    """The networks of one fold, which are asked about one edited image at a time."""

    def __init__(self, networks: Sequence[nn.Module], arguments: FramesArguments) -> None:
        self._networks, self._grid = networks, arguments.grid
        self._representation = representation_of(arguments.representation, arguments.own)
        self._priors = tissue_priors(arguments.grid) if self._representation.needs_priors else None

    def __call__(self, volume: Volume) -> float:
        shown = np.asarray(self._representation.transform(volume, self._priors, self._grid))
        return float(predict_rows(self._networks, shown.astype(np.float16)[None])[0, 0])


def _balanced_mean(volumes: StoredVolumes, arguments: FramesArguments) -> FloatArray:
    """Mean over the two classes of their mean held-out images, float (channels, *shape)."""
    means = []
    for side in sorted(set(arguments.sides)):
        rows = [row for row, own in zip(arguments.rows, arguments.sides, strict=True) if own == side]
        total = np.zeros(volumes[rows[0]].image.shape)
        for row in rows:
            total += volumes[row].image
        means.append(total / len(rows))
    return np.asarray(np.mean(np.stack(means), axis=0))


def _donors(arguments: FramesArguments) -> npt.NDArray[np.intp]:
    """Draw for every row donors of the other and of its own class from the same fold, int (rows, 2, k).

    The images of one subject get the same donors, so that they can be averaged; a subject is never its own. Where
    there are fewer than are wanted they come round again.
    """
    rows, sides = np.asarray(arguments.rows), np.asarray(arguments.sides)
    subjects = np.asarray(arguments.subjects)
    found = np.full((len(rows), 2, arguments.donors), -1, dtype=np.intp)
    for place, (subject, side) in enumerate(zip(arguments.subjects, arguments.sides, strict=True)):
        for own in (0, 1):
            pool = rows[(sides == (side if own else 1 - side)) & (subjects != subject)]
            if pool.size:
                chance = seeds.generator(arguments.seed, "donors", subject, side, own)
                found[place, own] = np.resize(chance.permutation(pool), arguments.donors)
    return found
