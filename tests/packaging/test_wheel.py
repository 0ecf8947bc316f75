"""Templates and protocols are found from a wheel installed into an empty environment."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    words = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    built = subprocess.run(words, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stdout + built.stderr
    return next(folder.glob("*.whl"))


def test_wheel_carries_protocols_and_templates(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert "biasaudit/_protocols/demo.yaml" in names
    assert "biasaudit/_templates/report.html.j2" in names
    assert "biasaudit/py.typed" in names


def test_installed_wheel_finds_them(wheel, tmp_path):
    site = tmp_path / "site"
    words = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run(words, check=True, capture_output=True)
    program = (
        "import biasaudit, biasaudit.resources as r;"
        "print(biasaudit.__file__);"
        "print((r.protocols_folder() / 'demo.yaml').is_file(), (r.templates_folder() / 'report.html.j2').is_file())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(site)},
        check=True,
    )
    where, found = done.stdout.splitlines()
    assert Path(where).is_relative_to(site)
    assert found == "True True"
