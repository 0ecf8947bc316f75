"""Facts of a file survive the way through JSON, those written before a share was measured too."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from biasaudit.cohort.images.file_facts import FileFacts
from biasaudit.cohort.images.file_state import FileState

AFFINE = tuple(tuple(float(row == column) for column in range(4)) for row in range(4))
STATE = FileState(9, 8, 7, 6, "cd", 5)
FACT = FileFacts(
    "/a.nii", STATE, "ab", (4, 5, 6), (1.0, 2.0, 3.0), AFFINE, "RAS", True, -1.0, 7.0, 0.25, False, True, 2.5
)


PICTURE = replace(FACT, affine=None, spacing=(), orientation="", shape=(4, 5), bits=16, lossy=True, faint=0.1)


@pytest.mark.parametrize("fact", [FACT, PICTURE, replace(FACT, extent=(3.0, 4.0, 5.0), remarks=("odd",))])
def test_there_and_back(fact):
    again = FileFacts.from_dict(json.loads(json.dumps(fact.to_dict())))
    assert again == fact
    assert hash(again) == hash(fact)


def test_a_record_from_before_the_share_was_measured():
    record = FACT.to_dict()
    del record["occupied"], record["interval"]
    assert FileFacts.from_dict(record) == replace(FACT, occupied=None, interval=0.0)
