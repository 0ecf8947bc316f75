"""The words of a BIDS App, and what becomes of them; the audit itself is tested elsewhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from biasaudit.cli import bids_app
from biasaudit.cli.bids_app import run_app
from biasaudit.errors import DataError, IncompleteError, InputError, UsageError

PROTOCOL = """\
name: given
cohort:
  reader: bids
  roots: [elsewhere]
  label: {positive: ms}
  select: age > 18
"""


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    root = tmp_path / "bids"
    for subject in ("01", "02"):
        (root / f"sub-{subject}" / "anat").mkdir(parents=True)
    return root


@pytest.fixture
def audited(monkeypatch: pytest.MonkeyPatch) -> list:
    """Remember what would be audited, and where."""
    asked: list = []
    monkeypatch.setattr(bids_app, "audit_into", lambda plan, out, where: asked.append((plan, out, where)))
    return asked


def protocol_in(folder: Path, text: str = PROTOCOL) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "protocol.yaml").write_text(text)
    return str(folder / "protocol.yaml")


def test_a_given_protocol_is_made_one_of_the_dataset_and_of_the_participants(dataset, audited, tmp_path):
    words = ["--protocol", protocol_in(tmp_path), "--participant_label", "01", "sub-02", "--n_cpus", "2"]
    run_app([str(dataset), str(tmp_path / "out"), "participant", *words, "--skip-bids-validator"])
    ((plan, out, where),) = audited
    assert plan.cohort.roots == [dataset]
    assert plan.cohort.select == "(age > 18) and (participant_id in ['sub-01', 'sub-02'])"
    assert out == tmp_path / "out" / "audit"
    assert where.workers == 2


def test_the_protocol_of_the_output_folder_is_used_and_not_drafted_again(dataset, audited, tmp_path, monkeypatch):
    protocol_in(tmp_path / "out")
    monkeypatch.setattr(bids_app, "_draft", lambda *words: pytest.fail("there is a protocol"))
    run_app([str(dataset), str(tmp_path / "out"), "participant", "--dataset", str(dataset)])
    assert audited[0][0].cohort.select == "(age > 18)"
    assert audited[0][0].cohort.roots == [dataset, dataset]


def test_what_cannot_be_drafted_is_told(dataset, audited, tmp_path):
    with pytest.raises(InputError):
        run_app([str(dataset), str(tmp_path / "out"), "participant"])
    assert audited == []


def test_participants_that_are_not_there_come_at_once(dataset, audited, tmp_path):
    words = ["--protocol", protocol_in(tmp_path), "--participant-label", "01", "03", "04"]
    with pytest.raises(DataError, match="no sub-03 in the data") as error:
        run_app([str(dataset), str(tmp_path / "out"), "participant", *words])
    assert len(error.value.faults) == 2
    assert audited == []


def test_another_reader_and_another_folder_are_one_line(dataset, tmp_path):
    simulated = protocol_in(tmp_path, "name: simulated\ncohort: {reader: phantom}\n")
    with pytest.raises(UsageError, match="with `reader: bids`"):
        run_app([str(dataset), str(tmp_path / "out"), "participant", "--protocol", simulated])
    with pytest.raises(UsageError, match="no such folder"):
        run_app([str(tmp_path / "nowhere"), str(tmp_path / "out"), "participant"])


def test_the_group_has_verdicts_only_where_an_audit_is_finished(dataset, tmp_path):
    with pytest.raises((UsageError, IncompleteError, InputError)):
        run_app([str(dataset), str(tmp_path / "out"), "group"])


@pytest.mark.parametrize("words", [["participant", "--n-cpus", "0"], ["session"]])
def test_words_that_no_app_has_are_refused(dataset, tmp_path, words):
    with pytest.raises(SystemExit) as stop:
        run_app([str(dataset), str(tmp_path / "out"), *words])
    assert stop.value.code == 2
