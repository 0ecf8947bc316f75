"""The calibration grid: which simulated cohorts are audited, fixed by a file and a seed."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from biasaudit import seeds
from biasaudit.errors import Fault, ProtocolError
from biasaudit.protocol import SIGNATURES, PhantomCohort, Protocol

__all__ = ["Cell", "Family", "Grid", "cells", "load_grid"]

_WEAKER_TOGETHER = 0.7
_NUMBERS = (
    "lesion_load", "severity_difference", "atrophy", "age_effect", "age_difference", "prevalence", "label_noise",
    "healthy_mix", "healthy_mix_difference",
)  # fmt: skip
"""Settings of a phantom that a family draws, in this order: what came later stands at the end and moves no draw."""
FIT_EVERY = 3
"""One cohort in so many fits what the verdict needs; the others judge it."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Span(_Section):
    """Any number between two."""

    low: float
    high: float


Number = float | list[float] | Span


class Family(_Section):
    """One kind of cohort and how its numbers are drawn (`PhantomSettings` says what they mean)."""

    name: str = Field(pattern=r"^[a-z0-9-]+$")
    cohorts: int = Field(ge=1)
    quick: int = Field(0, ge=0, description="how many of them --quick audits")
    design: str | list[str]
    n: list[int]
    sites: list[int] = Field(default_factory=lambda: [2])
    confounding: Number = 0.0
    kind: Literal["none", "any"] = "none"
    strength: Number = 0.0
    site_strength: Number = 0.0
    lesion_load: Number = 1.5
    severity_difference: Number = 0.0
    atrophy: Number = 0.0
    age_effect: Number = 0.0
    age_difference: Number = 0.0
    prevalence: Number = 0.5
    label_noise: Number = 0.0
    healthy_mix: Number = 0.0
    healthy_mix_difference: Number = 0.0
    site_spread: Number = 0.0
    mask_is_complete: bool = True
    arms: list[str] = Field(default_factory=lambda: ["intensity"])
    checks: list[str]


class Grid(_Section):
    """The whole grid, and whether it measures the verdict or what the checks that support it are worth."""

    about: Literal["verdict", "checks"] = "verdict"
    version: int
    seed: int
    spacing: float
    folds: int
    epochs: int
    truth_subjects: int
    n_permutations: int
    n_bootstraps: int
    families: list[Family]


@dataclass(frozen=True)
class Cell:
    """One simulated cohort of the grid.

    Attributes
    ----------
    name : str
        ``family-003``.
    family : str
    half : str
        ``fit`` or ``judge``.
    kind : str
        Signature kind, ``mixed`` or ``none``.
    protocol : Protocol
    """

    name: str
    family: str
    half: Literal["fit", "judge"]
    kind: str
    protocol: Protocol


def load_grid(path: Path) -> Grid:
    """Read and validate a grid.

    Raises
    ------
    ProtocolError
    """
    try:
        document = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
        return Grid.model_validate(document)
    except (OSError, UnicodeDecodeError) as error:
        reason = "no such file" if isinstance(error, FileNotFoundError) else f"cannot be read ({error})"
        raise ProtocolError([Fault(str(path), reason, "give the path of a calibration grid")]) from None
    except YAMLError as error:
        raise ProtocolError([Fault(str(path), f"not valid YAML: {error}")]) from None
    except ValidationError as error:
        faults = [Fault(f"{path}: {'.'.join(map(str, each['loc']))}", each["msg"]) for each in error.errors()]
        raise ProtocolError(faults) from None


def cells(grid: Grid, *, quick: bool = False) -> list[Cell]:
    """List the cohorts, families taking turns so that any first part of the list is a fair sample of the whole.

    Parameters
    ----------
    grid : Grid
    quick : bool
        Only the few per family that the grid sets apart for a quick look.
    """
    placed: list[tuple[float, Cell]] = []
    for family in grid.families:
        count = family.quick if quick else family.cohorts
        placed.extend(((index + 0.5) / count, _cell(grid, family, index)) for index in range(count))
    return [cell for _, cell in sorted(placed, key=lambda pair: pair[0])]


def _cell(grid: Grid, family: Family, index: int) -> Cell:
    chance = seeds.generator(grid.seed, "calibration", family.name, index)
    design = str(_one_of(_as_list(family.design), chance))
    kinds = _kinds(family, chance)
    strength = _number(family.strength, chance) * (_WEAKER_TOGETHER if len(kinds) > 1 else 1.0)
    sites = int(_one_of(family.sites, chance))
    site_strength = _number(family.site_strength, chance)
    phantom: dict[str, Any] = {
        "n": int(_one_of(family.n, chance)),
        "design": design,
        "healthy_sites": sites,
        "patient_sites": sites,
        "confounding": _number(family.confounding, chance) if design == "crossed" else 0.0,
        "dataset_signature": dict.fromkeys(kinds, strength),
        "site_signature": dict.fromkeys(kinds, site_strength),
        "spacing": grid.spacing,
        "seed": seeds.seed(grid.seed, "calibration", family.name, index, "phantom"),
        "truth_subjects": grid.truth_subjects,
    }
    for name in _NUMBERS:
        phantom[name] = _number(getattr(family, name), chance)
    phantom["site_spread"] = _spread(_number(family.site_spread, chance), chance)
    name = f"{family.name}-{index:03d}"
    protocol = {
        "name": name,
        "cohort": {"reader": "phantom", "phantom": phantom, "mask_is_complete": family.mask_is_complete},
        "arms": list(family.arms),
        "target": {"training": {"epochs": grid.epochs}},
        "folds": {"n": grid.folds, "seed": seeds.seed(grid.seed, "calibration", family.name, index, "folds")},
        "checks": list(family.checks),
        "statistics": {"n_permutations": grid.n_permutations, "n_bootstraps": grid.n_bootstraps},
        "attribution": {"max_subjects": 24},
    }
    kind = "none" if strength == 0 and site_strength == 0 else kinds[0] if len(kinds) == 1 else "mixed"
    half: Literal["fit", "judge"] = "judge" if index % FIT_EVERY else "fit"
    return Cell(name, family.name, half, kind, Protocol.model_validate(protocol))


def _kinds(family: Family, chance: np.random.Generator) -> tuple[str, ...]:
    """One kind of signature, or two at once as often as any single one."""
    if family.kind == "none":
        return ()
    order = [str(kind) for kind in chance.permutation(SIGNATURES)]
    return tuple(order[:2]) if chance.integers(len(SIGNATURES) + 1) == 0 else (order[0],)


def _spread(size: float, chance: np.random.Generator) -> dict[str, float]:
    """One or two kinds in which the images of some sites vary; nothing is drawn where none do."""
    if size == 0:
        return {}
    return dict.fromkeys((str(kind) for kind in chance.permutation(SIGNATURES)[: 1 + chance.integers(2)]), size)


def _number(value: Number, chance: np.random.Generator) -> float:
    if isinstance(value, Span):
        return round(float(chance.uniform(value.low, value.high)), 3)
    return float(_one_of(value, chance)) if isinstance(value, list) else float(value)


def _one_of(values: typing.Sequence[Any], chance: np.random.Generator) -> Any:
    return values[int(chance.integers(len(values)))]


def _as_list(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def describe(cell: Cell) -> Mapping[str, Any]:
    """Columns that say what was simulated."""
    cohort = cell.protocol.cohort
    assert isinstance(cohort, PhantomCohort)
    phantom = cohort.phantom
    columns: Iterable[str] = ("design", "n", "patient_sites", "confounding", *_NUMBERS)
    strength = max(phantom.dataset_signature.values(), default=0.0)
    return {
        "cohort": cell.name,
        "family": cell.family,
        "half": cell.half,
        "kind": cell.kind,
        "strength": strength,
        **{name: getattr(phantom, name) for name in columns},
        "site_spread": max(phantom.site_spread.values(), default=0.0),
    }
