from collections import Counter

import numpy as np
import pytest

from biasaudit.cohort.folds import assign_folds
from biasaudit.errors import DataError


def people(sample, sizes):
    """`sizes`: (label, origin) -> subjects."""
    return [
        sample(subject=f"{label}{origin}{k}", label=label, positive=label == "ms", origins={"origin": origin})
        for (label, origin), n in sizes.items()
        for k in range(n)
    ]


@pytest.fixture
def build(cohort, sample):
    def make(sizes, repeat=1):
        return cohort(*(one for one in people(sample, sizes) for _ in range(repeat)))

    return make


def test_every_cell_is_spread_evenly(build):
    sizes = {("healthy", "a"): 20, ("healthy", "b"): 10, ("ms", "a"): 10, ("ms", "b"): 15}
    made = build(sizes)
    folds = assign_folds(made, 5, 1)
    counts = Counter((s.label, s.origins["origin"], int(fold)) for s, fold in zip(made.samples, folds, strict=True))
    assert all(counts[(*cell, fold)] == n / 5 for cell, n in sizes.items() for fold in range(5))
    assert folds.dtype.kind == "i"


def test_subjects_never_part(build):
    made = build({("healthy", "a"): 10, ("ms", "a"): 10}, repeat=3)
    folds = assign_folds(made, 5, 1)
    assert len({(s.subject, int(fold)) for s, fold in zip(made.samples, folds, strict=True)}) == 20


def test_deterministic_and_moved_by_the_seed(build):
    made = build({("healthy", "a"): 20, ("ms", "b"): 20})
    np.testing.assert_array_equal(assign_folds(made, 4, 1), assign_folds(made, 4, 1))
    assert not np.array_equal(assign_folds(made, 4, 1), assign_folds(made, 4, 2))


def test_small_cells_fall_back_to_the_class_without_a_warning(build):
    sizes = {("healthy", "a"): 9, ("healthy", "b"): 1, ("ms", "a"): 2, ("ms", "b"): 2, ("ms", "c"): 2}
    made = build(sizes)
    folds = assign_folds(made, 5, 1)
    counts = Counter((s.label, int(fold)) for s, fold in zip(made.samples, folds, strict=True))
    assert all(counts["healthy", fold] == 2 for fold in range(5))
    assert all(counts["ms", fold] >= 1 for fold in range(5))


def test_small_cells_leave_the_large_ones_stratified(build):
    made = build({("healthy", "a"): 10, ("healthy", "b"): 3, ("healthy", "c"): 3, ("ms", "a"): 10, ("ms", "b"): 10})
    for seed in range(5):
        folds = assign_folds(made, 5, seed)
        counts = Counter((s.label, s.origins["origin"], int(f)) for s, f in zip(made.samples, folds, strict=True))
        assert all(counts["healthy", "a", fold] == 2 for fold in range(5))


def test_class_with_fewer_subjects_than_folds(build):
    with pytest.raises(DataError) as caught:
        assign_folds(build({("healthy", "a"): 4, ("ms", "b"): 3}, repeat=2), 5, 1)
    assert str(caught.value).splitlines() == [
        "folds: class 'healthy' has 4 subjects, expected at least one for each of 5 folds; "
        "set `folds: {n: 4}` or add subjects",
        "folds: class 'ms' has 3 subjects, expected at least one for each of 5 folds; "
        "set `folds: {n: 3}` or add subjects",
    ]


def test_absent_class(build):
    with pytest.raises(DataError, match="class 'ms' has 0 subjects, expected at least one for each of 5 folds; add"):
        assign_folds(build({("healthy", "a"): 9}), 5, 1)
