"""Three-dimensional networks trained without biasaudit get the whole audit, controls included, without code changes."""

from __future__ import annotations

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"

if not BENCHMARKS.is_dir():
    pytest.skip("the benchmarks are not part of this copy", allow_module_level=True)


@pytest.fixture(scope="module")
def study():
    """The benchmark that prints these audits at a larger size."""
    sys.path.insert(0, str(BENCHMARKS))
    try:
        yield importlib.import_module("own_networks")
    finally:
        sys.path.remove(str(BENCHMARKS))


def audited(study, network, folder: Path, spacing: float):
    study.cohort(folder, subjects=32, spacing=spacing)
    return study.audited(network, folder, folder / "out")


def require_whole(done) -> None:
    """The scores are those of the network outside, and no question failed."""
    assert done.disagreement < 0.01
    assert len(done.scores) == 16
    arm = done.audit["arms"][0]
    status = {}
    for finding in arm["findings"]:
        status.setdefault(finding["code"], set()).add(finding["status"])
    assert "error" not in set().union(*status.values())
    assert arm["target"]["auc"] == pytest.approx(done.auc, abs=1e-9)
    for code in ("G1", "A1", "A2", "U1", "U2", "U3", "U4", "U6", "U8"):
        assert status[code] - {"not_applicable"}, code
    reduced = {finding["input"] for finding in arm["findings"] if finding["code"] == "A2"}
    assert {"erased", "silhouette"} <= reduced
    assert {"adopt", "train", "attribute", "judge"} <= done.seconds.keys()


@pytest.mark.parametrize(
    "title", ["own, BatchNorm, ReLU in place", pytest.param("own, functional ReLU", marks=pytest.mark.slow)]
)
def test_a_small_network_of_the_users(study, tmp_path, title):
    network = next(network for network in study.NETWORKS if network.title == title)
    require_whole(audited(study, replace(network, epochs=4), tmp_path, spacing=8.0))


@pytest.mark.slow
def test_densenet121_of_monai(study, tmp_path):
    pytest.importorskip("monai")
    network = next(network for network in study.NETWORKS if network.network.startswith("monai"))
    require_whole(audited(study, replace(network, epochs=1), tmp_path, spacing=6.0))


def test_the_study_says_which_network_is_not_there(study, monkeypatch, tmp_path):
    if importlib.util.find_spec("monai") is not None:
        pytest.skip("MONAI is installed")
    monkeypatch.setattr(study, "NETWORKS", study.NETWORKS[-1:])
    monkeypatch.setattr(study, "cohort", lambda folder: None)
    assert "not run: MONAI is not installed" in study.study(tmp_path)
    assert not list(tmp_path.rglob("audit.json"))
