"""Reading ``audit.json``: every fault at once, and empty records where optional parts are absent."""

from __future__ import annotations

import json

import pytest

from biasaudit.errors import DataError
from biasaudit.run_folder.audit_file import read_audit


def write(folder, audit):
    (folder / "audit.json").write_text(json.dumps(audit))


def test_optional_parts_are_empty_where_they_are_absent(tmp_path):
    write(tmp_path, {"arms": [{"name": "a", "verdict": "ORIGIN"}], "notes": None})
    audit = read_audit(tmp_path)
    assert audit["notes"] == []
    assert audit["cohort"]["n"] == 0


def test_all_faults_come_at_once(tmp_path):
    finding = {"code": "D1", "status": "claer"}
    arm = {"name": "a", "verdict": "ORIGN", "findings": [finding]}
    write(tmp_path, {"schema_version": "99.0", "arms": [arm], "design": {"findings": [finding, 1]}})
    with pytest.raises(DataError) as caught:
        read_audit(tmp_path)
    assert len(caught.value.faults) == 5


def test_none_is_told_from_damaged(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_audit(tmp_path)
    (tmp_path / "audit.json").mkdir()
    with pytest.raises(DataError, match="a folder, expected a regular file"):
        read_audit(tmp_path)
