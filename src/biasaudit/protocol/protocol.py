"""The protocol: the frozen plan of an audit, one section per question that its author answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, SerializeAsAny, model_validator

from biasaudit.protocol.code import AllowedCode
from biasaudit.protocol.cohort import CohortSettings
from biasaudit.protocol.reader_settings import OfItsReader
from biasaudit.protocol.section import Names, OrName, Section, Seed, each_once
from biasaudit.protocol.spike_in import SpikeInSettings
from biasaudit.protocol.target import TargetSettings, finite_arguments
from biasaudit.records import Recipe

__all__ = [
    "ArmSettings",
    "AttributionSettings",
    "CombatSettings",
    "FoldSettings",
    "GridSettings",
    "LeakageSettings",
    "LearnedSettings",
    "Protocol",
    "StatisticsSettings",
    "VerdictSettings",
]


def _as_arm(value: Any) -> Any:
    """Name an arm after its representation, or after the function in a file or module."""
    return {"name": value.rpartition(":")[2], "representation": value} if isinstance(value, str) else value


class GridSettings(Section):
    """The common grid; images must already be aligned."""

    spacing: float | None = Field(
        None,
        ge=0.001,
        le=50,
        description="mm; default: as the images are, but not finer than 4 mm in 3-D, unless they are small",
    )
    reference: Path | None = Field(None, description="NIfTI file whose grid is taken")
    shape: list[Annotated[int, Field(ge=1, le=100_000)]] | None = Field(
        None, min_length=2, max_length=2, description="pictures: height, width in pixels"
    )
    max_voxels: int = Field(100_000_000, ge=1, le=10**10, description="largest grid; a finer one is refused")


class ArmSettings(Section):
    """One input of the network, audited from training to verdict."""

    name: str = Field(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$", max_length=60)
    representation: str = Field(description="a registered one, own.py:function or package.module:function")
    training: Literal["all", "balanced"] = Field(
        "all", description="balanced: within every origin (primary factor) as many images of each class to train on"
    )

    @property
    def input(self) -> str:
        """Name of the representation without the folder of a file, on which no random stream may depend."""
        file, colon, function = self.representation.rpartition(":")
        return f"{Path(file).name}:{function}" if colon and file.endswith(".py") else self.representation

    @property
    def recipe(self) -> Recipe:
        """The input and the selection of training images; arms with one recipe share networks."""
        return Recipe(self.input, balanced=self.training == "balanced")


class FoldSettings(Section):
    """Cross-validation, grouped by subject, stratified by class and origin, the same for every arm and control."""

    n: int = Field(5, ge=2, le=1000)
    seed: Seed = 20261123


class StatisticsSettings(Section):
    """How tests and intervals are computed."""

    alpha: float = Field(0.05, ge=1e-6, lt=0.5)
    n_permutations: int = Field(2000, ge=99, le=1_000_000)
    n_bootstraps: int = Field(2000, ge=99, le=1_000_000)
    scope: Literal["verdict", "audit"] = Field(
        "verdict", description="tests that are corrected together: of one arm and origin factor, or of the whole audit"
    )


class VerdictSettings(Section):
    """Thresholds of reliance and of AUC between the verdicts."""

    high: float = Field(0.5, gt=0, lt=1, description="reliance whose lower bound above this is ORIGIN")
    low: float = Field(0.1, ge=0, lt=1, description="reliance whose lower bound above this is MIXED")
    tolerance: float = Field(0.25, gt=0, lt=1, description="PATHOLOGY needs an upper bound of reliance below this")
    delta: float = Field(0.10, gt=0, lt=0.5, description="PATHOLOGY: |AUC of origin within class - .5| below this")

    @model_validator(mode="after")
    def _ordered(self) -> VerdictSettings:
        if not self.low <= self.tolerance <= self.high:
            raise ValueError(f"expected low <= tolerance <= high, not {self.low}, {self.tolerance}, {self.high}")
        return self


class LeakageSettings(Section):
    """When two images count as images of one subject (D3)."""

    height: float = Field(
        7.0, gt=0, le=1000, description="robust standard deviations above the similarity of two subjects"
    )
    correlation: float = Field(0.5, gt=0, lt=1, description="smallest correlation of two images of one subject")


class AttributionSettings(Section):
    """How attribution maps are made."""

    method: str = "integrated_gradients"
    arguments: Annotated[Mapping[str, Any], AfterValidator(finite_arguments)] = Field(
        default_factory=dict, description="of a method of Captum, captum:<Class>: layer, nt_samples, seed and the like"
    )
    baseline: Literal["origin_balanced", "blurred", "zero"] = Field(
        "origin_balanced", description="what images are compared with: the healthy mean, themselves blurred, or zero"
    )
    steps: int = Field(16, ge=2, le=10_000, description="points on the path; doubled until complete")
    completeness: float = Field(0.05, gt=0, le=1, description="largest relative completeness error accepted")
    max_steps: int = Field(64, ge=2, le=100_000)
    max_subjects: int = Field(40, ge=4, le=1_000_000, description="held-out subjects per class that get a map")
    references: int = Field(
        8, ge=1, le=10_000, description="expected gradients: healthy images compared with one by one"
    )
    deleted: float = Field(
        0.05, gt=0, lt=0.5, description="G2: share of the foreground that is deleted where relevance is largest"
    )
    stability: float = Field(
        0.5, ge=0, lt=1, description="G2: smallest cosine between the change of two networks' maps from class to class"
    )
    smoothing: float = Field(
        0.1, ge=0, lt=1, description="G2, U7: maps are compared smoothed by this share of the grid's side"
    )
    following: float = Field(
        0.25,
        gt=0,
        le=100,
        description="U7: change between origins, as a share of that between classes, that is a concern",
    )
    patch: int = Field(8, ge=1, le=1000, description="side of an occluded cube and of a supervoxel, voxels")
    stride: int = Field(8, ge=1, le=1000, description="distance between occluded cubes, voxels")
    atlas: Path | None = Field(None, description="atlas of regions for region ablation and U8; supervoxels if left out")
    tfce: bool = Field(False, description="U8 also tests clusters (threshold-free cluster enhancement)")


class LearnedSettings(Section):
    """How learned units and preferred images are chosen; they illustrate and enter no verdict."""

    enabled: bool = Field(True, description="false: rank no units and make no preferred images")
    units: int = Field(1, ge=1, le=8, description="units per layer and ranking (origin, pathology) that are shown")
    steps: int = Field(32, ge=2, le=10_000, description="steps of activation maximisation")


class CombatSettings(Section):
    """How the arm `combat` harmonises features between origins (primary factor)."""

    keep: Names = Field(
        default_factory=list, description="covariates whose effect is kept, such as age and sex; never the class"
    )
    min_training: int = Field(
        5, ge=2, le=1_000_000, description="training subjects that every origin needs in every fold"
    )


class Protocol(Section):
    """The frozen plan of an audit (contract: ``examples/protocol.yaml``)."""

    schema_version: Literal[1] = 1
    allow_code: AllowedCode = Field(
        default_factory=list,
        description="packages that functions may come from, and paths outside of the protocol's folder",
    )
    name: str = Field("audit", max_length=200, pattern=r"^[^\n\t]*$")
    cohort: Annotated[SerializeAsAny[CohortSettings], OfItsReader()]
    grid: GridSettings = Field(default_factory=lambda: GridSettings.model_validate({}))
    arms: list[Annotated[ArmSettings, BeforeValidator(_as_arm), OrName()]] = Field(
        default_factory=lambda: [ArmSettings(name="intensity", representation="intensity")], min_length=1
    )
    target: TargetSettings = Field(default_factory=lambda: TargetSettings.model_validate({}))
    folds: FoldSettings = Field(default_factory=lambda: FoldSettings.model_validate({}))
    checks: Literal["default"] | Annotated[list[str], Field(min_length=1), AfterValidator(each_once)] = "default"
    statistics: StatisticsSettings = Field(default_factory=lambda: StatisticsSettings.model_validate({}))
    verdict: VerdictSettings = Field(default_factory=lambda: VerdictSettings.model_validate({}))
    attribution: AttributionSettings = Field(default_factory=lambda: AttributionSettings.model_validate({}))
    learned: LearnedSettings = Field(default_factory=lambda: LearnedSettings.model_validate({}))
    leakage: LeakageSettings = Field(default_factory=lambda: LeakageSettings.model_validate({}))
    spike_in: SpikeInSettings = Field(default_factory=lambda: SpikeInSettings.model_validate({}))
    combat: CombatSettings = Field(default_factory=lambda: CombatSettings.model_validate({}))
    calibration: Path | None = Field(
        None,
        description="own-rates.json of `biasaudit calibrate --cohort`: error rates measured on copies of these very "
        "images, which the report then prints; relative to the protocol",
    )
    pseudonymise: bool = Field(
        False, description="write salted hashes in the place of subjects and file names into every output"
    )

    @property
    def code(self) -> tuple[tuple[str, str], ...]:
        """Key and import string of every function that the protocol names, but for networks of MONAI."""
        network = self.target.network
        named = [] if network.startswith("monai:") else [("target.network", network)]
        named += [(f"target.training.{field}", name) for field, name in self.target.training.own]
        named += [(f"arms.{place}", arm.representation) for place, arm in enumerate(self.arms)]
        return tuple((key, name) for key, name in named if ":" in name)

    @model_validator(mode="after")
    def _distinct_arms(self) -> Protocol:
        names = [arm.name.lower() for arm in self.arms]
        twice = sorted({arm.name for arm in self.arms if names.count(arm.name.lower()) > 1})
        if twice:
            raise ValueError(f"two arms are called {twice[0]!r}; give each a `name`")
        return self
