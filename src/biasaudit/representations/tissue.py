"""Tissue probability maps as network input: the user's own, or a Gaussian mixture with atlas priors."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from biasaudit.records import FloatArray, Grid, Volume
from biasaudit.registry import register
from biasaudit.representations.representation import Shown

__all__ = ["TissueRepresentation", "tissue_maps"]

_ITERATIONS = 12
_OUTLIER_WEIGHT = 0.1
_FIT_VOXELS = 20_000


@register("representation", "tissue")
class TissueRepresentation:
    """GM, WM and CSF probability, and a fourth map of lesions.

    When computed here the fourth holds bright outliers. Maps that the user supplies are taken as they are; where there
    is no lesion map among them the fourth is empty. A reader's pathology mask is never an input: only patients have
    one, so it would be the label.
    """

    shows: ClassVar[Shown] = "tissue"
    shows_pathology: ClassVar[bool] = True
    needs_priors: ClassVar[bool] = True
    remedy: ClassVar[str] = "tissue probability maps"
    caution: ClassVar[str] = (
        "Tissue maps were computed by a Gaussian mixture with MNI152 priors, without bias-field correction or "
        "registration: an approximation."
    )

    def channels(self, image_channels: int) -> int:
        """Return 4: GM, WM, CSF, lesions."""
        return 4

    def transform(self, volume: Volume, priors: FloatArray | None, grid: Grid) -> FloatArray:
        """Return the network input, float32 (4, *shape), in [0, 1].

        Raises
        ------
        ValueError
            If there are neither maps nor priors.
        """
        if volume.tissue is not None:
            return np.concatenate([volume.tissue, np.zeros_like(volume.tissue[:1])])[:4].astype(np.float32)
        if priors is None:
            raise ValueError("tissue maps need the user's own maps, or 3-D images in MNI152 space")
        return tissue_maps(volume.image[0], volume.foreground, priors)


def tissue_maps(image: FloatArray, inside: np.ndarray, priors: FloatArray) -> FloatArray:
    """Segment one image by a Gaussian mixture with spatial priors.

    Unified-segmentation-like expectation maximisation (Ashburner & Friston 2005,
    doi:10.1016/j.neuroimage.2005.02.018) without bias field and deformation, with a uniform class for voxels that are
    brighter than every tissue and lie where white matter may be (lesions on FLAIR and T2; Van Leemput et al. 2001,
    doi:10.1109/42.938237). An approximation: the report says so.

    Parameters
    ----------
    image : float (*shape)
    inside : bool (*shape)
    priors : float (3, *shape)
        GM, WM, CSF.

    Returns
    -------
    float32 (4, *shape)
        GM, WM, CSF, outlier; 0 outside, summing to 1 inside.
    """
    maps = np.zeros((4, *image.shape), dtype=np.float32)
    if not inside.any():
        return maps
    values = image[inside].astype(np.float64)
    prior = priors[:, inside].astype(np.float64) + 1e-3
    prior /= prior.sum(0)
    step = max(1, values.size // _FIT_VOXELS)
    means, variances = _fit(values[::step], prior[:, ::step])
    maps[:, inside] = _posterior(values, prior, means, variances)
    return maps


def _fit(values: FloatArray, prior: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Fit by expectation maximisation from the prior-weighted moments."""
    weights = prior**2
    for _ in range(_ITERATIONS):
        total = weights.sum(1) + 1e-9
        means = weights @ values / total
        variances = (weights * (values - means[:, None]) ** 2).sum(1) / total
        variances = np.maximum(variances, 1e-4 * values.var() + 1e-12)
        weights = _posterior(values, prior, means, variances)[:3]
    return means, variances


def _posterior(values: FloatArray, prior: FloatArray, means: FloatArray, variances: FloatArray) -> FloatArray:
    deviation = (values - means[:, None]) ** 2 / variances[:, None]
    likelihood = prior * np.exp(-0.5 * deviation) / np.sqrt(2 * np.pi * variances)[:, None]
    bright = np.max(means + 2 * np.sqrt(variances) * (means > means.min()))
    span = max(float(values.max()) - bright, 1e-6)
    outlier = _OUTLIER_WEIGHT * prior[1] * (values > bright) / span
    joint = np.vstack([likelihood, outlier[None]]) + 1e-30
    return np.asarray(joint / joint.sum(0), dtype=np.float64)
