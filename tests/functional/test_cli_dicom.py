"""A cohort of DICOM files made from real radiographs, from the first look to the report."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from dicom_files import write_dicom
from PIL import Image
from ruamel.yaml import YAML

pytest.importorskip("pydicom")

EACH = 8


@pytest.fixture(scope="module")
def radiographs() -> pd.DataFrame:
    folder = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "cxr"
    if not folder.is_dir():
        pytest.skip(f"the real images are not at {folder}")
    table = pd.read_csv(folder / "table.tsv", sep="\t")
    table["image"] = [str(folder / image) for image in table["image"]]
    return table.groupby(["label", "origin"]).head(EACH).reset_index(drop=True)


@pytest.fixture(scope="module")
def folder(radiographs: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One origin is coded as the other's negative, by another manufacturer; patients are seen at another voltage."""
    made = tmp_path_factory.mktemp("dicom")
    paths = []
    for row in radiographs.itertuples():
        grey = np.asarray(Image.open(row.image).convert("L").resize((40, 40)), dtype=np.uint16) * 16
        dark = row.origin == "nih"
        stored = 4095 - grey if dark else grey
        voltage = 90 if row.label == "pneumonia" else 120
        coding = {"PhotometricInterpretation": "MONOCHROME1", "Manufacturer": "Beta"} if dark else {}
        paths.append(write_dicom(made / f"{row.subject}.dcm", stored, KVP=voltage, PatientName="Secret^Jane", **coding))
    table = radiographs.assign(image=[Path(path).name for path in paths])[["subject", "image", "label", "origin"]]
    table.to_csv(made / "table.tsv", sep="\t", index=False)
    return made


def test_from_the_first_look_to_the_report(biasaudit_here, folder, tmp_path):
    protocol = tmp_path / "protocol.yaml"
    drafted = biasaudit_here("init", folder / "table.tsv", "-o", protocol)
    assert drafted.returncode == 0, drafted.stderr
    assert "40 x 40 (32)" in drafted.stdout
    checked = biasaudit_here("validate", protocol)
    assert checked.returncode == 0, checked.stderr
    shorten(protocol)
    done = biasaudit_here("run", protocol, "-o", tmp_path / "out", "--engine", "local")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "report.html").stat().st_size > 10_000
    findings = pd.read_csv(tmp_path / "out" / "tables" / "findings.tsv", sep="\t").set_index("code")
    of_label = findings[findings["class"].isna()].loc["D2"]
    assert of_label["status"] == "concern"
    assert "best: header: kVp (1.00)" in of_label["reason"]
    assert "they name the origin: header: manufacturer" in of_label["reason"]
    written = [p for p in (tmp_path / "out").rglob("*") if p.suffix in (".json", ".tsv", ".html", ".md", ".yaml")]
    assert not any("Secret^" in path.read_text() for path in written)
    predicted = biasaudit_here("predict", tmp_path / "out", folder / "table.tsv")
    assert predicted.returncode == 0, predicted.stderr


def test_without_pydicom_one_line_names_the_extra(biasaudit_here, folder, tmp_path, monkeypatch):
    protocol = tmp_path / "protocol.yaml"
    assert biasaudit_here("init", folder / "table.tsv", "-o", protocol).returncode == 0
    monkeypatch.setitem(sys.modules, "pydicom", None)
    checked = biasaudit_here("validate", protocol)
    assert checked.returncode == 2
    assert checked.stderr.count("\n") == 1
    assert "pip install 'biasaudit[dicom]'" in checked.stderr


def shorten(protocol: Path) -> None:
    """Leave out what the test does not ask."""
    settings = YAML().load(protocol.read_text())
    settings["checks"] = ["D2", "D3", "G1", "A3", "U1"]
    settings["target"] = {"training": {"epochs": 1}}
    settings["folds"] = {"n": 2}
    settings["learned"] = {"enabled": False}
    settings["statistics"] = {"n_permutations": 99, "n_bootstraps": 99}
    with protocol.open("w") as stream:
        YAML().dump(settings, stream)
