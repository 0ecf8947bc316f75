"""Names that are not ASCII under locales that know nothing else, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROTOCOL = """\
name: "étude :100: [red]"
cohort:
  reader: table
  table: table.tsv
  label: {column: label, positive: больной, negative: здоровый}
  origins: [site]
  min_origin_size: 2
  score: logit
folds: {n: 2}
checks: [D1, G1, U1]
statistics: {n_permutations: 99, n_bootstraps: 99}
"""
LOCALES = {
    "C": {"LC_ALL": "C"},
    "C without remedies": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "ASCII streams": {"PYTHONIOENCODING": "ascii"},
    "both": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"},
}


@pytest.fixture
def study(tmp_path):
    folder = tmp_path / "étude"
    folder.mkdir()
    rows = [f"sübj-{n}\t{('здоровый', 'больной')[n % 2]}\t{'ab'[n // 2 % 2]}\t{n % 5 - 2.1 + n % 2}" for n in range(24)]
    (folder / "table.tsv").write_text("\n".join(["subject\tlabel\tsite\tlogit", *rows]) + "\n", "utf-8")
    (folder / "protocol.yaml").write_text(PROTOCOL, "utf-8")
    return folder


def command(*words: str | bytes | Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHONUTF8"))}
    return subprocess.run(
        [sys.executable, "-m", "biasaudit", *words],
        capture_output=True,
        env={**kept, "OMP_NUM_THREADS": "1", **environment},
        timeout=300,
        check=False,
    )


@pytest.mark.parametrize("locale", LOCALES.values(), ids=LOCALES)
def test_a_protocol_is_validated(study, locale):
    done = command("validate", study / "protocol.yaml", **locale)
    assert (done.returncode, done.stderr) == (0, b"")
    shown = "\\xe9tude" if "PYTHONIOENCODING" in locale else "étude"
    assert f"{shown}/protocol.yaml: sound".encode() in done.stdout


@pytest.mark.slow
def test_a_whole_audit(study):
    done = command("run", study / "protocol.yaml", "-o", study / "öut", "--engine", "local", **LOCALES["both"])
    assert done.returncode == 0, done.stderr
    assert b"report: " in done.stdout


def test_a_name_that_is_no_text_is_one_line(tmp_path):
    done = command("validate", os.fsencode(tmp_path) + b"/caf\xe9.yaml")
    assert done.returncode == 2
    assert done.stderr.decode() == (
        f"not UTF-8: '{tmp_path}/caf\\udce9.yaml'; rename the file or folder, and run the command again\n"
    )
