"""Code of the user's that ends the process it runs in, and code that data would run: one line, and nothing has run."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

PROTOCOL = """\
cohort:
  reader: table
  table: table.tsv
  label: {column: label, positive: ill, negative: well}
  origins: [site]
  min_origin_size: 2
arms: ['own.py:f']
target: {training: {epochs: 1}}
folds: {n: 2}
checks: [D1, G1]
statistics: {n_permutations: 99, n_bootstraps: 99}
learned: {enabled: false}
"""
SOUND = "def f(image):\n    return image[0] - image.mean()\n"
ENDING = {
    "at import": ("import sys\nsys.exit(0)\n", "own.py cannot be imported: it ended the program by sys.exit(0)"),
    "in the function": ("import sys\ndef f(image):\n    sys.exit(0)\n", "it ended the program by sys.exit(0)"),
    "abort": ("import os\nos.abort()\n", "own.py ended the process that it ran in (signal 6, Aborted)"),
    "without a word": ("import os\nos._exit(0)\n", "own.py ended the process that it ran in (exit code 0)"),
}


@pytest.fixture
def study(tmp_path):
    chance = np.random.default_rng(0)
    rows = ["subject\timage\tlabel\tsite"]
    for number in range(12):
        Image.fromarray(chance.integers(0, 255, (16, 16), dtype=np.uint8)).save(tmp_path / f"{number}.png")
        rows.append(f"s{number}\t{number}.png\t{('well', 'ill')[number % 2]}\t{'ab'[number // 2 % 2]}")
    (tmp_path / "table.tsv").write_text("\n".join(rows) + "\n")
    (tmp_path / "protocol.yaml").write_text(PROTOCOL)
    return tmp_path


@pytest.mark.parametrize(("code", "words"), ENDING.values(), ids=ENDING)
def test_code_that_ends_the_process_fails_the_validation(biasaudit, study, code, words):
    (study / "own.py").write_text(code)
    done = biasaudit("validate", study / "protocol.yaml")
    assert (done.returncode, len(done.stderr.splitlines())) == (3, 1)
    assert words in done.stderr
    assert f"{study}/protocol.yaml:7: arms" in done.stderr
    assert done.stdout.startswith("runs code of: own.py (sha256 ")


@pytest.mark.slow
def test_code_that_ends_a_job_fails_that_job(biasaudit, study):
    (study / "own.py").write_text(
        "import os\nN = []\ndef f(image):\n    N.append(0)\n    len(N) < 3 or os.abort()\n    return image\n"
    )
    done = biasaudit("run", study / "protocol.yaml", "-o", study / "out", "--engine", "local")
    assert done.returncode == 4
    assert "ended the process that it ran in (signal 6, Aborted)" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_run_folder_runs_what_its_audit_ran(biasaudit, study):
    (study / "own.py").write_text(SOUND)
    done = biasaudit("run", study / "protocol.yaml", "-o", study / "out", "--engine", "local")
    assert done.returncode == 0, done.stderr
    again = biasaudit("predict", study / "out", study / "table.tsv")
    assert (again.returncode, len(again.stdout.splitlines())) == (0, 13), again.stderr
    assert again.stderr.startswith("note: runs code of: own.py (sha256 ")
    (study / "own.py").write_text(SOUND + "print('changed')\n")
    changed = biasaudit("predict", study / "out", study / "table.tsv")
    assert (changed.returncode, len(changed.stderr.splitlines())) == (3, 1)
    assert "for arms.0, which has changed since; look at it, and give --trust if you trust it" in changed.stderr
    assert biasaudit("predict", study / "out", study / "table.tsv", "--trust").returncode == 0


@pytest.mark.slow
def test_a_run_folder_that_names_a_shell(biasaudit, study):
    (study / "protocol.yaml").write_text(PROTOCOL.replace("arms: ['own.py:f']\n", ""))
    done = biasaudit("run", study / "protocol.yaml", "-o", study / "out", "--engine", "local")
    assert done.returncode == 0, done.stderr
    for path in Path(study / "out/models").glob("*_seed-*.json"):
        described = json.loads(path.read_text())
        path.write_text(
            json.dumps({**described, "network": "os:system", "network_arguments": {"command": f"touch {study}/ran"}})
        )
    for trust in ((), ("--trust",)):
        refused = biasaudit("predict", study / "out", study / "table.tsv", *trust)
        assert refused.returncode in (2, 3)
        assert "os:system" in refused.stderr or "were written" in refused.stderr  # the hash is looked at first
        assert "Traceback" not in refused.stderr
    assert not (study / "ran").exists()
