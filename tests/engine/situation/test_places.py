"""Short names of a run's folders: what they are made of, and where those of a pseudonymised run are kept."""

from __future__ import annotations

import json
import stat

import pytest

from biasaudit.cohort.images.file_facts import FileFacts
from biasaudit.cohort.images.file_state import FileState
from biasaudit.engine.situation.places import FILES, read_facts, require_own_key, require_places, stored_places
from biasaudit.errors import UsageError
from biasaudit.protocol.places import PLACES, PRIVATE, Places, private_places
from biasaudit.run_folder.owned import OwnedFiles

OWN = Places({"data": "/study"})


@pytest.fixture(autouse=True)
def private(tmp_path, monkeypatch):
    monkeypatch.setenv("BIASAUDIT_PRIVATE", str(tmp_path / "private"))


def test_a_run_keeps_its_places(tmp_path):
    (tmp_path / PLACES).write_text(json.dumps(stored_places(OWN, tmp_path, pseudonymise=False)))
    assert Places.read(tmp_path) == OWN
    require_own_key(tmp_path)


def test_a_pseudonymised_run_names_only_the_private_file_and_keeps_its_name(tmp_path):
    first = stored_places(OWN, tmp_path, pseudonymise=True)
    assert "/study" not in json.dumps(first)
    (tmp_path / PLACES).write_text(json.dumps(first))
    assert Places.read(tmp_path) == OWN
    assert stat.S_IMODE(private_places(first[PRIVATE]).stat().st_mode) == 0o600
    assert stored_places(Places(), tmp_path, pseudonymise=True)[PRIVATE] == first[PRIVATE]
    assert Places.read(tmp_path) == Places()


def test_another_key_is_refused(tmp_path, monkeypatch):
    (tmp_path / PLACES).write_text(json.dumps(stored_places(OWN, tmp_path, pseudonymise=True)))
    require_own_key(tmp_path)
    monkeypatch.setenv("BIASAUDIT_PRIVATE", str(tmp_path / "other"))
    with pytest.raises(UsageError, match="another key"):
        require_own_key(tmp_path)
    assert not (tmp_path / "other").exists(), "who reads a run of somebody else's needs no key"


def test_facts_are_read_by_their_absolute_paths(tmp_path):
    state = FileState(1, 1, 1, 1, "", 1)
    fact = FileFacts("/study/a.nii", state, "ab", (2, 2), (), None, "", True, 0.0, 1.0, 0.5, False, False)
    (tmp_path / PLACES).write_text(json.dumps(OWN.to_dict()))
    (tmp_path / FILES).write_text(OWN.shown(json.dumps({fact.path: fact.to_dict()})))
    assert "/study" not in (tmp_path / FILES).read_text()
    assert read_facts(tmp_path) == {"/study/a.nii": fact}


@pytest.mark.parametrize("pseudonymise", [True, False])
def test_a_run_that_came_without_its_places_is_refused_by_what_needs_them(pseudonymise, tmp_path):
    require_places(tmp_path)  # of a version that wrote none
    places = stored_places(OWN, tmp_path, pseudonymise=pseudonymise)
    OwnedFiles(tmp_path).write("setup", {PLACES: json.dumps(places).encode()})
    require_places(tmp_path)
    (private_places(places[PRIVATE]) if pseudonymise else tmp_path / PLACES).unlink()
    with pytest.raises(UsageError, match="nothing else says where images and code"):
        require_places(tmp_path)
