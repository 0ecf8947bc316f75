"""No name of a subject is left in a cohort or its notes."""

from __future__ import annotations

from pathlib import Path

import pytest

from biasaudit.cohort.readers.bids import BidsReader
from biasaudit.cohort.readers.table import TableReader
from biasaudit.engine.validation.pseudonymised import pseudonymised
from biasaudit.protocol import BidsCohort, TableCohort
from biasaudit.protocol.pseudonyms import Pseudonyms
from biasaudit.records import Cohort, Note, Sample

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


def written(folder: Path, name: str, *lines: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n")
    return path


def told(read: Cohort) -> str:
    """Return the notes of a cohort that name somebody, in a run that names nobody."""
    named = "\n".join(read.notes)
    assert "anna" in named.lower()
    return "\n".join(pseudonymised(read, OWN).notes)


def test_tables_name_neither_who_is_kept_nor_who_is_left_out(tmp_path):
    people = [f"{name}\tms\ta\t{row}" for row, name in enumerate(("annaA", "annaa", "mueller_anna0", "sub-anna1"))]
    first = written(tmp_path, "a.tsv", "id\tdx\tsite\tage", *people, "sub-otto\thc\tb\t7", "007\thc\tb\t8")
    rows = [f"{name}\t1.{len(name)}" for name in ("annaA", "annaa", "sub-anna1", "sub-otto", "7", "anna-eve")]
    second = written(tmp_path, "b.tsv", "id\tx", *(f"anna-row{row}\t{line}" for row, line in enumerate(rows)))
    settings = {"reader": "table", "table": [first, second], "subject": "id", "features": ["x"], "min_origin_size": 1}
    known = {"label": {"column": "dx", "positive": "ms"}, "origins": ["site"]}
    left = told(TableReader().read(TableCohort.model_validate({**settings, **known, "select": "id > 0 or age > -1"})))
    assert "anna" not in left.lower()
    assert "1 without a row in b.tsv are left out" in left
    assert "the first column has no name and is taken for row names" in left


def test_names_of_files_of_bids_are_left_out(tmp_path):
    people = [f"sub-{name}\t{label}\t30" for name, label in (("anna", "ms"), ("joanna", "hc"), ("annabel", "hc"))]
    written(tmp_path, "participants.tsv", "participant_id\tlabel\tage", *people)
    for name in ("anna", "joanna"):
        for image in ("T1w", "FLAIR", "part-phase_T1w"):
            written(tmp_path, f"sub-{name}/anat/sub-{name}_{image}.nii.gz", "")
    written(tmp_path, "sub-anna/anat/sub-anna_run-2_T1w.nii.gz", "")
    written(tmp_path, "sub-anna/anat/sub-anna_T1w.json", '{"age": 31}')
    settings = {"reader": "bids", "roots": [tmp_path], "suffix": ["T1w", "FLAIR"], "label": {"positive": "ms"}}
    left = told(BidsReader().read(BidsCohort.model_validate({**settings, "covariates": ["age"], "min_origin_size": 1})))
    assert "anna" not in left
    assert "phase, real or imaginary images (`part-`) are left out" in left
    assert "1 participants without T1w and FLAIR" in left
    assert "left out because a channel is missing (1)" in left


def test_a_note_with_names_is_told_without():
    notes = [Note("no unit: 1 file (sub-anna_T1w.nii.gz)", "no unit: 1 file"), "otto: 2 images"]
    assert pseudonymised(cohort("otto", notes=notes), OWN).notes == (
        "no unit: 1 file",
        f"{OWN.subject('otto')}: 2 images",
    )
