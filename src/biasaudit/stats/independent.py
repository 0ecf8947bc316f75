"""The AUC with class and origin made independent: what is left of it where the origin tells nothing of the class.

In the audited sample origin and class may go together, so that a network that reads the origin is right too often.
Here the origins are as frequent among the patients as among the healthy: pairs of subjects are weighted by the product
of the shares of their origins, which is what weights P(class) P(origin) / P(class, origin) do to an AUC.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from biasaudit.stats.pair_auc import Block, PairAuc, blocks_of, pair_auc
from biasaudit.stats.strata import Booleans, Floats, Indices, integer_codes

__all__ = ["FEWEST", "Scored", "auc_inside_origins", "independent_auc", "shared_origins"]

FEWEST = 3
"""Subjects of each class that an origin must hold to be compared."""


@dataclass(frozen=True)
class Scored:
    """Held-out scores of subjects of known class, origin and fold.

    Attributes
    ----------
    scores : float (n,)
    positive : bool (n,)
    origin : str (n,)
    fold : int (n,)
        Which network scored; only scores of one network are compared.
    unit : int (n,) or None
        Subject that a score is of, where some are scored by several networks; by default everybody is scored once.
    """

    scores: Floats
    positive: Booleans
    origin: ArrayLike
    fold: ArrayLike
    unit: Indices | None = None


def shared_origins(positive: Booleans, origin: ArrayLike, fewest: int = FEWEST) -> dict[str, float]:
    """Name the origins that hold both classes, with their shares in the comparison.

    Parameters
    ----------
    positive
        (n,) patients.
    origin
        (n,) names.
    fewest
        Subjects of each class that an origin must hold.

    Returns
    -------
    Shares by name, which sum to 1: m k / (m + k) of the m patients and k healthy of an origin, its weight where
    overlap weights make the two classes alike in origin; the AUC is then known best.

    References
    ----------
    Li, Morgan and Zaslavsky (2018), Journal of the American Statistical Association 113:390 (overlap weights).
    """
    names = np.asarray(origin, dtype=str)
    weights = {}
    for name in np.unique(names):
        ill = int((positive & (names == name)).sum())
        well = int((names == name).sum()) - ill
        if min(ill, well) >= fewest:
            weights[str(name)] = ill * well / (ill + well)
    total = sum(weights.values())
    return {name: weight / total for name, weight in weights.items()}


def independent_auc(scored: Scored, shares: dict[str, float]) -> PairAuc:
    """AUC of patients against healthy subjects whose origins are spread alike.

    Parameters
    ----------
    scored
        Held-out scores.
    shares
        How the origins are spread in both classes, as `shared_origins` gives it.

    Returns
    -------
    PairAuc
        nan without an origin. Pairs of origins that no fold holds are left out.

    Notes
    -----
    Measured on 18 simulated settings of 2 and 4 origins (cells of 4 to 130 subjects, with and without a signature, 3
    folds, 500 runs each): 90 % intervals cover .90 to .96 of the truths and are 1.1 to 1.5 times narrower than those of
    a sub-sample of equal cells, up to 1.2 times narrower than with weights by the origins' frequency in the sample.

    References
    ----------
    Chyzhyk, Varoquaux, Milham and Thirion (2022), GigaScience 11:giac014 (confound-isolating cross-validation);
    Hernan and Robins (2020), Causal Inference: What If, chapter 12 (inverse-probability weights).
    """
    return _over(scored, [block for ill in shares for well in shares for block in _between(scored, ill, well, shares)])


def _between(scored: Scored, ill: str, well: str, shares: dict[str, float]) -> Iterator[Block]:
    """Compare patients of one origin with healthy subjects of another, fold by fold."""
    names = np.asarray(scored.origin, dtype=str)
    rows = np.flatnonzero(np.where(scored.positive, names == ill, names == well))
    return _weighing(shares[ill] * shares[well], rows, scored)


def auc_inside_origins(scored: Scored, shares: dict[str, float]) -> PairAuc:
    """AUC of patients against healthy subjects of the same origin, mean over origins by their shares."""
    names = np.asarray(scored.origin, dtype=str)
    blocks = [
        block for name, share in shares.items() for block in _weighing(share, np.flatnonzero(names == name), scored)
    ]
    return _over(scored, blocks)


def _weighing(share: float, rows: Indices, scored: Scored) -> Iterator[Block]:
    """Pairs of some subjects inside folds, which weigh `share` together."""
    codes = integer_codes(scored.fold)
    blocks = [block for fold in np.unique(codes) for block in blocks_of(rows[codes[rows] == fold], scored.positive)]
    total = sum(block.weight for block in blocks)
    return (replace(block, weight=share * block.weight / total) for block in blocks)


def _over(scored: Scored, blocks: list[Block]) -> PairAuc:
    """AUC over pairs; what several scores of one subject add is added up."""
    area = pair_auc(scored.scores, blocks)
    if scored.unit is None:
        return area
    added = (np.bincount(scored.unit, each).astype(np.float64) for each in (area.influence, area.weight))
    return replace(area, influence=next(added), weight=next(added))
