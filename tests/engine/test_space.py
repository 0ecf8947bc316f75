"""How much disk a run will take."""

from __future__ import annotations

import pytest

from biasaudit.engine.plan import plan_audit
from biasaudit.engine.space import estimate_bytes


@pytest.fixture
def planned(situation, facts):
    def plan(extra: str = "", **more):
        own = situation(extra, **more)
        return own, plan_audit(own, facts(own)).jobs

    return plan


def test_every_job_takes_some_and_images_and_maps_take_most(planned):
    own, jobs = planned()
    report = estimate_bytes(own, [])
    assert report > 0
    assert all(estimate_bytes(own, [job]) > report for job in jobs)
    of_images = [job for job in jobs if job.step in ("read", "represent", "attribute", "faithfulness")]
    small = [job for job in jobs if job.step in ("score", "judge", "survey")]
    voxels = own.grid.shape[0] * own.grid.shape[1] * own.grid.shape[2]
    assert estimate_bytes(own, of_images) > voxels * len(own.cohort.samples)
    assert estimate_bytes(own, small) < 1e6


def test_two_arms_share_the_images_and_have_inputs_of_their_own(planned):
    one, two = (estimate_bytes(*planned(f"arms: [{arms}]\n")) for arms in ("intensity", "intensity, tissue"))
    assert one < two < 4 * one


def test_thumbnails_of_the_cohort_are_counted_up_to_their_largest_number(planned):
    few, many = (estimate_bytes(planned(n=n)[0], []) for n in (60, 120))
    assert many - few == pytest.approx(60 * 4_000)
