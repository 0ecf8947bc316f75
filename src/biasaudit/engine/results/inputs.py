"""What the networks see: the input of some subjects in every arm, channel by channel, cut at the same place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from biasaudit.engine.arguments.inputs import INPUTS
from biasaudit.engine.jobs.stack import Stack
from biasaudit.engine.results.held_out_scores import held_out_scores
from biasaudit.engine.results.run import ArmResult, Run
from biasaudit.engine.situation.situation import Question
from biasaudit.engine.user_code.preprocessing import kind_of_input
from biasaudit.records import FloatArray, Recipe, Sample
from biasaudit.run_folder.contract import INPUT_PICTURES, INPUT_SLICES
from biasaudit.run_folder.tsv import write_tsv

__all__ = ["channel_names", "cut_of", "typical_rows", "write_inputs"]

_OF_A_CLASS = 2
_TISSUES = ("grey matter", "white matter", "CSF", "lesions")
_COLOURS = ("red", "green", "blue")


def write_inputs(run: Run, arms: Sequence[ArmResult]) -> None:
    """Write ``maps/inputs.npz`` and ``maps/inputs.tsv``; nothing where no network was shown an image.

    Parameters
    ----------
    run : Run
    arms : sequence of ArmResult
        Primary first: its scores say which subjects are typical.
    """
    if run.situation.tabular or not run.plan.reads:
        return
    scores, factor = held_out_scores(run, arms[0].recipe), run.factors[0]
    rows = typical_rows(run.situation.cohort.samples, scores, factor)
    records: list[dict[str, Any]] = []
    slices: dict[str, np.ndarray] = {}
    for arm in arms:
        for row in rows:
            shown = _shown(run, arm.recipe, row)
            if shown is None:
                continue
            sample = run.situation.cohort.samples[row]
            for channel, name in enumerate(_names(run, arm.recipe, len(shown))):
                key = f"input-{len(records):03d}"
                slices[key] = cut_of(shown[channel])
                ends = {"low": float(shown[channel].min()), "high": float(shown[channel].max())}
                about = {"subject": sample.subject, "label": sample.label, "origin": sample.origins[factor]}
                records.append({"key": key, "arm": arm.name, **about, "channel": name, **ends})
    if records:
        path = run.results / INPUT_PICTURES
        path.parent.mkdir(exist_ok=True)
        np.savez_compressed(path, **slices)  # type: ignore[arg-type]
        write_tsv(pd.DataFrame(records), run.results / INPUT_SLICES.path)


def typical_rows(samples: Sequence[Sample], scores: Mapping[int, float], factor: str) -> list[int]:
    """Choose the row with the median score of every class, and that of another origin of the class.

    Parameters
    ----------
    samples : sequence of Sample
    scores : mapping of int to float
        Held-out score by row; other rows are not chosen.
    factor : str
        Origin factor.

    Returns
    -------
    list of int
        Class by class, in the order in which classes appear among the samples.
    """
    return [
        row
        for label in dict.fromkeys(sample.label for sample in samples)
        for row in _typical(samples, scores, factor, label)
    ]


def _typical(samples: Sequence[Sample], scores: Mapping[int, float], factor: str, label: str) -> Iterator[int]:
    own = sorted((row for row in scores if samples[row].label == label), key=lambda row: (scores[row], row))
    for _ in range(_OF_A_CLASS):
        if not own:
            return
        row = own[len(own) // 2]
        yield row
        own = [other for other in own if samples[other].origins[factor] != samples[row].origins[factor]]


def channel_names(shows: str, images: Sequence[str], colour: Sequence[bool], count: int) -> list[str]:
    """Name the channels of a network input.

    Parameters
    ----------
    shows : str
        What the representation is made from.
    images : sequence of str
        Names of the images of a subject, or of its maps.
    colour : sequence of bool
        Which images are read as red, green and blue.
    count : int
        Channels that there are; where the names do not fit they are numbered.
    """
    if shows == "tissue":
        names = list(_TISSUES[:count])
    else:
        coloured = [*colour, *([False] * len(images))][: len(images)]
        parts = [_tones(name, len(images)) if own else [name] for name, own in zip(images, coloured, strict=True)]
        names = [name for part in parts for name in part]
    if len(names) == count:
        return names
    return ["input"] if count == 1 else [f"channel {number + 1}" for number in range(count)]


def _tones(name: str, images: int) -> list[str]:
    """Channels of a picture in colour, with its name where there are several images."""
    return [f"{name} {tone}" if images > 1 else tone for tone in _COLOURS]


def cut_of(channel: FloatArray) -> np.ndarray:
    """Middle axial cut of a volume (*shape), or the picture itself, upright; float32 (height, width)."""
    cut = channel[:, :, channel.shape[2] // 2].T[::-1] if channel.ndim == 3 else channel
    return np.asarray(cut, dtype=np.float32)


def _names(run: Run, recipe: Recipe, count: int) -> list[str]:
    shows = kind_of_input(recipe.input).shows
    cohort = run.situation.protocol.cohort
    fields = ("maps",) if shows == "maps" else ("image", "suffix")  # columns of a table, or suffixes of BIDS
    images = next((list(named) for field in fields if (named := getattr(cohort, field, ()))), [])
    return channel_names(shows, images, run.situation.cohort.samples[0].colour, count)


def _shown(run: Run, recipe: Recipe, row: int) -> FloatArray | None:
    """Input (channels, *shape) of a row for the network that held it out; None if no network was shown one."""
    fold = run.situation.folds[row]
    job = run.jobs[run.plan.scores[Question("target", recipe)][fold]]
    if INPUTS not in job.needs:
        return None
    blocks = Stack.of([run.store.folder(key) for key in job.needs[INPUTS]], "original")
    return np.asarray(blocks[row], dtype=np.float32)
