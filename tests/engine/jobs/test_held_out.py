from __future__ import annotations

import numpy as np

from biasaudit.engine.jobs.held_out import HeldOut, in_cohort_order, write_rows


def test_what_is_written_with_its_rows_is_read_with_them(tmp_path):
    values = np.arange(6.0).reshape(3, 2)
    write_rows(tmp_path, (4, 0, 7))
    np.save(tmp_path / "logits-original.npy", values)
    found = HeldOut.read(tmp_path, "logits-original")
    assert found.rows.tolist() == [4, 0, 7]
    np.testing.assert_array_equal(found.values, values)


def test_parts_come_back_in_cohort_order_whatever_theirs_was():
    parts = [HeldOut(np.array([3, 0]), np.array([[3.0], [0.0]])), HeldOut(np.array([1]), np.array([[1.0]]))]
    np.testing.assert_array_equal(in_cohort_order(parts, 5)[:, 0], [0, 1, np.nan, 3, np.nan])


def test_values_keep_their_shape():
    assert in_cohort_order([HeldOut(np.array([1]), np.ones((1, 4, 5)))], 3).shape == (3, 4, 5)
    assert in_cohort_order([HeldOut(np.array([1]), np.ones(1))], 3).shape == (3,)


def test_no_rows_at_all(tmp_path):
    write_rows(tmp_path, ())
    np.save(tmp_path / "logits-original.npy", np.zeros((0, 4)))
    found = HeldOut.read(tmp_path, "logits-original")
    assert np.isnan(in_cohort_order([found], 2)).all()
