"""Arguments of the steps that make networks, take them over, and ask them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from biasaudit.engine.jobs.job import Arguments, Role
from biasaudit.protocol import TrainingSettings

__all__ = [
    "MODEL",
    "MODELS",
    "AdoptArguments",
    "Factory",
    "GivenScoresArguments",
    "LogOddsArguments",
    "ScoreArguments",
    "TrainArguments",
    "UntrainedArguments",
]

MODELS = Role("models")
"""Networks that are asked together, one per seed, or the one that is looked at."""

MODEL = Role("model")
"""The network that another one is made of."""


@dataclass(frozen=True)
class Factory:
    """The function that makes a network, and its arguments.

    Attributes
    ----------
    name : str
        Registered name, or import string.
    arguments : mapping
        Keyword arguments of the factory, whatever these are.
    code : str
        Hash of the module of the user's that holds it; empty for what is built in.
    """

    name: str
    arguments: Mapping[str, Any]
    code: str = ""


@dataclass(frozen=True)
class TrainArguments(Arguments):
    """Train one network.

    Attributes
    ----------
    factory : Factory
    training : TrainingSettings
        `seeds` is 1: how many networks there are changes none of them.
    variant : str
        Which version of the inputs: ``original``, ``erased``, ``planted`` ...
    rows : tuple of int
        Cohort rows that it learns from.
    targets : tuple of int
        Class of every one of these rows.
    groups : tuple of str
        Subject of every one of these rows; no subject is both learned from and held back for early stopping.
    classes : int
        Number of classes.
    seed : int
    code : tuple of str
        Hashes of the user's modules that hold the loss, the optimiser and the like.
    """

    step: ClassVar[str] = "train"
    factory: Factory
    training: TrainingSettings
    variant: str
    rows: tuple[int, ...]
    targets: tuple[int, ...]
    groups: tuple[str, ...]
    classes: int
    seed: int
    code: tuple[str, ...] = ()


@dataclass(frozen=True)
class UntrainedArguments(Arguments):
    """Make a network with the weights that it would start from.

    Attributes
    ----------
    factory : Factory
    variant : str
        Version of the inputs, of which the network gets its sizes.
    outputs : int
        Number of logits.
    seed : int
    """

    step: ClassVar[str] = "untrained"
    factory: Factory
    variant: str
    outputs: int
    seed: int


@dataclass(frozen=True)
class AdoptArguments(Arguments):
    """Take over the weights of a network that was trained elsewhere.

    Attributes
    ----------
    weights : str
        Absolute path.
    sha256 : str
        Of that file.
    factory : Factory
        Rebuilds the user's network; its arguments are those of `engine.user_code.network.build`.
    sizes : tuple of int
        Dimensions of space, channels of the input, logits.
    rows : tuple of int
        Held-out rows, which the outputs are tried on.
    batch_size : int
    stated : bool
        Whether the user has said what the network returns.
    shards : mapping of path to str
        Files that the weights are an index of, with their SHA-256.
    """

    step: ClassVar[str] = "adopt"
    reads_files: ClassVar[bool] = True
    weights: str
    sha256: str
    factory: Factory
    sizes: tuple[int, int, int]
    rows: tuple[int, ...]
    batch_size: int
    stated: bool
    shards: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class LogOddsArguments(Arguments):
    """Make of a network of several classes one with a single logit, the log odds of one class.

    Attributes
    ----------
    index : int
        Place of the class among the classes.
    against_class : bool
        Odds against the class.
    """

    step: ClassVar[str] = "log_odds"
    index: int
    against_class: bool


@dataclass(frozen=True)
class ScoreArguments(Arguments):
    """Ask networks about the rows that they have not seen.

    Attributes
    ----------
    rows : tuple of int
        Held-out cohort rows.
    variants : tuple of str
        Versions of the inputs that are scored one after another: ``original``, ``erased``, ``spiked`` ...
    features : bool
        Whether the hidden layers are kept as well; of the first variant and network.
    layers : tuple of str or None
        Module names of these layers; None lets the tool choose.
    batch_size : int
    """

    step: ClassVar[str] = "score"
    rows: tuple[int, ...]
    variants: tuple[str, ...]
    features: bool
    layers: tuple[str, ...] | None
    batch_size: int


@dataclass(frozen=True)
class GivenScoresArguments(Arguments):
    """Take the held-out scores that the user gives in place of a network.

    Attributes
    ----------
    rows : tuple of int
        Held-out cohort rows.
    logits : tuple of tuples of float
        For every one of these rows one logit, or one per class.
    """

    step: ClassVar[str] = "given_scores"
    rows: tuple[int, ...]
    logits: tuple[tuple[float, ...], ...]
