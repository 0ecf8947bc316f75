"""Section `spike_in`: what G3 plants in a copy of the cohort."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from biasaudit.protocol.section import Section, each_once

__all__ = ["PlantKind", "RungSettings", "SpikeInSettings"]

PlantKind = Literal[
    "zoom",
    "shading",
    "tone",
    "curve",
    "cast",
    "ghost",
    "ringing",
    "blur",
    "resampling",
    "noise",
    "compression",
    "border",
    "glyph",
    "ruler",
]
"""Kinds of signature that can be planted, in the order of an acquisition."""


class RungSettings(Section):
    """How hard it is made for a network to do without the plant."""

    strength: float = Field(1.0, gt=0, le=10, description="of the plant; 1 is plain to see")
    mislabelled: float = Field(
        0.0, ge=0, lt=0.5, description="share of the images whose label is turned in the copy, and the plant with it"
    )


_RUNGS = ((1.0, 0.0), (1.0, 0.1), (1.0, 0.2), (1.0, 0.3))


class SpikeInSettings(Section):
    """The plants that are tried one after another until the retrained network takes one up (G3)."""

    kinds: Annotated[list[PlantKind], Field(min_length=1), AfterValidator(each_once)] | None = Field(
        None, description="kinds of signature; default: all, in an order drawn by the seed of the folds"
    )
    together: int = Field(3, ge=1, le=14, description="kinds that one plant is made of, as scanners differ in several")
    rungs: list[RungSettings] = Field(
        default_factory=lambda: [RungSettings(strength=s, mislabelled=m) for s, m in _RUNGS],
        min_length=1,
        max_length=20,
        description="tried in this order; the last one with other kinds too; each trains two networks for each fold",
    )
    size: float = Field(
        0.3,
        gt=0,
        le=10,
        description="largest root mean square of what strength 1 changes, in standard deviations of the input",
    )
    groups: int = Field(3, ge=1, le=14, description="most groups of kinds that are tried")
