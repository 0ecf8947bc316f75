"""Channels: one per file, or one per volume of a file of four axes."""

from __future__ import annotations

import pytest

from biasaudit.cohort.images.channels import MOST_CHANNELS, channel_faults, channel_notes, channels_of, series_fault
from biasaudit.cohort.images.file_facts import FileFacts
from biasaudit.cohort.images.file_state import FileState


def fact(path: str, *shape: int, interval: float = 0.0) -> FileFacts:
    return FileFacts(
        path,
        FileState(1, 1, 1, 1, "0", 1),
        "0",
        shape,
        (1.0,) * 3,
        None,
        "RAS",
        True,
        0.0,
        1.0,
        0.5,
        False,
        False,
        interval,
    )


def test_files_and_their_volumes_are_counted(sample):
    facts = {"a": fact("a", 4, 4, 4), "b": fact("b", 4, 4, 4, 3)}
    assert channels_of(sample("a", "b"), facts) == 4


def test_the_odd_one_is_named_with_what_most_have(sample, cohort):
    facts = {name: fact(name, 4, 4, 4, 2) for name in "ab"} | {"c": fact("c", 4, 4, 4, 3)}
    samples = [sample(name, subject=name, where=f"t.tsv:{row}") for row, name in enumerate("abc", 2)]
    (fault,) = channel_faults(cohort(*samples), facts)
    assert (fault.where, fault.message) == ("t.tsv:4", "c: 3 channels, whereas most images have 2")
    assert channel_faults(cohort(*samples[:2]), facts) == []
    assert channel_notes(cohort(*samples[:2]), facts) == [
        "image 1 of each sample is a file of 2 volumes, taken as as many channels"
    ]


@pytest.mark.parametrize(
    ("count", "interval", "refused"),
    [
        (1, 2.0, False),
        (4, 0.0, False),
        (4, 1.0, False),
        (MOST_CHANNELS, 0.0, False),
        (MOST_CHANNELS + 1, 0.0, True),
        (4, 2.5, True),
    ],
)
def test_a_time_series_is_refused(sample, count, interval, refused):
    fault = series_fault(sample("a"), fact("a", 4, 4, 4, count, interval=interval))
    assert (fault is not None) == refused
