"""Scores of retrained networks find their rows again."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from biasaudit.engine.evidence.retrained import per_unit, retrained
from biasaudit.engine.jobs.held_out import write_rows
from biasaudit.engine.jobs.job import Folders, Role
from biasaudit.records import DoseResponse, SpikeIn, SpikeTrial, UnseenOrigin

ROWS = ([0, 2], [1, 3], [4, 5])
"""Rows that every fold holds out."""


@pytest.fixture
def scored(tmp_path):
    """Write held-out logits of one fold and return their folder."""

    def write(values, rows, variant: str = "original"):
        folder = tmp_path / f"score{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        write_rows(folder, rows)
        np.save(folder / f"logits-{variant}.npy", np.asarray(values, dtype=float)[:, None])
        return folder

    return write


def arguments(code, **more):
    return SimpleNamespace(code=code, contrast=None, **{"retraining": None, "retraining_skipped": "", **more})


def test_nothing_was_retrained():
    assert retrained(arguments("U1"), Folders({})) == {}


def test_why_nothing_was_retrained_is_handed_on():
    found = retrained(arguments("U11", retraining_skipped="too few"), Folders({}))
    assert found == {"retraining_skipped": {"U11": "too few"}}


def test_unseen_origins_in_the_order_of_their_folds(scored):
    plan = {"a": {"rows": [[0], [3, 1]], "training_size": [4, 3]}}
    needs = {
        Role("unseen", "a"): (scored([1], [0]), scored([2, 3], [3, 1])),
        Role("reference", "a"): (scored([4], [0]), scored([5, 6], [3, 1])),
    }
    own = retrained(arguments("U10", retraining=plan), Folders(needs))["unseen"]["a"]
    assert own.rows.tolist() == [0, 3, 1]
    assert own.unseen.tolist() == [1, 2, 3]
    assert own.reference.tolist() == [4, 5, 6]
    assert own.training_size == (4, 3)


def test_doses_are_columns(scored):
    plan = {
        "rows": [[0, 2], [1]], "side": [[True, False], [True]], "levels": [0.0, 0.8], "training_size": 40,
        "sides": [["a"], ["b", "c"]],
    }  # fmt: skip
    needs = {
        Role("level", "0.0"): (scored([1, 2], [0, 2]), scored([3], [1])),
        Role("level", "0.8"): (scored([4, 5], [0, 2]), scored([6], [1])),
    }
    dose = retrained(arguments("U11", retraining=plan), Folders(needs))["dose"]
    assert dose.scores.tolist() == [[1, 4], [2, 5], [3, 6]]
    assert dose.rows.tolist() == [0, 2, 1]
    assert dose.side.tolist() == [True, False, True]
    assert dose.sides == (("a",), ("b", "c"))
    assert (dose.levels, dose.training_size) == ((0.0, 0.8), 40)


def test_spikes_in_cohort_order(scored):
    assigned = {"planted": [True, False] * 3, "sham": [False, True] * 3}
    needs = {}
    for place, name in enumerate(("planted", "sham")):
        for version, variant in enumerate(("original", "spiked")):
            start = 100 * place + 10 * version
            needs[Role(name, variant)] = tuple(
                scored([start + 2 * fold, start + 2 * fold + 1], ROWS[fold], variant) for fold in range(3)
            )
    spike = retrained(arguments("G3", retraining=assigned), Folders(needs))["spike"]
    assert spike.planted.without.tolist() == [0, 2, 1, 3, 4, 5]
    assert spike.planted.with_edit.tolist() == [10, 12, 11, 13, 14, 15]
    assert spike.sham.with_edit.tolist() == [110, 112, 111, 113, 114, 115]
    assert spike.sham.edited.tolist() == assigned["sham"]


def test_images_of_a_unit_are_averaged():
    unit_of = np.array([0, 0, 1, 2, 2])  # five images of three units
    evidence = SimpleNamespace(
        unseen={"a": UnseenOrigin(np.array([4, 0, 3]), np.array([1.0, 9, 3]), np.array([5.0, 7, 1]), (4,))},
        dose=DoseResponse(
            np.array([0, 1, 2]), np.array([True, True, False]), np.array([[1.0, 2], [3, 4], [9, 9]]), (0.0, 0.8), 40,
            (("a",), ("b",)),
        ),
        spike=SpikeIn(
            SpikeTrial(np.array([True, True, False, True, True]), np.arange(5.0), np.arange(5.0) + 10),
            SpikeTrial(np.zeros(5, dtype=bool), -np.arange(5.0), np.arange(5.0)),
        ),
    )  # fmt: skip
    found = per_unit(evidence, unit_of)
    assert found["unseen"]["a"].rows.tolist() == [0, 2]
    assert found["unseen"]["a"].unseen.tolist() == [9, 2]
    assert found["unseen"]["a"].reference.tolist() == [7, 3]
    assert found["dose"].rows.tolist() == [0, 1]
    assert found["dose"].side.tolist() == [True, False]
    assert found["dose"].scores.tolist() == [[2, 3], [9, 9]]
    assert found["spike"].planted.edited.tolist() == [True, False, True]
    assert found["spike"].planted.without.tolist() == [0.5, 2, 3.5]
    assert found["spike"].sham.with_edit.tolist() == [0.5, 2, 3.5]


def test_nothing_to_average():
    found = per_unit(SimpleNamespace(unseen={}, dose=None, spike=None), np.array([0, 0]))
    assert found == {"unseen": {}}
