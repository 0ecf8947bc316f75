"""Subjects that an already trained network has seen are held out by no fold."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from biasaudit.cohort.split import SEEN, split_folds, split_notes
from biasaudit.errors import DataError
from biasaudit.protocol import Protocol
from biasaudit.records import Cohort, Sample


def protocol(**target) -> Protocol:
    return Protocol.model_validate(
        {"cohort": {"reader": "phantom"}, "target": {"weights": ["a.pt"], **target}, "folds": {"n": 2}}
    )


def people(splits) -> Cohort:
    samples = tuple(
        Sample(
            subject=f"s{number}",
            images=(f"/{number}.nii",),
            label=("healthy", "ms")[number % 2],
            positive=bool(number % 2),
            origins={"site": "ab"[number // 2 % 2]},
            split=split,
            where=f"table.tsv:{number + 2}",
        )
        for number, split in enumerate(splits)
    )
    return Cohort(samples, ("healthy", "ms"), ("site",), 3, 1)


def messages(caught) -> list[str]:
    return [str(fault) for fault in caught.value.faults]


def test_only_the_test_split_is_divided_into_folds():
    folds = split_folds(people(["train", "val", "Training", "dev"] + ["test"] * 8), protocol())
    assert folds[:4].tolist() == [SEEN] * 4
    assert sorted(set(folds[4:].tolist())) == [0, 1]


def test_a_list_of_subjects_takes_the_place_of_the_split(tmp_path: Path):
    listed = tmp_path / "seen.txt"
    listed.write_text("s0\n\ns3\nelsewhere\n")
    folds = split_folds(people([""] * 12), protocol(training_subjects=listed))
    assert np.flatnonzero(folds == SEEN).tolist() == [0, 3]


def test_a_list_of_other_subjects_is_refused(tmp_path: Path):
    listed = tmp_path / "seen.txt"
    listed.write_text("sub-1\n")
    with pytest.raises(DataError, match="none of its 1 subjects is in the cohort, for example 'sub-1'"):
        split_folds(people([""] * 12), protocol(training_subjects=listed))


@pytest.mark.parametrize("coding", ["utf-8-sig", "utf-16", "utf-8"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_lists_of_every_program_are_read_alike(tmp_path: Path, coding, end):
    listed = tmp_path / "seen.txt"
    listed.write_bytes(end.join(["s0", '"s3"', "NA", "'s5' "]).encode(coding))
    folds = split_folds(people([""] * 12), protocol(training_subjects=listed))
    assert np.flatnonzero(folds == SEEN).tolist() == [0, 3, 5]


def test_subjects_that_are_written_otherwise_are_no_unseen_ones(tmp_path: Path):
    listed = tmp_path / "seen.txt"
    listed.write_text("s0\nS1\nsub-s2\n")
    with pytest.raises(
        DataError, match=r"2 subjects are not written as in the cohort: 'S1', 'sub-s2'; did you mean 's1'"
    ):
        split_folds(people([""] * 12), protocol(training_subjects=listed))


def test_numbers_of_files_may_be_decimal():
    folds = split_folds(people(["1.0", "1.0", "2.0", "2.0", "Train", "train"]), protocol(weights=["a.pt", "b.pt"]))
    assert folds.tolist() == [0, 0, 1, 1, SEEN, SEEN]


def test_with_several_files_the_number_says_which_one_held_a_subject_out():
    folds = split_folds(people(["1", "1", "2", "2", "train", "train"]), protocol(weights=["a.pt", "b.pt"]))
    assert folds.tolist() == [0, 0, 1, 1, SEEN, SEEN]


def test_a_file_that_held_out_no_class_is_named():
    with pytest.raises(DataError) as caught:
        split_folds(people(["1", "1", "2", "train"]), protocol(weights=["a.pt", "b.pt"]))
    assert messages(caught) == ["cohort.split: file 2 of the weights held out no 'ms'; check the numbers"]


def test_every_unclear_split_is_named_with_its_line():
    with pytest.raises(DataError) as caught:
        split_folds(people(["train", "tset", ""] + ["test"] * 6), protocol())
    assert [message.split(";")[0] for message in messages(caught)] == [
        "table.tsv:3: split 'tset', expected one of train, val, test",
        "table.tsv:4: no split, expected one of train, val, test",
    ]


def test_a_subject_on_both_sides_is_named():
    cohort = people(["train", "train"] + ["test"] * 8)
    twice = cohort.samples[0].to_dict() | {"split": "test", "where": "table.tsv:99"}
    both = Cohort((*cohort.samples, Sample.from_dict(twice)), cohort.classes, cohort.factors, 3, 1)
    with pytest.raises(DataError, match=r"'s0' is in split 'test' here and 'train' at table\.tsv:2"):
        split_folds(both, protocol())


@pytest.mark.parametrize(
    ("splits", "message"), [([""] * 6, "it is not said"), (["train"] * 4 + ["test"] * 2, "too few")]
)
def test_a_split_that_leaves_nothing_to_judge_by_is_refused(splits, message):
    with pytest.raises(DataError, match=message):
        split_folds(people(splits), protocol())


def test_the_note_counts_who_is_left():
    cohort = people(["train", "train", "test", "test", "test"])
    (note,) = split_notes(cohort, [SEEN, SEEN, 0, 1, 0])
    assert "judged by the 3 subjects that it has not seen (healthy 2, ms 1); the 2 others" in note
