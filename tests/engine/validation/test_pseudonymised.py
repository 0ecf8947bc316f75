"""No name of a subject is left in a cohort or its notes."""

from __future__ import annotations

import pytest

from biasaudit.engine.validation.pseudonymised import pseudonymised
from biasaudit.protocol.pseudonyms import Pseudonyms
from biasaudit.records import Cohort, Sample

OWN = Pseudonyms(b"k" * 32)


def cohort(*names, notes=(), probes=()):
    samples, apart = ([Sample(name, (), "a", False, {"site": "x"}) for name in own] for own in (names, probes))
    return Cohort(tuple(samples), ("a", "b"), ("site",), 3, 1, notes=tuple(notes), probes=tuple(apart))


def test_subjects_and_probes_get_pseudonyms():
    found = pseudonymised(cohort("anna", "otto", "anna", probes=["eva"]), OWN)
    assert [sample.subject for sample in found.samples] == [OWN.subject(name) for name in ("anna", "otto", "anna")]
    assert found.probes[0].subject == OWN.subject("eva")


@pytest.mark.parametrize(
    ("note", "left"),
    [
        ("the mask is empty: anna, otto", "the mask is empty: ANNA, OTTO"),
        ("2 images of 12 subjects: 12, 3", "2 images of 12 subjects: TWELVE, THREE"),
        ("joanna and sub-anna stay, anna goes", "joanna and sub-anna stay, ANNA goes"),
        ("nothing is named", "nothing is named"),
    ],
)
def test_notes_name_nobody(note, left):
    names = {"anna": "ANNA", "otto": "OTTO", "12": "TWELVE", "3": "THREE"}
    (found,) = pseudonymised(cohort(*names, notes=[note]), OWN).notes
    for name, word in names.items():
        found = found.replace(OWN.subject(name), word)
    assert found == left
