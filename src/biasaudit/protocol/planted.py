"""Settings of the reader `planted`: copies of real images in which a disease and a signature were planted."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, SerializeAsAny, model_validator

from biasaudit.protocol.cohort import CohortSettings, TwoClassLabelSettings
from biasaudit.protocol.reader_settings import OfItsReader
from biasaudit.protocol.section import Names, Section, Seed
from biasaudit.protocol.spike_in import PlantKind

__all__ = ["DiseaseSettings", "PlantedCohort", "PlantingSettings"]

Share = Annotated[float, Field(ge=0, le=1)]


class DiseaseSettings(Section):
    """The disease that is planted, and how it differs between patients."""

    look: Literal["focal", "diffuse"] = Field("focal", description="spots, or haze and grain all over the field")
    strength: float = Field(1.0, gt=0, le=100, description="factor on its contrast; 1 is plain to see in most images")
    visible: Share = Field(1.0, description="share of patients in whose images it can be seen at all")
    spread: float = Field(0.15, ge=0, le=5, description="standard deviation over patients of the log of its strength")


class PlantingSettings(Section):
    """What is planted in the copies, and in whom."""

    source: str | None = Field(None, description="class whose images are copied; default: all, whatever theirs")
    design: Literal["crossed", "nested", "aliased"] = Field("aliased", description="how class and site go together")
    prevalence: float = Field(0.5, gt=0, lt=1, description="share of the copies that are called patients")
    confounding: float = Field(
        0.0, ge=-1, le=1, description="crossed: site 2 among patients less site 2 among the healthy, as shares"
    )
    signature: dict[PlantKind, Annotated[float, Field(ge=0, le=100)]] = Field(
        default_factory=dict, description="kinds of signature of site 2 and their strengths; none: a clean copy"
    )
    disease: DiseaseSettings = Field(default_factory=lambda: DiseaseSettings.model_validate({}))
    benign: Share = Field(0.0, description="share of images, ill or not, with a small benign finding")
    mislabelled: Annotated[float, Field(ge=0, lt=0.5)] = Field(0.0, description="share of wrong labels")
    masks: bool = Field(False, description="mark where the disease was planted")
    probes: int = Field(
        0, ge=0, le=100_000, description="healthy copies of site 2 that are never trained on and only scored"
    )
    seed: Seed = Field(1, description="who is called a patient, where the disease lies, what the sites look like")
    truth_subjects: int = Field(
        40, ge=0, le=100_000, description="held-out images per fold that are made again at every site for R* and Omega*"
    )


class PlantedCohort(CohortSettings):
    """Settings of the reader `planted`: whatever another reader reads, with a disease and a signature planted."""

    reader: Literal["planted"]
    of: Annotated[SerializeAsAny[CohortSettings], OfItsReader("planted")] = Field(
        description="section `cohort` of the images that are copied"
    )
    label: TwoClassLabelSettings = Field(
        default_factory=lambda: TwoClassLabelSettings(column="label", positive="patient", negative="healthy")
    )
    origins: Names = Field(default_factory=lambda: ["site"], min_length=1, max_length=1)
    min_origin_size: int = Field(1, ge=1, le=1_000_000)
    planting: PlantingSettings = Field(default_factory=lambda: PlantingSettings.model_validate({}))

    @model_validator(mode="after")
    def _of_images(self) -> PlantedCohort:
        if not self.of.has_images or self.of.simulated:
            raise ValueError("`of` must be a cohort of real images: nothing can be planted in anything else")
        return self

    @property
    def simulated(self) -> bool:
        """Always: nobody has the disease that was planted."""
        return True

    @property
    def truth_subjects(self) -> int:
        """As `PlantingSettings` says."""
        return self.planting.truth_subjects
