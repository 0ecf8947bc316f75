"""Arguments of the steps that look into hidden layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from biasaudit.engine.jobs.job import Arguments

__all__ = ["LayerGradientsArguments", "LearnedArguments"]


@dataclass(frozen=True)
class LayerGradientsArguments(Arguments):
    """Differentiate the logit with respect to the channels of hidden layers.

    Attributes
    ----------
    rows : tuple of int
        Held-out cohort rows.
    variant : str
        Version of the inputs.
    layers : tuple of str or None
        Module names; None lets the tool choose.
    batch_size : int
    """

    step: ClassVar[str] = "layer_gradients"
    rows: tuple[int, ...]
    variant: str
    layers: tuple[str, ...] | None
    batch_size: int


@dataclass(frozen=True)
class LearnedArguments(Arguments):
    """Describe what a network has learned, by the subjects that it has not seen.

    Attributes
    ----------
    rows : tuple of int
        Held-out cohort rows.
    label : tuple of int
        Class of every one of these rows.
    origin : tuple of str
        Origin of every one of these rows.
    classes : int
        Number of classes.
    baseline : tuple of tuples of int
        Healthy training rows, one tuple per origin.
    layers : tuple of str or None
        Module names; None lets the tool choose.
    batch_size : int
    gallery : bool
        Whether single units are looked at.
    units : int
        How many of them, per layer and ranking.
    steps : int
        Of the search for the image that a unit prefers.
    seed : int
    """

    step: ClassVar[str] = "learned"
    rows: tuple[int, ...]
    label: tuple[int, ...]
    origin: tuple[str, ...]
    classes: int
    baseline: tuple[tuple[int, ...], ...]
    layers: tuple[str, ...] | None
    batch_size: int
    gallery: bool
    units: int
    steps: int
    seed: int
