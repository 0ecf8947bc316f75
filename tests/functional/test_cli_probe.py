"""Probes from the command line: a run without a number, the images that it asks for, and what they change."""

from __future__ import annotations

import json
import re
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
grid: {shape: [24, 24]}
target: {training: {epochs: 6, batch_size: 8}}
folds: {n: 2}
checks: [D1, G1, U5, P1]
statistics: {n_permutations: 99, n_bootstraps: 99}
learned: {enabled: false}
"""
HEADER = "subject\timage\tlabel\tsite"


def picture(path: Path, seed: int, *, bright: bool) -> None:
    """Noise, of which one site's is coarser: all that a network can learn from."""
    chance = np.random.default_rng(seed)
    fine = chance.normal(size=(24, 24))
    coarse = np.kron(chance.normal(size=(12, 12)), np.ones((2, 2)))
    Image.fromarray(np.uint8(np.clip(128 + 40 * (coarse if bright else fine), 0, 255))).save(path)


def write(folder: Path) -> None:
    rows = []
    for k in range(48):
        ill = bool(k % 2)
        picture(folder / f"{k}.png", k, bright=ill)
        rows.append(f"s{k}\t{k}.png\t{'ill' if ill else 'well'}\t{'b' if ill else 'a'}")
    (folder / "table.tsv").write_text("\n".join([HEADER, *rows]) + "\n")
    probes = []
    for k in range(12):
        picture(folder / f"p{k}.png", 100 + k, bright=True)
        probes.append(f"p{k}\tp{k}.png\twell\tb")
    (folder / "probes.tsv").write_text("\n".join([HEADER, *probes]) + "\n")
    (folder / "protocol.yaml").write_text(PROTOCOL)


@pytest.fixture(scope="module")
def probed(tmp_path_factory, biasaudit):
    folder = tmp_path_factory.mktemp("probe")
    write(folder)
    ran = biasaudit("run", folder / "protocol.yaml", "-o", folder / "out", "--engine", "local", "--workers", "1")
    assert ran.returncode == 0, ran.stderr
    first = json.loads((folder / "out" / "audit.json").read_text())
    added = biasaudit("probe", folder / "out", folder / "probes.tsv")
    assert added.returncode == 0, added.stderr
    return folder, first, added


def test_with_nothing_declared_there_is_no_number_but_a_request(probed):
    _, first, _ = probed
    arm = first["arms"][0]
    assert arm["verdict"] == "UNDETERMINED"
    assert {arm["reliance"][key] for key in ("estimate", "low", "high", "kind")} == {None}
    assert re.search(r"Bring \d+ images of well subjects from b", arm["verdicts"][0]["settle"])


def test_probes_are_added_in_place_and_the_change_is_said(probed):
    folder, _, added = probed
    assert re.search(
        r"arm intensity: UNDETERMINED \(reliance not known\) -> ORIGIN \(reliance \d+-\d+ %\)", added.stdout
    )
    assert "answer key by site, 60 subjects: mean score (above 0 speaks for ill)" in added.stdout
    assert re.search(r"  well from b: [+-]\d+\.\d\d \(12\)", added.stdout)
    assert "on these images the scores follow the origin more than the class" in added.stdout
    arm = json.loads((folder / "out" / "audit.json").read_text())["arms"][0]
    assert arm["reliance"]["from"] == "P1"
    assert arm["reliance"]["kind"] == "interval"
    assert arm["reliance"]["low"] > 0.5
    assert "12 images of well from b, never trained on" in (folder / "out" / "report.html").read_text()


def test_the_networks_are_not_trained_again(probed):
    folder, _, added = probed
    assert "0 of " in added.stderr
    trained = [path for path in (folder / "out" / "jobs").glob("*/job.json") if '"train"' in path.read_text()]
    assert len(trained) <= 2


BAD = {
    "a subject of the cohort": ("s0\tp0.png\twell\tb", r"bad\.tsv:2: probe 's0' is a subject of the cohort"),
    "an image of the cohort": ("x\t0.png\twell\tb", r"bad\.tsv:2: probe 'x' shows an image of the cohort"),
    "a copy of such an image": ("x\tcopy.png\twell\tb", r"bad\.tsv:2: .*copy\.png: the same picture as .*1\.png"),
    "a class that is none": ("x\tp0.png\tsick\tb", r"bad\.tsv:2: probe of class .* which the cohort does not have"),
    "another size": ("x\tlarge.png\twell\tb", r"bad\.tsv:2: .*large\.png: 30 x 30, whereas every image from b"),
    "no file": ("x\tgone.png\twell\tb", r"bad\.tsv:2: .*gone\.png: no such file"),
    "no label": ("x\tp0.png\t\tb", r"bad\.tsv:2: probe without a label; .*max_prevalence"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_probe_is_one_line_and_the_run_stays_as_it_was(case, probed, biasaudit_here):
    folder, _, _ = probed
    row, expected = BAD[case]
    (folder / "copy.png").write_bytes((folder / "1.png").read_bytes())
    Image.fromarray(np.random.default_rng(5).integers(0, 255, (30, 30), dtype=np.uint8)).save(folder / "large.png")
    (folder / "bad.tsv").write_text(f"{HEADER}\n{row}\n")
    before = (folder / "out" / "audit.json").read_bytes()
    done = biasaudit_here("probe", folder / "out", folder / "bad.tsv")
    assert done.returncode == 3
    (line,) = done.stderr.strip().splitlines()
    assert re.search(expected, line)
    assert (folder / "out" / "audit.json").read_bytes() == before


def test_what_is_no_run_is_refused(tmp_path, biasaudit_here):
    done = biasaudit_here("probe", tmp_path, tmp_path / "probes.tsv")
    assert done.returncode == 2
    assert "is no run of biasaudit" in done.stderr
