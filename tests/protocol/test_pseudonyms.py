"""Pseudonyms: the same with the same key, another with another, and the key stays with its owner."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from biasaudit.errors import UsageError
from biasaudit.protocol.pseudonyms import Pseudonyms, own_pseudonyms


@pytest.fixture
def private(tmp_path, monkeypatch):
    monkeypatch.setenv("BIASAUDIT_PRIVATE", str(tmp_path / "private"))
    return tmp_path / "private"


def test_a_key_is_made_once_and_only_its_owner_can_read_it(private):
    first = own_pseudonyms()
    assert own_pseudonyms() == first
    assert stat.S_IMODE((private / "key").stat().st_mode) == 0o600


@pytest.mark.parametrize("links", [True, False])
def test_two_processes_that_need_a_key_at_once_have_the_same(links, private, monkeypatch):
    first, exists = own_pseudonyms(), Path.exists
    asked = iter([False])
    monkeypatch.setattr(Path, "exists", lambda path: next(asked, None) is not False and exists(path))
    if not links:
        monkeypatch.setattr("os.link", refuse)
    assert own_pseudonyms() == first
    assert [path.name for path in private.iterdir()] == ["key"]


def refuse(source, target):
    raise OSError("no hard links here")


def test_they_depend_on_the_key_and_on_the_name(private):
    own, other = own_pseudonyms(), Pseudonyms(b"x" * 32)
    names = {own.subject("anna"), own.subject("otto"), other.subject("anna")}
    assert len(names) == 3
    assert own.subject("anna") == own_pseudonyms().subject("anna")
    assert own.fingerprint != other.fingerprint


def test_no_name_is_in_them(private):
    own = own_pseudonyms()
    assert "anna" not in own.subject("anna")
    shown = own.files(["/data/anna/anna_T1w.nii.gz", "/data/dr.meier"])
    assert shown["/data/anna/anna_T1w.nii.gz"].endswith(".nii.gz")
    assert not any("anna" in name or "data" in name or "meier" in name for name in shown.values())


@pytest.mark.parametrize("ending", [".nrrd", ".mha", ".xlsx", ".parquet", ".feather", ".pth", ".ckpt"])
def test_the_ending_of_a_format_stays(private, ending):
    (shown,) = own_pseudonyms().files([f"/data/dr.meier{ending}"]).values()
    assert shown.endswith(ending)
    assert "meier" not in shown


def test_nobody_sees_the_key_in_a_message(private):
    assert own_pseudonyms().key.hex() not in repr(own_pseudonyms())


@pytest.mark.parametrize("text", ["", "no hex", "abcd"])
def test_a_damaged_key_is_refused(private, text):
    own_pseudonyms()
    (private / "key").write_text(text)
    with pytest.raises(UsageError, match="key"):
        own_pseudonyms()
