"""Plant in one real image the disease and the signature that a copy of a cohort asks for."""

from __future__ import annotations

from dataclasses import replace
from functools import cached_property

import numpy as np
from scipy import ndimage

from biasaudit import seeds
from biasaudit.cohort.images.field import FieldOf, support_of
from biasaudit.edits.planting.chance import chance
from biasaudit.edits.planting.diffuse import Diffuse
from biasaudit.edits.planting.disease import Disease, plant_disease
from biasaudit.edits.planting.focal import Focal
from biasaudit.edits.planting.signature import plant_signature
from biasaudit.protocol.planted import DiseaseSettings, PlantingSettings
from biasaudit.records import BoolArray, FloatArray, Sample, Volume

__all__ = ["Planter", "disease_of", "sites_of"]

MARGIN = 2
"""Pixels between the disease and the rim of its field, which edits of what lies outside of the field need."""

_RADIUS, _CONTRAST, _SPOTS, _GRAIN = 0.105, 5.0, 3, 0.4
_HAZE, _TEXTURE = 1.0, 1.0
_BENIGN = Disease(Focal(0.04, -3.0, 2))
_MARKED = 0.05
"""Share of the largest change from which a pixel is marked as diseased."""

_TWO_SITES = (("site-1",), ("site-2",))
_SITES = {"crossed": _TWO_SITES, "aliased": _TWO_SITES, "nested": (("a1", "a2"), ("b1", "b2"))}
"""The sites of either dataset, by design; those of the second dataset have the signature, and share its look."""


def sites_of(design: str) -> tuple[str, ...]:
    """Name the sites of a design, in order; those of the second half have the signature."""
    plain, signed = _SITES[design]
    return (*plain, *signed)


def disease_of(settings: DiseaseSettings) -> Disease:
    """Make the disease that the settings describe; strength 1 of either look is plain to see."""
    strength, mix = settings.strength, {"visible": settings.visible, "spread": settings.spread}
    if settings.look == "focal":
        return Disease(Focal(_RADIUS, _CONTRAST * strength, _SPOTS, texture=_GRAIN), **mix)
    return Disease(Diffuse(haze=_HAZE * strength, texture=_TEXTURE * strength), **mix)


class Planter:
    """Plants in one image, as any site would have taken it.

    Parameters
    ----------
    settings : PlantingSettings
    sample : Sample
    volume : Volume
        The image as it is.
    field_of : FieldOf or None
        Gives the declared field.
    """

    def __init__(self, settings: PlantingSettings, sample: Sample, volume: Volume, field_of: FieldOf | None) -> None:
        self.settings, self._sample, self._volume, self._field_of = settings, sample, volume, field_of

    def planted(self, site: str, *, ill: bool) -> Volume:
        """Return the image as a site would have taken it, of a patient or not; the mask of one called a patient."""
        settings, name = self.settings, self._sample.subject
        image = self._diseased if ill else self._subject
        signed = image
        if site in _SITES[settings.design][1]:
            strengths = dict[str, float](settings.signature.items())
            signed = plant_signature(image, strengths, chance(settings.seed, "planted", name))
        return replace(
            self._volume,
            image=np.asarray(np.where(self._air, 0.0, signed), dtype=np.float32),
            mask=self._marked if self._sample.has_mask else np.zeros_like(self._volume.mask),
            tissue=None,
            maps=None,
        )

    @cached_property
    def _subject(self) -> FloatArray:
        """The image, with a benign finding where its subject was drawn to have one."""
        generator = seeds.generator(self.settings.seed, "planted", "benign", self._sample.subject)
        if generator.random() >= self.settings.benign:
            return self._volume.image
        return plant_disease(self._volume.image, self._room, _BENIGN, generator)

    @cached_property
    def _room(self) -> BoolArray:
        """Where the disease is planted: inside the declared field, else inside the foreground, off its rim."""
        place = self._volume.foreground
        if self._field_of is not None:
            place = self._field_of(self._sample.field, place) & support_of(self._volume)
        inner = ndimage.binary_erosion(place, iterations=MARGIN)
        return np.asarray(inner if inner.any() else place)

    @cached_property
    def _air(self) -> BoolArray:
        """Voxels around a stripped brain, where no scanner leaves anything; of a picture none."""
        return np.asarray(~support_of(self._volume) & (self._volume.image[0] == 0))

    @cached_property
    def _diseased(self) -> FloatArray:
        """The image with the disease that its subject has, or would have."""
        generator = seeds.generator(self.settings.seed, "planted", "disease", self._sample.subject)
        return plant_disease(self._subject, self._room, disease_of(self.settings.disease), generator)

    @cached_property
    def _marked(self) -> BoolArray:
        """Where the disease is; of one who is called a patient and is none, where somebody took it to be."""
        change = np.abs(self._diseased - self._subject).max(axis=0)
        if change.max() == 0:  # a disease that cannot be seen is marked where it can be
            return self._room
        return np.asarray(change > _MARKED * change.max())
