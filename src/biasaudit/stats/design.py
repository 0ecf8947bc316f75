"""Describe how classes and origins are combined in a cohort: the regime of the design."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from biasaudit.records import BoolArray, Regime

__all__ = ["regime"]


def regime(positive: BoolArray, origin: npt.NDArray[np.str_], label: npt.NDArray[np.str_] | None = None) -> Regime:
    """Name how class and origin go together.

    Parameters
    ----------
    positive : bool (n,)
    origin : str (n,)
    label : str (n,), optional
        Actual classes, where a side holds several: if none of them spans two origins the design is aliased.

    Returns
    -------
    Regime
        ``crossed`` if some origin holds both classes, ``nested`` if none does but a class spans several,
        ``aliased`` with one origin per class, ``single`` with one origin in all (or no subjects).

    Examples
    --------
    >>> regime(np.array([True, True, False]), np.array(["lyon", "lyon", "london"]))
    'aliased'
    """
    truth, names = np.asarray(positive, dtype=bool), np.asarray(origin, dtype=str)
    patients, healthy = set(names[truth].tolist()), set(names[~truth].tolist())
    if len(patients | healthy) <= 1:
        return "single"
    classes = truth if label is None else np.asarray(label)
    spans = max(len(set(names[classes == name].tolist())) for name in np.unique(classes))
    if spans > 1 and patients & healthy:
        return "crossed"
    return "aliased" if spans == 1 else "nested"
