"""Features with the mean and spread of every origin moved to the cohort's: ComBat, learnt from training rows alone."""

from __future__ import annotations

import importlib.util
from typing import ClassVar

import numpy as np

from biasaudit.records import FloatArray, Grid, Volume
from biasaudit.registry import register
from biasaudit.representations.representation import Shown

__all__ = ["CombatRepresentation", "combat_installed", "harmonise"]


@register("representation", "combat")
class CombatRepresentation:
    """Columns of a table, harmonised between origins; `harmonise` is asked once per fold, for the table as a whole.

    The class is never among the covariates that are kept: to keep it in a held-out subject its class would have to be
    known, which is the question. Where classes are not equally frequent at all origins, ComBat therefore removes part
    of the disease with the origin.
    """

    shows: ClassVar[Shown] = "features"
    shows_pathology: ClassVar[bool] = True
    needs_priors: ClassVar[bool] = False
    remedy: ClassVar[str] = "features harmonised between origins by ComBat"
    caution: ClassVar[str] = ""

    def channels(self, image_channels: int) -> int:
        """Network input channels for a cohort with that many image channels."""
        return image_channels

    def transform(self, volume: Volume, priors: FloatArray | None, grid: Grid) -> FloatArray:
        """Return the values that `harmonise` starts from, as they were read; float32 (channels, *shape)."""
        return np.array(volume.image, dtype=np.float32)

    def harmonise(
        self, inputs: FloatArray, training: np.ndarray, origin: np.ndarray, kept: FloatArray | None
    ) -> FloatArray:
        """Harmonise all inputs (n, channels, *shape) by the training rows; the rest is as for the function."""
        flat = harmonise(inputs.reshape(len(inputs), -1), training, origin, kept)
        return flat.reshape(inputs.shape).astype(np.float32)


def harmonise(
    features: FloatArray, training: np.ndarray, origin: np.ndarray, kept: FloatArray | None = None
) -> FloatArray:
    """Move every origin's mean and spread of each feature to the common ones, by training rows alone.

    ComBat: a location and scale model of each feature whose effects of an origin are shrunk by empirical Bayes over
    the features (Johnson, Li & Rabinovic 2007, doi:10.1093/biostatistics/kxj037; with covariates that are kept,
    Fortin et al. 2018, doi:10.1016/j.neuroimage.2017.11.024), as the package pycombat computes it.

    Parameters
    ----------
    features : float (n, d)
        Two or more features.
    training : int (m,)
        Rows that the model is fitted to, two or more of every origin.
    origin : str (n,)
    kept : float (n, k), optional
        Covariates whose linear effect is held fixed, categories as columns of 0 and 1.

    Returns
    -------
    float (n, d)

    Raises
    ------
    ValueError
        An origin has no training rows, or the result is not finite.
    """
    from pycombat import Combat  # an extra, needed by this arm alone

    unseen = sorted(set(origin.tolist()) - set(origin[training].tolist()))
    if unseen:
        raise ValueError(f"ComBat cannot harmonise {unseen[0]!r}: no subject of it is among the training rows")
    table = np.asarray(features, dtype=np.float64)
    covariates = None if kept is None or not kept.shape[1] else np.asarray(kept, dtype=np.float64)
    with np.errstate(divide="ignore", invalid="ignore"):
        # Its first step divides by the spread of a feature that is constant at one origin.
        model = Combat().fit(table[training], origin[training], None if covariates is None else covariates[training])
        moved = np.asarray(model.transform(table, origin, covariates), dtype=np.float64)
    if not np.isfinite(moved).all():
        raise ValueError("ComBat gave values that are not finite: a feature does not vary within any origin")
    return moved


def combat_installed() -> bool:
    """Whether the package that computes ComBat is there."""
    return importlib.util.find_spec("pycombat") is not None
