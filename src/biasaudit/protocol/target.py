"""The section `target` of a protocol: the network that is audited, and how it is trained."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from biasaudit.protocol.section import OrName, Section, as_list, as_values, built_in_or_own, each_once

__all__ = ["AUGMENTATIONS", "LOSSES", "OPTIMISERS", "TargetSettings", "TrainingSettings", "finite_arguments"]


LOSSES = ("balanced_bce", "cross_entropy", "focal")


OPTIMISERS = ("adamw", "adam", "sgd")


AUGMENTATIONS = ("none", "flip", "shift", "intensity")


def finite_arguments(arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Refuse arguments that JSON cannot hold: the run's files could not be read by other programs."""
    try:
        json.dumps(arguments, allow_nan=False)
    except (TypeError, ValueError):
        raise ValueError("expected finite numbers, texts, true or false, and lists and mappings of them") from None
    return arguments


class TrainingSettings(Section):
    """How networks are trained: the same for the target and for every control."""

    epochs: int = Field(15, ge=1, le=100_000)
    batch_size: int = Field(8, ge=2, le=100_000)
    learning_rate: float = Field(0.01, gt=0, le=100)
    weight_decay: float = Field(0.0001, ge=0, le=100)
    loss: Annotated[str, AfterValidator(built_in_or_own(*LOSSES))] = Field(
        "balanced_bce", description="balanced_bce | cross_entropy | focal | own.py:loss | package.module:Loss"
    )
    optimiser: Annotated[str, AfterValidator(built_in_or_own(*OPTIMISERS))] = Field(
        "adamw", description="adamw | adam | sgd | own.py:optimiser | package.module:Optimiser"
    )
    schedule: Literal["one_cycle", "constant"] = Field("one_cycle", description="how the learning rate changes")
    augment: Annotated[str | list[str], BeforeValidator(as_values), AfterValidator(built_in_or_own(*AUGMENTATIONS))] = (
        Field("none", description="none, flip, shift, intensity, own.py:augment; several one after another")
    )
    fit: str | None = Field(
        None, description="function that trains a network in place of the tool's own loop: own.py:fit"
    )
    seeds: int = Field(1, ge=1, le=1000, description="networks per fold, their logits averaged")
    patience: int = Field(5, ge=1, le=100_000, description="epochs without a better validation loss before stopping")
    validation: float = Field(0.15, ge=0.05, le=0.5, description="part of each training fold kept for early stopping")

    @property
    def own(self) -> tuple[tuple[str, str], ...]:
        """Field and import string of every function that the user names."""
        augment = [self.augment] if isinstance(self.augment, str) else self.augment
        named = [("loss", self.loss), ("optimiser", self.optimiser), *(("augment", name) for name in augment)]
        named += [("fit", self.fit)] if self.fit else []
        return tuple((field, name) for field, name in named if ":" in name)

    @model_validator(mode="after")
    def _one_loop(self) -> TrainingSettings:
        if self.fit is None:
            return self
        if ":" not in self.fit:
            raise ValueError(f"`fit` is an import string such as own.py:fit, not {self.fit!r}")
        loop = ("loss", "optimiser", "schedule", "augment")
        stated = [name for name in loop if getattr(self, name) != type(self).model_fields[name].default]
        if stated:
            raise ValueError(f"`fit` trains in place of the tool's own loop: leave out {', '.join(stated)}")
        return self


class TargetSettings(Section):
    """The network being audited."""

    network: str = Field("cnn", description="cnn | monai:DenseNet121 | package.module:factory | own.py:factory")
    network_arguments: Annotated[Mapping[str, Any], AfterValidator(finite_arguments)] = Field(
        default_factory=dict, description="passed to the factory"
    )
    weights: (
        Annotated[
            list[Path],
            BeforeValidator(as_list),
            Field(min_length=1, max_length=1000),
            AfterValidator(each_once),
            OrName(),
        ]
        | None
    ) = Field(
        None,
        description="weights of an already trained network: a state dict, checkpoint or folder; several: one per fold",
    )
    training_subjects: Path | None = Field(
        None, description="text file of the subjects that an already trained network has seen, one a line"
    )
    outputs: Literal["auto", "logits", "probabilities"] = Field(
        "auto", description="what an already trained network returns; auto tries it and says so"
    )
    output_classes: Annotated[list[str], AfterValidator(each_once)] | None = Field(
        None, description="classes in the order of an already trained network's outputs; default: healthy first"
    )
    layers: Annotated[list[str], AfterValidator(each_once)] | None = Field(
        None, description="module names whose features are tested; default: chosen"
    )
    training: TrainingSettings = Field(default_factory=lambda: TrainingSettings.model_validate({}))
    seeds: int | None = Field(
        None, ge=1, le=1000, description="networks per fold of the target alone; default: training.seeds"
    )

    @property
    def networks_per_fold(self) -> int:
        """How many networks of the target every fold has, unless they were made elsewhere."""
        return self.training.seeds if self.seeds is None else self.seeds

    @property
    def of_the_tool(self) -> bool:
        """Whether the network is one of the tool's, with no argument of the user's."""
        return ":" not in self.network and not self.network_arguments
