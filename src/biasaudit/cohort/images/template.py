"""Tissue priors of the MNI152 space, read at run time from the installed nilearn package.

The maps are the ICBM 2009 non-linear averages (Fonov et al. 2011, doi:10.1016/j.neuroimage.2010.07.033) that nilearn
ships; nothing of them is stored with biasaudit.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from nilearn import datasets
from scipy import ndimage

from biasaudit.cohort.images.geometry import spacing_of
from biasaudit.records import FloatArray, Grid

__all__ = ["mni_grid", "tissue_priors"]

_BRAIN_CENTRE = (0.0, -16.0, 6.0)
_FIELD_OF_VIEW = (192.0, 224.0, 192.0)


def mni_grid(spacing: float) -> Grid:
    """Grid around the MNI152 brain: 48 x 56 x 48 voxels at 4 mm.

    Parameters
    ----------
    spacing : float
        Voxel size in millimetres.
    """
    shape = tuple(round(extent / spacing) for extent in _FIELD_OF_VIEW)
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = [centre - (n - 1) / 2 * spacing for centre, n in zip(_BRAIN_CENTRE, shape, strict=True)]
    return Grid(shape, tuple(tuple(float(value) for value in row) for row in affine))


def tissue_priors(grid: Grid) -> FloatArray:
    """Prior probability of GM, WM and CSF at every voxel of a grid in MNI152 space.

    Parameters
    ----------
    grid : Grid
        Three-dimensional, with an affine.

    Returns
    -------
    float32 (3, *shape)
        In [0, 1]; CSF is brain minus GM minus WM; their sum is the probability of brain.
    """
    if grid.affine is None:
        raise ValueError("tissue priors exist in millimetre space only; this grid has no affine")
    return _tissue_priors(grid)


@lru_cache(maxsize=2)
def _tissue_priors(grid: Grid) -> FloatArray:
    resolution = max(1, min(2, int(min(grid.spacing))))
    load = (
        datasets.load_mni152_gm_template,
        datasets.load_mni152_wm_template,
        datasets.load_mni152_brain_mask,
    )
    grey, white, brain = (_resample(function(resolution=resolution), grid) for function in load)
    fluid = np.clip(brain - grey - white, 0.0, 1.0)
    return np.stack([grey, white, fluid]).astype(np.float32)


def _resample(image: object, grid: Grid) -> FloatArray:
    data = np.asarray(image.get_fdata(), dtype=np.float32)  # type: ignore[attr-defined]
    source = np.asarray(image.affine)  # type: ignore[attr-defined]
    spacing = spacing_of(source)
    # Half the ratio of the spacings, in source voxels, is the usual guard against aliasing.
    sigma = np.maximum(0.0, 0.5 * np.asarray(grid.spacing) / spacing - 0.5)
    smooth = ndimage.gaussian_filter(data, sigma)
    to_source = np.linalg.inv(source) @ np.asarray(grid.affine)
    sampled = ndimage.affine_transform(smooth, to_source[:3, :3], to_source[:3, 3], grid.shape, order=1)
    return np.asarray(np.clip(sampled, 0.0, 1.0))
