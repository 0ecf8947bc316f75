"""Settings of the reader `phantom`: simulated brains with lesions, and scanners that differ."""

from __future__ import annotations

import typing
from typing import Annotated, Literal

from pydantic import Field

from biasaudit.protocol.cohort import CohortSettings, TwoClassLabelSettings
from biasaudit.protocol.section import Names, Section, Seed

__all__ = ["SIGNATURES", "PhantomCohort", "PhantomSettings", "Signature"]

Signature = Literal["contrast", "noise", "blur", "bias_field", "gamma", "edge", "resampling"]


Strength = Annotated[float, Field(ge=-100, le=100)]


SIGNATURES: tuple[str, ...] = typing.get_args(Signature)


def _strengths(contrast: float, bias_field: float) -> dict[Signature, float]:
    return {"contrast": contrast, "bias_field": bias_field}


class PhantomSettings(Section):
    """Numbers of a simulated cohort with a planted signature (`cohort/simulation/phantom.py` uses them)."""

    n: int = Field(160, ge=8, le=100_000, description="subjects")
    design: Literal["crossed", "nested", "aliased"] = Field("nested", description="how class and site go together")
    healthy_sites: int = Field(3, ge=1, le=1000, description="sites of the healthy dataset (nested)")
    patient_sites: int = Field(
        2, ge=1, le=1000, description="sites of the patient dataset (nested); sites in all (crossed)"
    )
    confounding: float = Field(
        0.0, ge=0, le=1, description="crossed: association of class and site; 0 independent, 1 aliased"
    )
    dataset_signature: dict[Signature, Strength] = Field(
        default_factory=lambda: _strengths(contrast=1.0, bias_field=1.0),
        description="strengths that differ between the two datasets (between the sites when crossed or aliased)",
    )
    site_signature: dict[Signature, Strength] = Field(
        default_factory=lambda: _strengths(contrast=0.3, bias_field=0.3),
        description="weaker strengths that differ between sites of one dataset (nested)",
    )
    lesion_load: float = Field(1.0, ge=0, le=100, description="factor on the number of lesions")
    severity_difference: float = Field(
        0.0,
        ge=0,
        le=10,
        description="log ratio by which the lesion load of the outermost sites differs from the mean site's",
    )
    lesion_contrast: float = Field(1.0, ge=0, le=100, description="factor on how bright lesions are")
    atrophy: float = Field(
        0.0, ge=0, le=1, description="unmarked disease effect: tissue lost to CSF, share of brain volume"
    )
    age_effect: float = Field(0.0, ge=0, le=1, description="the same lost per 50 years of age")
    age_difference: float = Field(0.0, ge=-100, le=100, description="years by which patients are older on average")
    prevalence: float = Field(0.5, gt=0, lt=1, description="share of patients")
    label_noise: float = Field(
        0.0, ge=0, lt=0.5, description="share of wrong labels; sites go with the label, images show the truth"
    )
    healthy_mix: float = Field(
        0.0, ge=0, le=1, description="share of subjects, the patients among them, with a benign finding"
    )
    healthy_mix_difference: float = Field(
        0.0, ge=-1, le=1, description="by how much that share differs between the outermost sites and the mean site"
    )
    site_spread: dict[Signature, Strength] = Field(
        default_factory=dict,
        description="SD by which the images of every second half of the sites vary about their site's strengths",
    )
    spacing: float = Field(4.0, gt=0.9, le=8, description="voxel size in mm")
    seed: Seed = Field(1, description="anatomies, lesions and sites")
    truth_subjects: int = Field(
        8,
        ge=0,
        le=100_000,
        description="held-out anatomies per fold rendered at every site for R* and Omega*; 0: no truth",
    )


class PhantomCohort(CohortSettings):
    """Settings of the reader `phantom`: a simulated cohort, whose truth is known."""

    reader: Literal["phantom"]
    label: TwoClassLabelSettings = Field(
        default_factory=lambda: TwoClassLabelSettings(column="label", positive="patient", negative="healthy")
    )
    origins: Names = Field(default_factory=lambda: ["site"], min_length=1)
    min_origin_size: int = Field(1, ge=1, le=1_000_000)
    mask_is_complete: bool = True
    phantom: PhantomSettings = Field(default_factory=lambda: PhantomSettings.model_validate({}))

    @property
    def simulated(self) -> bool:
        """Always: nobody was scanned."""
        return True

    @property
    def truth_subjects(self) -> int:
        """As `PhantomSettings` says."""
        return self.phantom.truth_subjects
