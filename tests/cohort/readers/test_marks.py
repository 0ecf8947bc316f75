from __future__ import annotations

import pytest

from biasaudit.cohort.readers.marks import is_marked, with_usable_masks
from biasaudit.protocol import TableCohort
from biasaudit.records import Sample


def settings(mask_in: str = "positive") -> TableCohort:
    known = {"reader": "table", "table": "t.tsv", "label": {"positive": "malignant"}, "origins": ["site"]}
    return TableCohort.model_validate(known | {"mask_in": mask_in})


def samples(masked: str, mask_in: str = "positive") -> list[Sample]:
    """One per letter of `masked`, benign and malignant in turn: ``m`` has a mask."""
    made = []
    for row, letter in enumerate(masked):
        positive, mask = row % 2 == 1, f"{row}.png" if letter == "m" else None
        label = "malignant" if positive else "benign"
        made.append(
            Sample(f"s{row}", (), label, positive, {}, mask, has_mask=is_marked(mask, positive, settings(mask_in)))
        )
    return made


def usable(masked: str, mask_in: str = "positive", *, labelled: bool = True) -> tuple[str, list[str]]:
    kept, notes = with_usable_masks(samples(masked, mask_in), settings(mask_in), labelled=labelled)
    return "".join("-" if s.mask is None else "M" if s.has_mask else "m" for s in kept), notes


@pytest.mark.parametrize(
    ("masked", "mask_in", "kept"),
    [
        ("mmmm", "positive", "mMmM"),
        ("mmmm", "all", "MMMM"),
        ("-m-m", "positive", "-M-M"),
        ("mm-m", "positive", "-M-M"),
        ("mm-m", "all", "MM-M"),
        ("m-m-", "positive", "m-m-"),
    ],
)
def test_masks_of_the_negative_class_are_pathology_places_or_nothing(masked, mask_in, kept):
    assert usable(masked, mask_in)[0] == kept


def test_notes_say_what_masks_in_both_classes_are_taken_for():
    (places,) = usable("mmmm")[1]
    assert places.startswith("masks in both classes: those of the negative class are taken for places to erase")
    assert "`cohort.mask_in: all`" in places
    assert usable("mmmm", "all")[1] == usable("-m-m")[1] == usable("----", "all")[1] == []
    assert usable("mm-m", "all")[1] == ["no pathology mask: s2"]
    unused, missing = usable("mm--")[1]
    assert unused.startswith("1 of 2 samples of the negative class have a mask, which are not used")
    assert missing == "no pathology mask: s3"


def test_new_images_lose_masks_that_are_no_pathology():
    assert usable("mmmm", labelled=False) == ("-M-M", [])
