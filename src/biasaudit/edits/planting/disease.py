"""A disease of many patients: how it looks, in how many of them it can be seen, and how much they differ."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from biasaudit.edits.planting.diffuse import Diffuse, plant_diffuse
from biasaudit.edits.planting.focal import Focal, plant_focal
from biasaudit.records import BoolArray, FloatArray

__all__ = ["Disease", "plant_disease"]


@dataclass(frozen=True)
class Disease:
    """A disease and its case mix.

    Attributes
    ----------
    look : Focal or Diffuse
    visible : float
        Share of patients in whose images it can be seen at all, 0 to 1.
    spread : float
        Standard deviation over patients of the logarithm of how strong it is.
    """

    look: Focal | Diffuse
    visible: float = 1.0
    spread: float = 0.0


def plant_disease(image: FloatArray, field: BoolArray, disease: Disease, generator: np.random.Generator) -> FloatArray:
    """Make one image that of a patient.

    Parameters
    ----------
    image : float (channels, *space)
    field : bool (*space)
        Where the disease can be.
    disease : Disease
    generator : Generator
        Of the patient: the same one gives the same disease at any site.

    Returns
    -------
    float32 (channels, *space)
        Equal to `image` outside the field, and everywhere in patients whose disease cannot be seen.
    """
    seen, strength = generator.random() < disease.visible, float(np.exp(generator.normal(0, disease.spread)))
    if not seen:
        return image.astype(np.float32)
    look = disease.look
    if isinstance(look, Focal):
        return plant_focal(image, field, replace(look, contrast=strength * look.contrast), generator)
    stronger = replace(look, haze=strength * look.haze, texture=strength * look.texture)
    return plant_diffuse(image, field, stronger, generator)
