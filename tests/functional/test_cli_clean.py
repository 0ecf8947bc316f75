"""`biasaudit clean`: the space is freed, and what a run is read for still works."""

from __future__ import annotations

import json
import shutil

import pytest


@pytest.fixture(scope="module")
def cleaned(finished_run, tmp_path_factory, biasaudit):
    folder = tmp_path_factory.mktemp("cleaned") / "out"
    shutil.copytree(finished_run, folder)
    done = biasaudit("clean", folder)
    assert done.returncode == 0, done.stderr
    assert "MB freed" in done.stdout
    return folder


def test_the_space_is_freed(cleaned, finished_run):
    assert not any((cleaned / "jobs").iterdir())
    size = sum(path.stat().st_size for path in cleaned.rglob("*") if path.is_file())
    assert size < 0.7 * sum(path.stat().st_size for path in finished_run.rglob("*") if path.is_file())


def test_report_and_gate_work(cleaned, biasaudit_here):
    assert biasaudit_here("report", cleaned).returncode == 0
    assert biasaudit_here("gate", cleaned).returncode in (0, 1)


def test_compare_works(cleaned, finished_run, biasaudit_here):
    done = biasaudit_here("compare", cleaned, finished_run, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)


def test_explain_works(cleaned, tmp_path, biasaudit_here):
    done = biasaudit_here("explain", cleaned, "-o", tmp_path / "explained")
    assert done.returncode == 0, done.stderr


def test_an_unfinished_run_is_refused_in_one_line(finished_run, tmp_path, biasaudit_here):
    shutil.copytree(finished_run, tmp_path / "out")
    (tmp_path / "out" / "audit.json").unlink()
    done = biasaudit_here("clean", tmp_path / "out")
    assert done.returncode != 0
    assert len(done.stderr.splitlines()) == 1
    assert any((tmp_path / "out" / "jobs").iterdir())


def test_no_run_is_refused(tmp_path, biasaudit_here):
    done = biasaudit_here("clean", tmp_path)
    assert done.returncode == 2
    assert "no run of biasaudit" in done.stderr
