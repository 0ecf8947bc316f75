"""Which functions a protocol may name: files below its folder, and packages that it allows."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from biasaudit.errors import ProtocolError
from biasaudit.protocol import load_protocol

NEVER = (
    "os:system",
    "subprocess:run",
    "builtins:eval",
    "builtins:exec",
    "shutil:rmtree",
    "os.path:join",
    "runpy:run_path",
)
KEYS = {
    "target.network": "target: {{network: '{}'}}",
    "target.training.loss": "target: {{training: {{loss: '{}'}}}}",
    "target.training.optimiser": "target: {{training: {{optimiser: '{}'}}}}",
    "target.training.augment": "target: {{training: {{augment: '{}'}}}}",
    "target.training.fit": "target: {{training: {{fit: '{}'}}}}",
    "arms.0": "arms: [{{name: a, representation: '{}'}}]",
}


@pytest.fixture
def study(tmp_path, monkeypatch):
    folder = tmp_path / "study"
    (folder / "below").mkdir(parents=True)
    (tmp_path / "elsewhere").mkdir()
    for file in ("study/own.py", "study/below/own.py", "elsewhere/own.py", "study/biasaudit_own_module.py"):
        (tmp_path / file).write_text("raise SystemExit('it ran')\n")
    (folder / "torch").mkdir()
    (folder / "link.py").symlink_to(tmp_path / "elsewhere/own.py")
    return folder


def said(folder: Path, text: str) -> list[str]:
    (folder / "protocol.yaml").write_text("cohort: {reader: phantom}\n" + text + "\n")
    try:
        load_protocol(folder / "protocol.yaml")
    except ProtocolError as error:
        return [fault.message for fault in error.faults]
    return []


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("name", [*NEVER, "biasaudit.engine.user_code.network:build", "pip:main"])
def test_the_standard_library_is_never_run(study, key, name):
    assert said(study, KEYS[key].format(name)) == [
        f"{key}: {name} is never run: {name.split(':')[0].split('.')[0]} makes no networks; "
        "put a function of your own in a file, own.py:function"
    ]


@pytest.mark.parametrize("key", KEYS)
def test_packages_that_are_not_allowed(study, key):
    (fault,) = said(study, KEYS[key].format("numpy.linalg:norm"))
    assert fault.startswith(f"{key}: numpy.linalg:norm would run the package 'numpy'; if you trust it, say so")
    assert not said(study, KEYS[key].format("numpy.linalg:norm") + "\nallow_code: [numpy]")


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize(
    "name", ["own.py:f", "link.py:f", "below/own.py:f", "./below/../own.py:f", "biasaudit_own_module:f"]
)
def test_files_below_the_protocol_may_run(study, key, name):
    assert not said(study, KEYS[key].format(name))


@pytest.mark.parametrize("name", ["../elsewhere/own.py:f", "/etc/own.py:f", "below/../../elsewhere/own.py:f"])
def test_files_elsewhere_may_not(study, name):
    (fault,) = said(study, KEYS["target.network"].format(name))
    assert "lies outside of the folder of the protocol; put it there, or name its folder in `allow_code`" in fault


@pytest.mark.parametrize("entry", ["../elsewhere", "../elsewhere/own.py"])
def test_files_elsewhere_may_if_the_protocol_says_so(study, entry):
    assert not said(study, KEYS["target.network"].format("../elsewhere/own.py:f") + f"\nallow_code: [{entry}]")


def test_an_empty_folder_does_not_stand_for_an_installed_package(study):
    (fault,) = said(study, KEYS["target.network"].format("torch.hub:load"))
    assert "would run the package 'torch'" in fault


@pytest.mark.parametrize("name", ["a b:c", "..:f", "own:f:g", ":f", "own:", "https://x:f", "1own:f", "own.py :f"])
def test_no_import_string(study, name):
    (fault,) = said(study, KEYS["target.network"].format(name))
    assert "is no import string" in fault or "makes no" in fault or "cannot import" in fault


@pytest.mark.parametrize("entry", ["os", "subprocess", "biasaudit", "a b", "torch.nn", "-x"])
def test_what_cannot_be_allowed(study, entry):
    (fault,) = said(study, f"allow_code: ['{entry}']")
    assert "makes no networks" in fault or "neither a package" in fault


def test_networks_of_monai_need_no_leave(study):
    assert not said(study, KEYS["target.network"].format("monai:DenseNet121"))
    (fault,) = said(study, KEYS["target.training.loss"].format("monai:DenseNet121"))
    assert "monai" in fault


def test_the_protocol_of_a_run_is_read_without_running_anything(study):
    said(study, KEYS["target.network"].format("os:system"))
    assert load_protocol(study / "protocol.yaml", stored=True).code == (("target.network", "os:system"),)


def test_a_short_name_that_leads_elsewhere_is_judged_by_where_it_leads(study):
    folders = {"data": str(study.parent / "elsewhere")}
    (study / "places.json").write_text(json.dumps({"folders": folders, "files": {}}))
    (fault,) = said(study, KEYS["target.network"].format("data/own.py:f"))
    assert "elsewhere/own.py lies outside of the folder of the protocol" in fault
