"""Cross-validation folds: subjects never part, classes and origins are spread evenly."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import StratifiedGroupKFold

from biasaudit import seeds
from biasaudit.errors import DataError, Fault
from biasaudit.records import Cohort

__all__ = ["assign_folds"]


def assign_folds(cohort: Cohort, n: int, seed: int) -> npt.NDArray[np.intp]:
    """Say which fold holds each sample out.

    Grouped by subject, stratified by class and primary origin. Origins with fewer subjects of a class than there are
    folds are taken together inside their class, because they cannot be spread.

    Parameters
    ----------
    cohort : Cohort
    n : int
        Number of folds.
    seed : int
        The same seed gives the same folds.

    Returns
    -------
    int (samples,)
        In [0, n).

    Raises
    ------
    DataError
        If a class has fewer subjects than folds, or a fold would lack a class.
    """
    labels = [sample.label for sample in cohort.samples]
    subjects = [sample.subject for sample in cohort.samples]
    sizes = Counter(dict(zip(subjects, labels, strict=True)).values())
    faults = [_too_few(name, sizes[name], n) for name in cohort.classes if sizes[name] < n]
    if faults:
        raise DataError(faults)
    strata = _strata(cohort, n)
    splitter = StratifiedGroupKFold(n, shuffle=True, random_state=seeds.seed(seed, "folds") % 2**32)
    folds = np.full(len(labels), -1, dtype=np.intp)
    for fold, (_, held_out) in enumerate(splitter.split(np.zeros(len(labels)), strata, subjects)):
        folds[held_out] = fold
    _require_classes(cohort, folds, n)
    return folds


def _strata(cohort: Cohort, n: int) -> list[int]:
    """Return the number of the stratum of each sample; none has fewer subjects than there are folds."""
    primary = cohort.factors[0]
    cells = [(sample.label, sample.origins.get(primary, "")) for sample in cohort.samples]
    subjects = [sample.subject for sample in cohort.samples]
    small = _small(cells, subjects, n)
    pooled = [(label, None) if (label, origin) in small else (label, origin) for label, origin in cells]
    left = {label for label, _ in _small(pooled, subjects, n)}
    merged = [(cell[0], None) if cell[0] in left else cell for cell in pooled]
    numbers = {cell: number for number, cell in enumerate(dict.fromkeys(merged))}
    return [numbers[cell] for cell in merged]


def _small(cells: Sequence[tuple[str, str | None]], subjects: Sequence[str], n: int) -> set[tuple[str, str | None]]:
    sizes = Counter(cell for cell, _ in set(zip(cells, subjects, strict=True)))
    return {cell for cell, size in sizes.items() if size < n}


def _too_few(name: str, count: int, n: int) -> Fault:
    remedy = f"set `folds: {{n: {count}}}` or add subjects" if count >= 2 else "add subjects"
    return Fault("folds", f"class {name!r} has {count} subjects, expected at least one for each of {n} folds", remedy)


def _require_classes(cohort: Cohort, folds: npt.NDArray[np.intp], n: int) -> None:
    labels = np.array([sample.label for sample in cohort.samples])
    faults = [
        Fault("folds", f"fold {fold + 1} of {n} holds no {name!r}", "take fewer folds or another `folds.seed`")
        for fold in range(n)
        for name in cohort.classes
        if not (labels[folds == fold] == name).any()
    ]
    if faults:
        raise DataError(faults)
