from __future__ import annotations

import json

from biasaudit.engine.named_inputs import INPUTS, hashes_of_named, named_inputs, read_named
from biasaudit.protocol import parse_protocol

PROTOCOL = """\
cohort: {reader: bids, roots: [data], label: {column: group, positive: ms}, origins: [site]}
target: {network: "own.py:build", weights: w.safetensors}
attribution: {atlas: atlas.nii}
"""


def test_tables_weights_atlas_and_own_code_with_what_it_imports(tmp_path):
    (tmp_path / "data").mkdir()
    names = ("own.py", "helper.py", "w.safetensors", "atlas.nii", "data/participants.tsv", "other.txt")
    for name in names:
        (tmp_path / name).write_text("import helper\n" if name == "own.py" else "")
    found = named_inputs(parse_protocol(PROTOCOL, tmp_path / "protocol.yaml"), ["/side/car.json"])
    expected = {*(str(tmp_path / name) for name in names if name != "other.txt"), "/side/car.json"}
    assert set(found) == expected
    assert found == sorted(found)


def test_their_hashes_are_read_back(tmp_path):
    (tmp_path / "own.py").write_text("")
    (tmp_path / "w.safetensors").write_text("")
    hashes = hashes_of_named(parse_protocol(PROTOCOL, tmp_path / "protocol.yaml"))
    assert set(hashes) == {str(tmp_path / "own.py"), str(tmp_path / "w.safetensors")}
    assert read_named(tmp_path) == {}
    (tmp_path / INPUTS).write_text(json.dumps(hashes))
    assert read_named(tmp_path) == hashes
    (tmp_path / INPUTS).write_text("[1")
    assert read_named(tmp_path) == {}


def test_files_behind_weights_that_are_a_folder(tmp_path):
    folder = tmp_path / "model"
    (folder / "configs").mkdir(parents=True)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": "1.safetensors"}}))
    for name in ("1.safetensors", "config.json", "configs/inference.json", "readme.md"):
        (folder / name).write_text("{}")
    text = PROTOCOL.replace("weights: w.safetensors", "weights: model").replace("own.py:build", "cnn")
    found = named_inputs(parse_protocol(text, tmp_path / "protocol.yaml"))
    expected = ("1.safetensors", "config.json", "configs/inference.json", "model.safetensors.index.json")
    assert found == sorted(str(folder / name) for name in expected)
