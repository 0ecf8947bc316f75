from dataclasses import replace

import numpy as np
import pytest

from biasaudit.comparison.shared_rows import by_subject, n_subjects, shared_rows, units_of
from biasaudit.records import ArmEvidence

COLUMNS = ("subject", "positive", "origin", "fold", "severity", "logit")


@pytest.fixture
def whole() -> ArmEvidence:
    n = 12
    return ArmEvidence(
        arm="intensity",
        factor="site",
        regime="crossed",
        classes=("healthy", "ms"),
        subject=np.array([f"s{row:02d}" for row in range(n)]),
        positive=np.arange(n) % 2 == 0,
        origin=np.array(["north", "north", "south"] * 4),
        fold=np.arange(n) % 3,
        severity=np.full(n, np.nan),
        covariates={},
        masks_given=False,
        mask_is_complete=False,
        seed=1,
        logit=np.linspace(-1, 1, n),
    )


def cut(arm, rows):
    return replace(arm, **{name: getattr(arm, name)[rows] for name in COLUMNS})


def test_rows_of_both_runs_are_put_in_the_order_of_the_first(whole):
    shared = shared_rows(cut(whole, [5, 1, 3, 8]), cut(whole, [3, 7, 5, 8]))
    assert shared.first.subject.tolist() == ["s05", "s03", "s08"]
    assert shared.second.subject.tolist() == shared.first.subject.tolist()
    assert shared.second.logit.tolist() == whole.logit[[5, 3, 8]].tolist()
    assert n_subjects(shared.first) == 3


def test_the_regime_is_that_of_the_rows_that_are_left(whole):
    north = [0, 1, 3, 4, 6]
    assert shared_rows(whole, cut(whole, north)).first.regime == "single"


def test_a_row_whose_origin_changed_is_not_shared(whole):
    moved = replace(whole, origin=np.where(whole.subject == "s04", "east", whole.origin))
    assert "s04" not in shared_rows(whole, moved).first.subject


def test_a_subject_keeps_its_groups_and_its_fold(whole):
    found = by_subject(whole)
    unit = units_of(whole)[4]
    assert found[unit.subject].groups == (unit.group,)
    assert found[unit.subject].fold == 1
