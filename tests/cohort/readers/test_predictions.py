from __future__ import annotations

import numpy as np
import pytest

from biasaudit.cohort.readers.table import TableReader
from biasaudit.protocol import parse_protocol

PROTOCOL = """\
cohort:
  reader: table
  table: table.tsv
  label: {column: label, positive: ill, negative: well}
  origins: [site]
  min_origin_size: 1
  score: [SCORE]
"""


@pytest.fixture
def read(tmp_path):
    """Read a table of eight subjects with one column of scores."""

    def cohort(scores):
        rows = [f"s{i}\t{'ill' if i % 2 else 'well'}\t{'ab'[i // 4]}\t{score}" for i, score in enumerate(scores)]
        (tmp_path / "table.tsv").write_text("\n".join(["subject\tlabel\tsite\tscore", *rows]) + "\n")
        path = tmp_path / "protocol.yaml"
        return TableReader().read(parse_protocol(PROTOCOL.replace("SCORE", "score"), path).cohort)

    return cohort


def logits(cohort):
    return np.array([sample.scores[0] for sample in cohort.samples])


def test_probabilities_become_logits(read):
    values = np.linspace(0.1, 0.9, 8)
    cohort = read(values)
    np.testing.assert_allclose(logits(cohort), np.log(values / (1 - values)))
    assert any(note.endswith("is the word of who made them, and not tested") for note in cohort.notes)
    assert not any("count alike" in note for note in cohort.notes)


def test_saturated_probabilities_are_cut_and_counted(read):
    cohort = read([0, 0.2, 1, 1, 0.5, 1 - 1e-9, 0.7, 0.8])
    assert np.isfinite(logits(cohort)).all()
    assert len(set(logits(cohort)[[2, 3, 5]])) == 1
    assert any("4 of 8 are within 1e-06 of 0 or 1 and count alike" in note for note in cohort.notes)


@pytest.mark.parametrize("scale", [1e-90, 1.0, 1e90])
def test_scores_of_any_usual_size_are_taken_as_they_are(read, scale):
    values = scale * np.array([-3.0, 0.2, 1.5, 2.0, -1.0, 4.0, 0.0, 1.0])
    np.testing.assert_allclose(logits(read(values)), values)


@pytest.mark.parametrize("beside", [False, True])
def test_sessions_of_a_person_are_one_subject(tmp_path, beside):
    """Scores are found by the names of the cells, and then belong to persons."""
    rows = [
        f"sub-{k}_ses-{session}_T1w\t{'ill' if k % 2 else 'well'}\t{'ab'[k // 4]}\t{k + session / 3}"
        for k in range(8)
        for session in (1, 2)
    ]
    (tmp_path / "table.tsv").write_text("\n".join(["subject\tlabel\tsite\tscore", *rows]) + "\n")
    text = PROTOCOL.replace("SCORE", "score") + ("  predictions: table.tsv\n" if beside else "")
    found = TableReader().read(parse_protocol(text, tmp_path / "protocol.yaml").cohort)
    assert [sample.subject for sample in found.samples] == [f"sub-{k // 2}" for k in range(16)]
    np.testing.assert_allclose(logits(found), [k + session / 3 for k in range(8) for session in (1, 2)])
