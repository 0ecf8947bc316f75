"""The worked examples of docs/extending.md: they pass the contracts of their kind, and an audit uses them."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
from plug_ins import write_plug_in

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "extending.md"
_FILE = re.compile(r'^```\w+ title="([^"]+)"\n(.*?)^```$', re.DOTALL | re.MULTILINE)

EXAMPLE_COHORT = """
from pathlib import Path

import test_extending
from contracts import example_cohorts


def folders_cohort(folder):
    test_extending.write_images(folder, per_cell=example_cohorts.SUBJECTS // 4)
    label = {"positive": "ill", "negative": "healthy"}
    return {"reader": "folders", "folder": str(folder), "label": label, "origins": ["site"], "min_origin_size": 1}


def folders_damaged(folder):
    section = folders_cohort(folder)
    (folder / "north" / "unknown").mkdir()
    (folder / "north" / "unknown" / "notes.txt").write_text("no image")
    return section


example_cohorts.folders_cohort, example_cohorts.folders_damaged = folders_cohort, folders_damaged
"""


def files() -> dict[str, str]:
    """Every file that the page shows, by name."""
    return dict(_FILE.findall(PAGE.read_text(encoding="utf-8")))


def groups() -> dict[str, dict[str, str]]:
    return tomllib.loads(files()["pyproject.toml"])["project"]["entry-points"]


def write_images(folder: Path, per_cell: int) -> None:
    """Write images of two sites and two classes: noisy balls, those of patients with a marked bright spot."""
    axes = np.meshgrid(*(np.linspace(-1, 1, 16),) * 3, indexing="ij")
    ball, spot = sum(axis**2 for axis in axes) < 0.6, sum((axis - 0.2) ** 2 for axis in axes) < 0.1
    chance, affine = np.random.default_rng(5), np.diag([8.0, 8.0, 8.0, 1.0])
    for site, scale in (("north", 1.0), ("south", 1.3)):
        for label in ("healthy", "ill"):
            place = folder / site / label
            place.mkdir(parents=True)
            for number in range(per_cell):
                image = scale * chance.normal(100, 10, ball.shape) + 40 * spot * (label == "ill")
                nib.save(nib.Nifti1Image((image * ball).astype(np.float32), affine), place / f"{label}{number}.nii.gz")
                if label == "ill":
                    mask = nib.Nifti1Image(spot.astype(np.uint8), affine)
                    nib.save(mask, place / f"{label}{number}_mask.nii.gz")


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    """The package of the page, installed in a folder of its own."""
    folder = tmp_path_factory.mktemp("plug_in")
    code = {name: text for name, text in files().items() if name.endswith((".py", ".j2"))}
    write_plug_in(folder, {"neuro_extras/__init__.py": "", "scratch_examples.py": EXAMPLE_COHORT, **code}, groups())
    return folder


def run(package: Path, *arguments: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run Python where the package is installed."""
    paths = os.pathsep.join(map(str, (package, *filter(None, sys.path))))
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment,
        timeout=600,
        check=False,
    )


def named() -> Iterator[tuple[str, str]]:
    for group, points in groups().items():
        yield from ((group, name) for name in points)


def test_every_kind_of_plug_in_has_its_example():
    from biasaudit import registry

    assert {group for group, _ in named()} == {registry.group_of(kind) for kind in registry.KINDS}


def test_every_module_of_the_package_is_shown():
    modules = {value.replace(".", "/") + ".py" for points in groups().values() for value in points.values()}
    assert modules == {name for name in files() if name.endswith(".py")}


CONTRACTS = {
    "biasaudit.checks": "checks/test_check_contract.py",
    "biasaudit.readers": "contracts/test_contract_reader.py",
    "biasaudit.representations": "contracts/test_contract_representation.py",
    "biasaudit.attributions": "contracts/test_contract_attribution.py",
    "biasaudit.networks": "contracts/test_contract_network.py",
    "biasaudit.sections": "report/sections/test_section.py",
}


def test_the_examples_keep_their_contracts(package):
    # X2 looks at a kind of evidence that the contract of checks does not know.
    names = [name for group, name in named() if group in CONTRACTS and name != "X2"]
    words = " or ".join(f"[{name}" for name in names) + " or " + " or ".join(f"-{name}" for name in names)
    options = ("-p", "scratch_examples", "-p", "no:cacheprovider", "-n", "0", "-k", words)
    done = run(package, "-m", "pytest", *options, *(ROOT / "tests" / path for path in CONTRACTS.values()))
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    passed = int(re.search(r"(\d+) passed", done.stdout)[1])
    assert passed >= 8 * len(names)


@pytest.fixture(scope="module")
def finished(package, tmp_path_factory) -> Path:
    """The run folder of an audit whose protocol asks for all of them."""
    folder = tmp_path_factory.mktemp("audit")
    write_images(folder / "images", per_cell=6)
    (folder / "protocol.yaml").write_text(files()["protocol.yaml"], encoding="utf-8")
    done = run(package, "-m", "biasaudit", "run", "protocol.yaml", "-o", "out", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "out"


@pytest.fixture(scope="module")
def audit(finished) -> dict:
    """What the audit found."""
    return json.loads((finished / "audit.json").read_text(encoding="utf-8"))


def test_an_audit_shows_what_the_check_found(audit):
    (finding,) = [own for own in audit["arms"][0]["findings"] if own["code"] == "X1"]
    assert finding["status"] in ("concern", "inconclusive")
    assert finding["p_value"] > 0
    assert audit["checks"]["X1"]["question"] == "Do the scores spread alike at every origin?"
    assert audit["checks"]["X1"]["statistic"] == "share of the spread"
    assert audit["checks"]["X2"]["statistic"] == "statistic", "a check need not name it"
    assert (finding["threshold_on"], finding["alpha"]) == ("p_value", finding["threshold"])


def test_an_audit_gathers_the_evidence_of_the_kind(audit):
    (finding,) = [own for own in audit["arms"][0]["findings"] if own["code"] == "X2"]
    assert finding["status"] == "concern"
    assert finding["n"] == 24


def test_an_audit_uses_reader_and_representation(audit):
    assert audit["arms"][0]["representation"] == "edges"
    assert any(text.startswith("Edges were computed") for text in audit["limits"])
    assert audit["cohort"]["n"] == 24


def test_the_report_has_the_section_in_its_place(finished):
    page = (finished / "report.html").read_text(encoding="utf-8")
    assert '<a href="#least_certain">Least certain</a>' in page
    section = page[page.index('<section id="least_certain"') :].partition("</section>")[0]
    assert "Least certain subjects</h2>" in section
    assert len(re.findall(r"(north|south)-(healthy|ill)\d", section)) == 5
    assert page.index('id="least_certain"') < page.index('id="methods"')


def test_the_list_names_where_each_comes_from(package):
    lines = run(package, "-m", "biasaudit", "list").stdout.splitlines()
    for _, name in named():
        assert any(line.split()[:1] == [name] and line.rstrip().endswith("(from scratch 1.2)") for line in lines), name
