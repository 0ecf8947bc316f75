"""Notes with and without names."""

from __future__ import annotations

import pickle

from biasaudit.records import Note


def test_a_note_is_its_text_and_keeps_what_may_be_told_in_another_process():
    note = pickle.loads(pickle.dumps(Note("left out: anna", "1 left out")))
    assert note == "left out: anna"
    assert note.anonymous == "1 left out"
