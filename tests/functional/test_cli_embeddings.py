"""The page's own example of embeddings, written, validated and audited; a wrong file is one line and exit 3."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "data.md"
SMALL = """\
folds: {n: 3}
checks: [D1, D2, G1, A1, U1]
statistics: {n_permutations: 199, n_bootstraps: 199}
"""


def example(language: str) -> str:
    section = PAGE.read_text().split("## Embeddings\n")[1].split("\n## ")[0]
    return re.search(rf"```{language}[^\n]*\n(.*?)```", section, re.S)[1]


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Embeddings that show the site and nothing of the disease, which goes with the site."""
    monkeypatch.chdir(tmp_path)
    chance = np.random.default_rng(4)
    ill = np.arange(120) % 2 == 1
    site = np.where(chance.random(120) < 0.85, ill, ~ill)
    embeddings = chance.normal(size=(120, 8)) + 4.0 * site[:, None] * (np.arange(8) < 2)
    subjects = [f"s{number:03d}" for number in range(120)]
    table = {"subject": subjects, "diagnosis": np.where(ill, "ad", "cn"), "site": np.where(site, "x", "y")}
    pd.DataFrame(table).sample(frac=1, random_state=1).to_csv("table.tsv", sep="\t", index=False)
    exec(example("python"), {"embeddings": embeddings, "subjects": subjects})
    Path("protocol.yaml").write_text(example("yaml") + SMALL)
    return tmp_path


def test_the_example_is_valid(written, biasaudit_here):
    done = biasaudit_here("validate", "protocol.yaml")
    assert done.returncode == 0, done.stderr
    assert "8 dimensions of embeddings in place of images" in " ".join((done.stdout + done.stderr).split())


@pytest.mark.slow
def test_the_example_is_audited(written, biasaudit_here):
    done = biasaudit_here(*example("sh").split()[1:])
    assert done.returncode == 0, done.stderr
    audit = json.loads((written / "out" / "audit.json").read_text())
    (arm,) = audit["arms"]
    assert arm["verdict"] in ("ORIGIN", "MIXED")
    assert any("8 dimensions of embeddings" in str(note) for note in audit["notes"]) or "embeddings" in json.dumps(
        audit
    )
    assert (written / "out" / "report.html").exists()


def test_a_wrong_file_is_one_line(written, biasaudit_here):
    np.savez("embeddings.npz", embeddings=np.zeros((3, 2)), subject=["s000", "s001"])
    done = biasaudit_here("validate", "protocol.yaml")
    assert done.returncode == 3
    assert "2 subjects and 3 rows of embeddings" in " ".join((done.stdout + done.stderr).split())
    assert "Traceback" not in (done.stdout + done.stderr)


def test_a_file_beside_columns_is_refused(written, biasaudit_here):
    text = Path("protocol.yaml").read_text().replace("features: embeddings.npz", "features: [embeddings.npz, age]")
    Path("protocol.yaml").write_text(text)
    done = biasaudit_here("validate", "protocol.yaml")
    assert done.returncode == 3
    assert "one file of embeddings, or columns" in " ".join((done.stdout + done.stderr).split())
