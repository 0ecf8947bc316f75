"""Evidence of exchanged frames: planned where a field is declared, and its donors keep their place."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from checks.conftest import plant

from biasaudit.engine.arguments.edits import FramesArguments
from biasaudit.engine.evidence.frames import Frames
from biasaudit.engine.evidence.subjects import Kept, Units
from biasaudit.engine.plan import plan_audit
from biasaudit.records import FrameEdits


@pytest.fixture
def frame_jobs(situation, facts):
    def planned(extra="", field=True, **how):
        own = situation(extra, **how)
        if field:
            cohort = own.protocol.cohort.model_validate({**own.protocol.cohort.model_dump(), "field": "centre"})
            own = replace(own, protocol=own.protocol.model_copy(update={"cohort": cohort}))
        return [job for job in plan_audit(own, facts(own)).jobs if isinstance(job.arguments, FramesArguments)]

    return planned


def test_one_job_for_each_fold_with_what_it_holds_out(frame_jobs):
    jobs = frame_jobs()
    assert len(jobs) == 3
    rows = [row for job in jobs for row in job.arguments.rows]
    assert sorted(rows) == list(range(60))
    assert all(len(job.arguments.sides) == len(job.arguments.rows) for job in jobs)


def test_nothing_without_a_field_or_where_nobody_asks(frame_jobs):
    assert frame_jobs(field=False) == []
    assert frame_jobs("checks: [G1, U1]") == []


def edits(n=4):
    donors = np.array([[[1], [2]], [[0], [3]], [[3], [0]], [[2], [-1]]])[:n]
    return FrameEdits(donors, np.arange(2.0 * n).reshape(n, 2, 1), np.arange(2.0 * n).reshape(n, 2))


def test_kept_rows_find_their_donors_again():
    evidence = replace(plant(n=4), frames=edits())
    found = Frames().select(evidence, Kept(np.array([True, False, True, True])))["frames"]
    assert found.donors[1:, 0, 0].tolist() == [2, 1]
    assert found.donors[2, 1, 0] == -1
    assert found.blanked.tolist() == [[0.0, 1.0], [4.0, 5.0], [6.0, 7.0]]


def test_images_of_a_subject_are_averaged_and_its_donors_are_subjects():
    evidence = replace(plant(n=4), frames=edits())
    found = Frames().per_subject(evidence, Units(np.array([0, 1, 0, 2]), np.array([0, 1, 3])))["frames"]
    assert found.donors[:, 0, 0].tolist() == [1, 0, 0]
    assert found.donors[:, 1, 0].tolist() == [0, 2, -1]
    assert found.transplanted[0, :, 0].tolist() == [2.0, 3.0]


def test_without_edits_there_is_nothing_to_select():
    assert Frames().select(plant(n=4), Kept(np.ones(4, dtype=bool))) == {}
