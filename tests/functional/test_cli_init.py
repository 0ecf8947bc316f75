"""`biasaudit init` typed as a user types it."""

from __future__ import annotations

import re

import numpy as np
import pytest


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "table.csv"
    rows = [f"s{n},{n}.npy,{('hc', 'ms')[n % 2]},{'ab'[n // 2 % 2]}" for n in range(20)]
    path.write_text("\n".join(["subject,image,diagnosis,site", *rows]) + "\n")
    for number in range(20):
        np.save(tmp_path / f"{number}.npy", np.arange(64.0).reshape(8, 8) + number)
    return path


def test_the_protocol_is_accepted_unchanged(biasaudit_here, table, tmp_path):
    out = tmp_path / "audit" / "protocol.yaml"
    done = biasaudit_here("init", table, "-o", out)
    assert done.returncode == 0, done.stderr
    assert "classes, from 'diagnosis'" in done.stdout
    assert re.search(r"hc +10 +healthy \(guess\)", done.stdout)
    assert f"next: biasaudit validate {out}" in done.stdout
    assert "table: ../table.csv" in out.read_text()
    checked = biasaudit_here("validate", out)
    assert checked.returncode == 0, checked.stderr


def test_nothing_is_overwritten_by_accident(biasaudit_here, table, tmp_path):
    out = tmp_path / "protocol.yaml"
    out.write_text("mine\n")
    done = biasaudit_here("init", table, "-o", out)
    assert (done.returncode, out.read_text()) == (2, "mine\n")
    assert "add --force to overwrite it" in done.stderr
    assert biasaudit_here("init", table, "-o", out, "--force").returncode == 0


def test_what_is_open_is_an_error_with_its_line(biasaudit_here, table, tmp_path):
    table.write_text(table.read_text().replace("hc", "x").replace("ms", "y"))
    done = biasaudit_here("init", table, "-o", tmp_path / "protocol.yaml")
    assert done.returncode == 3
    assert re.search(r"protocol.yaml:\d+: cohort.label.positive could not be guessed: of 'x', 'y' none", done.stderr)
    checked = biasaudit_here("validate", tmp_path / "protocol.yaml")
    assert "cohort.label.positive: required but missing" in checked.stderr


@pytest.mark.parametrize("words", [[], ["table.csv", "--bids", "root"]])
def test_a_table_or_datasets(biasaudit_here, words):
    done = biasaudit_here("init", *words)
    assert done.returncode == 2
    assert "give a table, or one or more BIDS datasets with --bids" in done.stderr
