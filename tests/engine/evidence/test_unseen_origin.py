from __future__ import annotations

from dataclasses import replace

import numpy as np

from biasaudit.engine.evidence.retraining import NotRetrained
from biasaudit.engine.evidence.subjects import Units
from biasaudit.engine.evidence.unseen_origin import TrainingSizes, UnseenOrigins
from biasaudit.engine.jobs.job import Folders, Role
from biasaudit.records import UnseenOrigin


def test_why_nothing_was_retrained_is_handed_on(rows, bare):
    before = replace(bare, retraining_skipped={"G3": "other"})
    found = UnseenOrigins().gather(NotRetrained("too few"), Folders({}), before, rows)
    assert found == {"retraining_skipped": {"G3": "other", "U10": "too few"}}


def test_scores_in_the_order_of_their_folds(scored, rows, bare):
    needs = {
        Role("unseen", "a"): (scored([1], [0]), scored([2, 3], [3, 1])),
        Role("reference", "a"): (scored([4], [0]), scored([5, 6], [3, 1])),
    }
    own = UnseenOrigins().gather(TrainingSizes({"a": (4, 3)}), Folders(needs), bare, rows)["unseen"]["a"]
    assert own.rows.tolist() == [0, 3, 1]
    assert own.unseen.tolist() == [1, 2, 3]
    assert own.reference.tolist() == [4, 5, 6]
    assert own.training_size == (4, 3)


def test_images_of_a_subject_are_averaged(bare):
    unseen = UnseenOrigin(np.array([4, 0, 3]), np.array([1.0, 9, 3]), np.array([5.0, 7, 1]), (4,))
    units = Units(np.array([0, 0, 1, 2, 2]), np.array([0, 2, 3]))
    own = UnseenOrigins().per_subject(replace(bare, unseen={"a": unseen}), units)["unseen"]["a"]
    assert own.rows.tolist() == [0, 2]
    assert own.unseen.tolist() == [9, 2]
    assert own.reference.tolist() == [7, 3]
    assert UnseenOrigins().per_subject(bare, units) == {"unseen": {}}
