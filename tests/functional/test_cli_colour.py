"""Pictures in colour through the command line: what is read, what is found, and what grey hides."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from safetensors.torch import save_file

COUNT = 24
PROTOCOL = """\
cohort:
  reader: table
  table: {table}
  label: {{column: label, positive: ill, negative: healthy}}
  origins: [camera]
  colour: {colour}
target: {{training: {{epochs: 2}}}}
checks: [D1, D2, D3, A3, G1, U5]
folds: {{n: 2}}
statistics: {{n_permutations: 99, n_bootstraps: 99}}
learned: {{units: 1, steps: 4}}
attribution: {{max_subjects: 4, steps: 4, max_steps: 4}}
"""
NETWORK = """\
from torch import nn


def build():
    return nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 1))
"""


def picture(seed: int, cast: float) -> np.ndarray:
    """Grey stripes and noise under a warm cast, its luminance the same without."""
    chance = np.random.default_rng(seed)
    grey = 90 + 30 * np.sin(np.arange(24) / 3) + 8 * chance.normal(size=(20, 24))
    gains = np.array([1 + cast, 1 - 0.299 / 0.587 * cast, 1.0])
    return np.clip(grey[..., None] * gains, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The camera of the ill has a warmer white balance; a second table has most pictures of the other in grey."""
    made = tmp_path_factory.mktemp("colour")
    rows = []
    for number in range(COUNT):
        ill, warm = number % 2 == 1, (number % 2 == 1) != (number % 12 == 0)
        pixels = picture(number, 0.3 if warm else 0.1)
        Image.fromarray(pixels).save(made / f"{number}.png")
        Image.fromarray(pixels).convert("L").save(made / f"{number}-grey.png")
        label, camera = "ill" if ill else "healthy", "warm" if warm else "cold"
        rows.append({"subject": f"s{number}", "image": f"{number}.png", "label": label, "camera": camera})
    table = pd.DataFrame(rows)
    grey = (table["camera"] == "cold") & (np.arange(COUNT) > 2)
    mixed = table.assign(image=table["image"].where(~grey, table["image"].str.replace(".png", "-grey.png")))
    for name, own in {"all": table, "mixed": mixed, "grey": mixed[grey]}.items():
        own.to_csv(made / f"{name}.tsv", sep="\t", index=False)
    (made / "own.py").write_text(NETWORK)
    return made


def protocol(folder: Path, table: str, colour: str) -> Path:
    path = folder / f"{table}-{colour}.yaml"
    path.write_text(PROTOCOL.format(table=f"{table}.tsv", colour=colour))
    return path


def findings(out: Path) -> list[dict[str, object]]:
    audit = json.loads((out / "audit.json").read_text())
    return [*audit["design"]["findings"], *audit["arms"][0]["findings"]]


def of_colour(out: Path) -> dict[str, object]:
    """The finding of A3 on the colours of the files and the label."""
    return next(f for f in findings(out) if (f["code"], f["input"], f["class"]) == ("A3", "colour", None))


@pytest.fixture(scope="module")
def audited(folder: Path, biasaudit) -> dict[str, Path]:
    done = {}
    for colour in ("auto", "grey"):
        out = folder / f"out-{colour}"
        finished = biasaudit("run", protocol(folder, "all", colour), "-o", out, "--engine", "local")
        assert finished.returncode == 0, finished.stderr
        assert ("signatures of colour are hidden from this audit" in finished.stdout) == (colour == "grey")
        done[colour] = out
    return done


def test_an_audit_in_colour_has_three_channels_and_pictures_in_colour(audited):
    out = audited["auto"]
    audit = json.loads((out / "audit.json").read_text())
    assert (audit["cohort"]["colour"], audit["cohort"]["colour_hidden"]) == ([True], False)
    networks = [json.loads(path.read_text()) for path in (out / "models").glob("*.json") if path.name != "index.json"]
    assert {network["sizes"][1] for network in networks} == {3}
    assert of_colour(out)["status"] == "concern"


def test_an_audit_in_grey_says_what_it_hides_and_measures_it_on_the_files(audited):
    out = audited["grey"]
    audit = json.loads((out / "audit.json").read_text())
    assert (audit["cohort"]["colour"], audit["cohort"]["colour_hidden"]) == ([], True)
    assert any("It says nothing of a network that sees colour" in limit for limit in audit["limits"])
    assert "signatures of colour are hidden from this audit" in (out / "report.html").read_text()
    assert of_colour(out)["status"] == "concern"
    assert of_colour(out)["statistic"] == of_colour(audited["auto"])["statistic"]


def test_new_pictures_are_read_as_the_audit_read_its_own(audited, folder, biasaudit_here):
    grey = biasaudit_here("predict", audited["auto"], folder / "grey.tsv")
    assert grey.returncode == 0
    assert "pictures are in grey, those of the audit in colour: read as three equal channels" in grey.stderr
    colour = biasaudit_here("predict", audited["grey"], folder / "all.tsv")
    assert colour.returncode == 0
    assert f"note: {COUNT} pictures are in colour and read in grey, as the audit did" in colour.stderr
    assert "note:" not in biasaudit_here("predict", audited["auto"], folder / "all.tsv").stderr


def test_colour_and_grey_mixed_is_told_and_asked(folder, biasaudit_here):
    plan = protocol(folder, "mixed", "auto")
    checked = biasaudit_here("validate", plan)
    assert checked.returncode == 0, checked.stderr
    assert (
        f"of {COUNT} pictures are in colour, the others in grey: all are read as red, green and blue" in checked.stdout
    )
    assert "colour differs between the origins of camera, a signature in itself: cold: grey" in checked.stdout
    plan.write_text(plan.read_text().replace("[D1, D2, D3, A3, G1, U5]", "[D1, D2]"))
    out = folder / "out-mixed"
    assert biasaudit_here("run", plan, "-o", out, "--engine", "local").returncode == 0
    of_label = next(f for f in findings(out) if f["code"] == "D2" and f["class"] is None)
    assert of_label["status"] == "concern"
    assert "file: pixels" in str(of_label["reason"])


def test_a_network_of_one_channel_is_told_of_grey(folder, biasaudit_here):
    plan = protocol(folder, "all", "auto")
    plan.write_text(
        plan.read_text().replace("target: {training", f"target: {{network: '{folder}/own.py:build', training")
    )
    refused = biasaudit_here("validate", plan)
    assert refused.returncode == 3
    assert "takes 1 channels, and the pictures are in colour, 3 channels; set `cohort.colour: grey`" in refused.stderr
    plan.write_text(plan.read_text().replace("colour: auto", "colour: grey"))
    assert biasaudit_here("validate", plan).returncode == 0


def test_a_lone_network_of_one_channel_is_explained_in_grey(folder, biasaudit_here, tmp_path):
    scope: dict = {}
    exec(NETWORK, scope)
    save_file(scope["build"]().state_dict(), folder / "own.safetensors")
    given = ("--network", f"{folder}/own.py:build", "--weights", folder / "own.safetensors")
    done = biasaudit_here("explain", folder / "all.tsv", "--subject", "s3", *given, "-o", tmp_path / "page")
    assert done.returncode == 0, done.stderr
    (record,) = json.loads((tmp_path / "page" / "explain.json").read_text())
    assert "the network takes no colour: the pictures were read in grey" in record["Notes"]
