from __future__ import annotations

from dataclasses import replace

import numpy as np

from biasaudit.engine.evidence.dose_response import DoseDesign, Doses
from biasaudit.engine.evidence.retraining import NotRetrained
from biasaudit.engine.evidence.subjects import Units
from biasaudit.engine.jobs.job import Folders, Role
from biasaudit.records import DoseResponse

DESIGN = DoseDesign(
    side=(True, True, False, False, False, False), levels=(0.0, 0.8), training_size=40, sides=(("a",), ("b", "c"))
)


def test_why_nothing_was_retrained_is_handed_on(rows, bare):
    found = Doses().gather(NotRetrained("too few"), Folders({}), bare, rows)
    assert found == {"retraining_skipped": {"U11": "too few"}}


def test_doses_are_columns(scored, rows, bare):
    needs = {
        Role("level", "0.0"): (scored([1, 2], [0, 2]), scored([3], [1])),
        Role("level", "0.8"): (scored([4, 5], [0, 2]), scored([6], [1])),
    }
    dose = Doses().gather(DESIGN, Folders(needs), bare, rows)["dose"]
    assert dose.scores.tolist() == [[1, 4], [2, 5], [3, 6]]
    assert dose.rows.tolist() == [0, 2, 1]
    assert dose.side.tolist() == [True, False, True]
    assert dose.sides == (("a",), ("b", "c"))
    assert (dose.levels, dose.training_size) == ((0.0, 0.8), 40)


def test_images_of_a_subject_are_averaged(bare):
    scores = np.array([[1.0, 2], [3, 4], [9, 9]])
    dose = DoseResponse(np.array([0, 1, 2]), np.array([True, True, False]), scores, (0.0, 0.8), 40, (("a",), ("b",)))
    units = Units(np.array([0, 0, 1, 2, 2]), np.array([0, 2, 3]))
    own = Doses().per_subject(replace(bare, dose=dose), units)["dose"]
    assert own.rows.tolist() == [0, 1]
    assert own.side.tolist() == [True, False]
    assert own.scores.tolist() == [[2, 3], [9, 9]]
    assert Doses().per_subject(bare, units) == {}
