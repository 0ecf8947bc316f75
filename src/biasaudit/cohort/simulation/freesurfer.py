"""Simulated tables of features with the columns that FreeSurfer exports: thicknesses and volumes of regions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from biasaudit.records import BoolArray, FloatArray

__all__ = ["Strengths", "feature_names", "simulated_features"]

# Regions of the Desikan-Killiany atlas (Desikan et al. 2006, doi:10.1016/j.neuroimage.2006.01.021).
_CORTEX = (
    "bankssts caudalanteriorcingulate caudalmiddlefrontal cuneus entorhinal fusiform inferiorparietal "
    "inferiortemporal isthmuscingulate lateraloccipital lateralorbitofrontal lingual medialorbitofrontal "
    "middletemporal parahippocampal paracentral parsopercularis parsorbitalis parstriangularis pericalcarine "
    "postcentral posteriorcingulate precentral precuneus rostralanteriorcingulate rostralmiddlefrontal "
    "superiorfrontal superiorparietal superiortemporal supramarginal frontalpole temporalpole transversetemporal "
    "insula"
)
# Structures of the automatic segmentation with a usual volume, mm^3.
_STRUCTURES = {
    "Lateral-Ventricle": 12000.0,
    "Thalamus": 7000.0,
    "Caudate": 3500.0,
    "Putamen": 5000.0,
    "Pallidum": 1900.0,
    "Hippocampus": 3900.0,
    "Amygdala": 1500.0,
}
_THICKNESS, _THICKNESS_SD, _VOLUME_SD = 2.5, 0.15, 0.12
_SHARED = 0.5
_ILL = ("entorhinal", "parahippocampal", "fusiform", "inferiortemporal", "Hippocampus", "Amygdala")
_YEARS, _MEAN_AGE = 12.0, 70.0


@dataclass(frozen=True)
class Strengths:
    """Sizes of the planted effects, in standard deviations between subjects of one site and class.

    Attributes
    ----------
    disease : float
        Loss in each of the regions that the disease takes.
    site : float
        Standard deviation of the offsets of a site over the other features.
    age : float
        Loss in every feature over 12 years.
    site_in_disease : float
        Standard deviation of the offsets of a site over the regions that the disease takes.
    """

    disease: float = 0.35
    site: float = 1.0
    age: float = 0.3
    site_in_disease: float = 0.0


def feature_names() -> tuple[str, ...]:
    """Columns: ``lh_entorhinal_thickness`` ... ``Right-Amygdala``."""
    cortex = [f"{side}_{region}_thickness" for side in ("lh", "rh") for region in _CORTEX.split()]
    return (*cortex, *(f"{side}-{name}" for side in ("Left", "Right") for name in _STRUCTURES))


def simulated_features(
    positive: BoolArray,
    site: npt.NDArray[np.intp],
    age: FloatArray,
    strengths: Strengths,
    chance: np.random.Generator,
    sites: int,
) -> pd.DataFrame:
    """Simulate one row of features per subject; the same stream gives the same subjects at other sites.

    Parameters
    ----------
    positive : bool (n,)
    site : int (n,)
        Number of the site, from 0.
    age : float (n,)
        Years.
    strengths : Strengths
    chance : Generator
    sites : int
        Sites in all.

    Returns
    -------
    DataFrame
        Thickness in mm, volumes in mm^3.
    """
    names = feature_names()
    ill = np.array([any(region in name for region in _ILL) for name in names])
    offsets = chance.normal(0, 1, (sites, len(names)))
    offsets *= np.where(ill, strengths.site_in_disease, strengths.site)
    shared = chance.normal(0, 1, (len(positive), 1))
    values = np.sqrt(1 - _SHARED**2) * chance.normal(0, 1, (len(positive), len(names))) + _SHARED * shared
    values += offsets[site] - strengths.age * (age[:, None] - _MEAN_AGE) / _YEARS
    values -= strengths.disease * positive[:, None] * ill
    table = pd.DataFrame(values, columns=list(names))
    return table.apply(_in_units)


def _in_units(column: pd.Series[float]) -> pd.Series[float]:
    structure = str(column.name).partition("-")[2]
    if structure not in _STRUCTURES:
        return (_THICKNESS + _THICKNESS_SD * column).round(3)
    # Ventricles grow where tissue is lost.
    sign = -1 if structure == "Lateral-Ventricle" else 1
    return (_STRUCTURES[structure] * (1 + _VOLUME_SD * sign * column).clip(lower=0.1)).round(1)
