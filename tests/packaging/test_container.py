"""The container files: what they say here, what they build where a container engine is at hand."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = ("Dockerfile", "biasaudit.def")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def why_no_docker() -> str:
    if shutil.which("docker") is None:
        return "docker is not installed"
    told = subprocess.run(["docker", "info"], capture_output=True, text=True, check=False)
    return "" if told.returncode == 0 else "docker has no running daemon"


def why_no_apptainer() -> str:
    return "" if shutil.which("apptainer") else "apptainer is not installed"


@pytest.mark.parametrize("name", FILES)
def test_a_container_installs_the_locked_packages_and_is_a_bids_app(name):
    text = (ROOT / name).read_text("utf-8")
    assert "--require-hashes -r requirements.lock" in text
    assert "biasaudit-app" in text
    assert "biasaudit-app" in PROJECT["scripts"]
    assert "OMP_NUM_THREADS=1" in text
    assert set(re.findall(r"biasaudit==([\d.]+)", text)) == {PROJECT["version"]}


def test_what_the_container_installs_without_hashes_is_what_the_extras_name():
    (line,) = re.findall(r"-c constraints.txt .*?\)\}\" (.*?);", (ROOT / "Dockerfile").read_text("utf-8"))
    extras = PROJECT["optional-dependencies"]
    wanted = {re.split("[<>=]", own)[0] for name in ("cluster", "combat", "dask", "dicom") for own in extras[name]}
    assert set(line.split()) == wanted - {"biasaudit[dask]"}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything that an image is built from."""
    folder = tmp_path_factory.mktemp("context")
    for name in (*FILES, ".dockerignore", "requirements.lock", "constraints.txt"):
        shutil.copy(ROOT / name, folder / name)
    words = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder / "dist"), str(ROOT)]
    subprocess.run(words, check=True, capture_output=True)
    return folder


@pytest.mark.slow
@pytest.mark.skipif(bool(why_no_docker()), reason=why_no_docker())
def test_docker_builds_an_image_that_runs(checkout):
    subprocess.run(["docker", "build", "--tag", "biasaudit:test", "."], cwd=checkout, check=True)
    told = subprocess.run(["docker", "run", "--rm", "biasaudit:test", "--version"], capture_output=True, text=True)
    assert told.stdout.strip() == f"biasaudit {PROJECT['version']}"


@pytest.mark.slow
@pytest.mark.skipif(bool(why_no_apptainer()), reason=why_no_apptainer())
def test_apptainer_builds_an_image_that_runs(checkout):
    subprocess.run(["apptainer", "build", "biasaudit.sif", "biasaudit.def"], cwd=checkout, check=True)
    words = ["apptainer", "run", "biasaudit.sif", "--version"]
    told = subprocess.run(words, cwd=checkout, capture_output=True, text=True, check=True)
    assert told.stdout.strip() == f"biasaudit {PROJECT['version']}"
