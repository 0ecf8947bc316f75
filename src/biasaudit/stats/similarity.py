"""Measure how alike attribution maps are: signed cosines, group differences, and whether one follows another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from biasaudit.stats.permutation import p_value, permutation_indices

__all__ = ["Following", "cosines", "difference_weights", "following_test", "sign_flip_test", "smoothed"]

Floats = npt.NDArray[np.floating[Any]]

KNOWN = 0.01
"""Largest p-value at which the second network's change counts as the same from fold to fold."""


@dataclass(frozen=True)
class Following:
    """How far one network's maps differ between groups as another's do.

    Attributes
    ----------
    change : float (k,)
        Without its sign, how far the first network's maps change between the groups of each contrast along the
        second's change; in the unit of the maps.
    cosine : float (k,)
        Signed, between the two changes; mean over the copies of both.
    p_value : float
        Of the largest change over contrasts, against subjects permuted within strata.
    """

    change: Floats
    cosine: Floats
    p_value: float


def cosines(first: npt.ArrayLike, second: npt.ArrayLike) -> Floats:
    """Signed cosine of every pair of maps.

    Parameters
    ----------
    first, second : float (..., voxels)

    Returns
    -------
    float (...)
        From -1 to 1; 0 where a map is zero.
    """
    left, right = (np.asarray(maps, dtype=np.float64) for maps in (first, second))
    size = np.linalg.norm(left, axis=-1) * np.linalg.norm(right, axis=-1)
    product = np.einsum("...j,...j->...", left, right)
    found: Floats = np.divide(product, size, out=np.zeros_like(product), where=size > 0)
    return found


def sign_flip_test(values: npt.ArrayLike, n_permutations: int, generator: np.random.Generator) -> float:
    """Test whether a mean is above 0 by flipping the signs of subjects.

    Parameters
    ----------
    values : float (n,)
        One difference per subject, symmetric about 0 where nothing is to be found.
    n_permutations : int
    generator : Generator

    Returns
    -------
    float
        One-sided p-value above 0; 1 if there is nobody.

    References
    ----------
    Fisher RA. The Design of Experiments, section 21. 1935.
    """
    own = np.asarray(values, dtype=np.float64)
    if own.size == 0:
        return 1.0
    signs = generator.choice(np.array([-1.0, 1.0]), size=(n_permutations, own.size))
    return p_value(float(own.mean()), signs @ own / own.size)


def smoothed(maps: npt.ArrayLike, inside: npt.NDArray[np.bool_], width: float) -> Floats:
    """Smooth maps by a Gaussian, so that a feature a voxel aside counts as the same.

    Parameters
    ----------
    maps : float (n, voxels)
    inside : bool (*shape)
        Where the columns lie on the grid; outside is 0.
    width : float
        Standard deviation, voxels; 0 leaves the maps as they are.

    Returns
    -------
    float (n, voxels)
    """
    own = np.asarray(maps)
    if width == 0:
        return own
    found = np.empty_like(own)
    for number, values in enumerate(own):
        volume = np.zeros(inside.shape, dtype=own.dtype)
        volume[inside] = values
        found[number] = ndimage.gaussian_filter(volume, width, mode="constant")[inside]
    return found


def difference_weights(group: npt.ArrayLike, strata: npt.ArrayLike) -> Floats:
    """Weights under which values sum to the mean difference between a group and the rest inside strata.

    Parameters
    ----------
    group : bool (n,)
    strata : (n,)
        One that lacks either side has no weight; the others weigh as much as a difference of their two means tells.

    Returns
    -------
    float (n,)
        All zero where no stratum has both sides.
    """
    inside = np.asarray(group, dtype=bool)
    codes = np.unique(np.asarray(strata), return_inverse=True)[1]
    own, rest = (np.bincount(codes[side], minlength=codes.max(initial=0) + 1) for side in (inside, ~inside))
    size = own * rest / np.maximum(own + rest, 1)
    share = size / max(float(size.sum()), np.finfo(np.float64).tiny)
    mean_of_group, mean_of_others = (share / np.maximum(side, 1) for side in (own, rest))
    found: Floats = np.where(inside, mean_of_group[codes], -mean_of_others[codes])
    return found


def following_test(
    following: Floats,
    followed: Floats,
    groups: npt.ArrayLike,
    strata: npt.ArrayLike,
    n_permutations: int,
    generator: np.random.Generator,
) -> Following:
    """Ask whether one network's maps differ between groups as another's do.

    Parameters
    ----------
    following : float (r, n, voxels)
        Maps of the network in question, in `r` copies that were asked the same.
    followed : float (k, q, n, voxels)
        Maps of the network that it may follow, which was asked about `k` contrasts, in `q` copies.
    groups : bool (k, n)
        Who belongs to the group of a contrast; the others do not.
    strata : (n,)
        Folds: maps of different folds come from different networks. Subjects are permuted within them, never voxels.
    n_permutations : int
    generator : Generator

    Notes
    -----
    The direction that a fold's maps are measured along is the change that the *other* folds show, so that no subject's
    two maps, which share its image, are multiplied. Two-sided: with
    which group the classes go is not asked.

    Where the second network's change is the same from fold to fold, the direction is known, and under the null the
    first network's maps alone are exchangeable between groups. Where it is not, the direction is made of the same
    images as the maps, and both networks' maps are exchanged together.

    References
    ----------
    Kriegeskorte N et al. Nature Neuroscience 12:535, 2009 (directions from other data than those tested); Nichols TE,
    Holmes AP. Human Brain Mapping 15:1, 2002 (permuting subjects, largest statistic).
    """
    codes = np.unique(np.asarray(strata), return_inverse=True)[1]
    indices = permutation_indices(codes, n_permutations, generator)
    observed, alike, null = [], [], []
    for own, group in zip(followed, np.asarray(groups, dtype=bool), strict=True):
        weights = difference_weights(group, codes)
        # Subjects stay in their fold, whose groups keep their sizes: a weight moves with the name of its group.
        permuted = weights[indices]
        products = _Products.of(following, own)
        observed.append(products.change(weights[None], weights[None], codes)[0])
        known = _Products.of(own, own).change_p_value(weights, permuted, codes) <= KNOWN
        null.append(products.change(permuted, weights[None] if known else permuted, codes))
        alike.append(np.mean([cosines(weights @ first, weights @ second) for first in following for second in own]))
    return Following(
        change=np.abs(observed),
        cosine=np.array(alike),
        p_value=p_value(float(np.abs(observed).max()), np.abs(null).max(axis=0)),
    )


@dataclass(frozen=True)
class _Products:
    """Products between the maps of all subjects, which is all that a permutation needs.

    Attributes
    ----------
    between : float (q, n, n)
        Of the first network's maps, mean over its copies, with those of every copy of the second.
    within : float (q, n, n)
        Of the second network's maps with themselves.
    """

    between: Floats
    within: Floats

    @classmethod
    def of(cls, following: Floats, followed: Floats) -> _Products:
        mean = following.mean(axis=0)
        return cls(np.stack([mean @ copy.T for copy in followed]), np.stack([copy @ copy.T for copy in followed]))

    def change_p_value(self, weights: Floats, permuted: Floats, codes: npt.NDArray[np.intp]) -> float:
        """One-sided p-value of a change that folds share, groups exchanged in both networks' maps."""
        observed = float(self.change(weights[None], weights[None], codes)[0])
        return p_value(observed, self.change(permuted, permuted, codes))

    def change(self, moved: Floats, along: Floats, codes: npt.NDArray[np.intp]) -> Floats:
        """Sum over folds of the change in one fold along the direction of the others, (b,): mean over copies."""
        total = np.zeros(len(moved))
        for fold in np.unique(codes):
            own, others = moved * (codes == fold), along * (codes != fold)
            for between, within in zip(self.between, self.within, strict=True):
                length = np.sqrt(np.maximum(_form(others, within, others), 0))
                change = _form(own, between, others)
                total += np.divide(change, length, out=np.zeros_like(change), where=length > 0)
        return total / len(self.between)


def _form(left: Floats, matrix: Floats, right: Floats) -> Floats:
    """Bilinear form of every pair of rows, (b,); one row on the right serves all."""
    found: Floats = np.einsum("bi,bi->b", left @ matrix, np.broadcast_to(right, left.shape))
    return found
