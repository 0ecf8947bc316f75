"""Where measured figures come from."""

from __future__ import annotations

import os

import biasaudit
from biasaudit.calibration.provenance import code_commit, machine


def test_code_outside_of_a_checkout_has_no_commit(monkeypatch, tmp_path):
    monkeypatch.setattr(biasaudit, "__file__", str(tmp_path / "__init__.py"))
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    assert code_commit() == "not a checkout"
    monkeypatch.setenv("PATH", "")
    assert code_commit() == "not a checkout"


def test_the_machine_is_named_by_what_times_depend_on():
    assert machine().endswith(f", {os.cpu_count()} cores")
