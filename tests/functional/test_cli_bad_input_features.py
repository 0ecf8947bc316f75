"""Faults of a feature table: one line each, exit 3, nothing written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

PROTOCOL = """\
cohort:
  reader: table
  table: table.tsv
  features: [thick_*, volume]
  label: {column: label, positive: ad, negative: cn}
  origins: [site]
  min_origin_size: 2
folds: {n: 2}
"""


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    chance = np.random.default_rng(1)
    rows = ["subject\tlabel\tsite\tthick_a\tthick_b\tvolume"]
    for index in range(12):
        numbers = "\t".join(f"{value:.3f}" for value in chance.normal(3, 1, 3))
        rows.append(f"s{index}\t{('cn', 'ad')[index % 2]}\t{'ab'[index % 4 // 2]}\t{numbers}")
    (tmp_path / "table.tsv").write_text("\n".join(rows) + "\n")
    (tmp_path / "protocol.yaml").write_text(PROTOCOL)
    return tmp_path


def cell(row: int, column: int, text: str):
    def make(folder: Path) -> None:
        lines = (folder / "table.tsv").read_text().splitlines()
        for number in range(1, len(lines)) if row == 0 else [row]:
            cells = lines[number].split("\t")
            cells[column] = text
            lines[number] = "\t".join(cells)
        (folder / "table.tsv").write_text("\n".join(lines) + "\n")

    return make


def protocol(old: str, new: str):
    def make(folder: Path) -> None:
        text = (folder / "protocol.yaml").read_text()
        assert old in text
        (folder / "protocol.yaml").write_text(text.replace(old, new))

    return make


def harmonised_by_the_label(folder: Path) -> None:
    """Let every site hold one class, and ask for the sites to be removed."""
    for row, name in enumerate(("x", "y") * 6, start=1):
        cell(row, 2, name)(folder)
    protocol("folds:", "arms: [features, combat]\nfolds:")(folder)


CASES = {
    "no such feature": (protocol("volume", "volumes"), "no column fits the feature 'volumes'; did you mean 'volume'?"),
    "pattern that fits nothing": (protocol("thick_*", "rh_*"), "no column fits the feature 'rh_*'"),
    "the label as a feature": (protocol("volume]", "label]"), "'label' is a feature and an answer at once"),
    "everything as a feature": (protocol("[thick_*, volume]", "[s*, volume]"), "is a feature and an answer at once"),
    "empty cell": (cell(4, 5, ""), "table.tsv:5: feature 'volume' is empty; fill it in from your own imputation"),
    "text": (cell(4, 5, "large"), "table.tsv:5: feature 'volume' holds 'large', expected a finite number"),
    "infinite": (cell(4, 3, "inf"), "table.tsv:5: feature 'thick_a' holds 'inf', expected a finite number"),
    "constant": (cell(0, 5, "1.5"), "the feature 'volume' is the same in all rows; leave it out"),
    "another arm": (
        protocol("folds:", "arms: [features, tissue]\nfolds:"),
        "protocol.yaml:8: arms.1: a feature table has no 'tissue'",
    ),
    "harmonised where it erases the diagnosis": (
        harmonised_by_the_label,
        "protocol.yaml:8: arms.1: combat is refused: label and site are aliased (one site for each class)",
    ),
    "a covariate of no arm": (
        protocol("folds:", "combat: {keep: [age]}\nfolds:"),
        "protocol.yaml:8: combat.keep: no arm is harmonised; add combat to `arms`",
    ),
    "mistyped argument": (
        protocol("folds:", "target: {network: mlp, network_arguments: {widht: 8}}\nfolds:"),
        "mlp takes no argument 'widht' (did you mean 'width'?)",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_fault_is_named_and_nothing_is_written(name, cohort, biasaudit_here):
    spoil, words = CASES[name]
    spoil(cohort)
    done = biasaudit_here("run", cohort / "protocol.yaml", "-o", cohort / "out", "--engine", "local")
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    assert words in done.stderr.splitlines()[0]
    assert len(done.stderr.strip().splitlines()) <= 2
    assert not (cohort / "out").exists()
