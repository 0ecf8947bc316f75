"""What will be run is listed first, and a run folder runs nothing that its audit did not."""

from __future__ import annotations

import json

import pytest

from biasaudit.engine.user_code.listing import code_lines, record_code, require_recorded
from biasaudit.engine.user_code.network_description import BUILDER, CLASS_ODDS
from biasaudit.errors import DataError
from biasaudit.protocol import load_protocol

PROTOCOL = "cohort: {reader: phantom}\ntarget: {network: 'own.py:net'}\narms: [intensity, 'own.py:f']\n"


@pytest.fixture
def run(tmp_path):
    """A run folder beside the user's code, with one stored network."""
    (tmp_path / "own.py").write_text("import helper\n")
    (tmp_path / "helper.py").write_text("")
    (tmp_path / "protocol.yaml").write_text(PROTOCOL)
    (tmp_path / "out/models").mkdir(parents=True)
    record_code(tmp_path / "out", protocol(tmp_path))
    store(tmp_path / "out", f"{tmp_path}/own.py:net")
    return tmp_path / "out"


def protocol(folder):
    return load_protocol(folder / "protocol.yaml", stored=True)


def store(out, factory, name="models/a_fold-1_seed-1.json"):
    (out / name).parent.mkdir(exist_ok=True, parents=True)
    (out / name).write_text(json.dumps({"network": BUILDER, "network_arguments": {"factory": factory}}))


def test_files_and_packages_are_listed_once(run):
    code = [*protocol(run.parent).code, ("target.training.loss", "torch.nn:CrossEntropyLoss")]
    own, package = code_lines(code)
    assert own.startswith("runs code of: own.py (sha256 ")
    assert own.endswith(") and 1 file that it imports")
    assert package.startswith("runs code of: package torch 2.")


def test_what_the_audit_ran_runs(run):
    require_recorded(run, protocol(run.parent), trust=False)


@pytest.mark.parametrize("name", ["own.py", "helper.py"])
def test_changed_code_does_not(run, name):
    (run.parent / name).write_text("print('other')\n")
    with pytest.raises(DataError, match=r"own.py \(sha256 .* for target.network, which has changed since"):
        require_recorded(run, protocol(run.parent), trust=False)
    require_recorded(run, protocol(run.parent), trust=True)


def test_code_that_is_not_recorded_does_not(run):
    (run / "code.json").unlink()
    with pytest.raises(DataError, match=r"which is not recorded; .* look at it, and give --trust"):
        require_recorded(run, protocol(run.parent), trust=False)


@pytest.mark.parametrize("factory", ["os:system", "torch.hub:load", "/elsewhere/evil.py:net"])
@pytest.mark.parametrize("name", ["models/a_fold-1_seed-1.json", "models/other.json", "jobs/0123/model.json"])
def test_stored_networks_name_nothing_else(run, factory, name):
    store(run, factory, name)
    with pytest.raises(DataError) as caught:
        require_recorded(run, protocol(run.parent), trust=False)
    assert f"it would run code that is not what its audit ran: {factory} for {name}" in str(caught.value)


@pytest.mark.parametrize("factory", ["cnn", "monai:DenseNet121"])
def test_stored_networks_of_ours(run, factory):
    store(run, factory)
    require_recorded(run, protocol(run.parent), trust=False)


@pytest.mark.parametrize("factory", ["cnn", "os:system"])
def test_a_network_that_wraps_another_one_is_judged_by_it(run, factory):
    wrapped = {"network": factory, "network_arguments": {}, "outputs": 3, "index": 1, "against_class": False}
    text = json.dumps({"network": CLASS_ODDS, "network_arguments": wrapped, "sizes": [2, 1, 1]})
    (run / "models/wrapped.json").write_text(text)
    if factory == "cnn":
        require_recorded(run, protocol(run.parent), trust=False)
        return
    with pytest.raises(DataError, match=r"os:system for models/wrapped.json"):
        require_recorded(run, protocol(run.parent), trust=False)


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"network": 3}', "[" * 100_000])
def test_damaged_descriptions_are_named(run, text):
    (run / "models/b.json").write_text(text)
    if text == '{"network": 3}':
        require_recorded(run, protocol(run.parent), trust=False)
        return
    with pytest.raises(DataError, match=r"b.json: no description of a network"):
        require_recorded(run, protocol(run.parent), trust=False)


def test_a_damaged_record_is_named(run):
    (run / "code.json").write_text("[1]")
    with pytest.raises(DataError, match=r"code.json: not a readable JSON file"):
        require_recorded(run, protocol(run.parent), trust=False)
