"""Short names in place of folders: nothing absolute is left, nothing else is changed, and the way back is known."""

from __future__ import annotations

import html
import json

import pytest
from markupsafe import escape

from biasaudit.protocol.places import PLACES, PRIVATE, Places, paths_of, private_places, roots_of
from biasaudit.protocol.reading import dump_protocol, load_protocol, parse_protocol

PLACED = Places({"study": "/home/anna/study", "ixi": "/data/ixi"})


class TestAround:
    def test_the_folder_of_files_is_named(self):
        found = Places.around(["/home/anna/study/a.nii", "/home/anna/study/b.nii"])
        assert found.folders == {"data": "/home/anna/study"}

    def test_folders_inside_others_are_not(self):
        found = Places.around(["/s/study/table.tsv", "/s/study/img/a.nii"])
        assert found.folders == {"data": "/s/study"}

    def test_many_folders_side_by_side_are_one(self):
        found = Places.around([f"/mnt/ofsep/s{n}/t1.nii" for n in range(9)])
        assert found.folders == {"data": "/mnt/ofsep"}

    def test_folders_that_have_little_in_common_are_named_each(self):
        assert Places.around(["/mnt/a/x.nii", "/home/b/y.nii"]).folders == {"data": "/home/b", "data-2": "/mnt/a"}

    def test_roots_are_named_as_they_are(self):
        found = Places.around(["/d/ixi/sub-1/a.nii", "/d/ofsep/sub-1/a.nii"], ["/d/ixi", "/d/ofsep"])
        assert found.folders == {"ixi": "/d/ixi", "ofsep": "/d/ofsep"}

    def test_two_of_one_name_are_numbered(self):
        assert Places.around([], ["/a/bids", "/b/bids"]).folders == {"bids": "/a/bids", "bids-2": "/b/bids"}

    def test_the_root_of_the_file_system_is_no_place(self):
        assert Places.around(["/a.nii", "relative.nii"]).folders == {}

    @pytest.mark.parametrize("others", [{}, {"data": "/study"}])
    def test_a_slash_stays_a_slash_where_a_folder_is_the_root(self, others):
        places = Places({"working-folder": "/", **others})
        text = '<path d="M1" /> n / a; /a.nii "/" http://x.org/ /other/b.nii'
        assert places.shown(text) == text
        assert places.shown("/study/a.nii <br />") == ("data/a.nii <br />" if others else "/study/a.nii <br />")

    def test_a_file_in_the_root_is_hidden(self):
        assert Places({}, {"/anna.nii": "file-1.nii"}).shown("/anna.nii: damaged") == "file-1.nii: damaged"


class TestShown:
    @pytest.mark.parametrize(
        ("text", "shown"),
        [
            ("/data/ixi/a.nii", "ixi/a.nii"),
            ("/data/ixi", "ixi"),
            ("'/home/anna/study/own.py:make' and /data/ixi.", "'study/own.py:make' and ixi."),
            ("see /data/ixi/a.nii: 3 volumes", "see ixi/a.nii: 3 volumes"),
            ("/data/ixi-2/a.nii", "/data/ixi-2/a.nii"),
            ("/mnt/data/ixi/a.nii", "/mnt/data/ixi/a.nii"),
            ("AAA+/data/ixi/BBB", "AAA+/data/ixi/BBB"),
            ("nothing", "nothing"),
        ],
    )
    def test_folders_are_replaced_and_nothing_else(self, text, shown):
        assert PLACED.shown(text) == shown

    @pytest.mark.parametrize("folder", ["/home/ünï/stüdy", "/home/o'neil & sons/x", '/home/"q"/x'])
    def test_in_json_and_html_too(self, folder):
        places = Places({"x": folder})
        for written in (folder, json.dumps(folder), html.escape(folder), json.dumps(folder, ensure_ascii=False)):
            assert folder not in places.shown(written)
            assert places.shown(written).strip('"') == "x"

    def test_a_file_with_a_name_of_its_own_goes_first(self):
        places = Places({"ixi": "/data/ixi"}, {"/data/ixi/anna.nii": "file-1.nii"})
        assert places.shown("/data/ixi/anna.nii /data/ixi/b.nii") == "file-1.nii ixi/b.nii"
        assert places.absolute("file-1.nii") == "/data/ixi/anna.nii"

    def test_without_places_a_text_stays(self):
        assert Places().shown("/data/ixi") == "/data/ixi"

    @pytest.mark.parametrize("path", ["/data/ixi/a.nii", "/data/ixi", "/elsewhere/b.nii"])
    def test_there_and_back(self, path):
        assert PLACED.absolute(PLACED.shown(path)) == path


class TestStored:
    def test_there_and_back(self, tmp_path):
        (tmp_path / PLACES).write_text(json.dumps(PLACED.to_dict()))
        assert Places.read(tmp_path) == PLACED

    @pytest.mark.parametrize("text", ["", "[]", "{", '{"folders": 1, "files": {}}', '{"folders": {}}'])
    def test_damaged_or_missing_are_none(self, tmp_path, text):
        assert Places.read(tmp_path) == Places()
        (tmp_path / PLACES).write_text(text)
        assert Places.read(tmp_path) == Places()

    def test_those_of_a_pseudonymised_run_lie_in_the_private_folder(self, tmp_path, monkeypatch):
        monkeypatch.setenv("BIASAUDIT_PRIVATE", str(tmp_path / "private"))
        private_places("ab12").parent.mkdir(parents=True)
        private_places("ab12").write_text(json.dumps(PLACED.to_dict()))
        (tmp_path / PLACES).write_text(json.dumps({PRIVATE: "ab12"}))
        assert Places.read(tmp_path) == PLACED

    def test_a_run_cannot_name_a_file_outside_the_private_folder(self, tmp_path, monkeypatch):
        monkeypatch.setenv("BIASAUDIT_PRIVATE", str(tmp_path / "private"))
        assert private_places("../../etc/passwd").parent == tmp_path / "private" / "runs"


TEXT = """
cohort:
  reader: table
  table: data/table.tsv
  label: {column: label, positive: ms}
  origins: [site]
arms: ["own.py:made"]
target: {network: "own.py:build"}
attribution: {atlas: /atlases/lobes.nii}
"""


def test_a_stored_protocol_is_read_back_from_its_run_folder(tmp_path):
    study, run = tmp_path / "study", tmp_path / "run"
    run.mkdir()
    protocol = parse_protocol(TEXT, study / "protocol.yaml")
    assert set(paths_of(protocol)) == {
        *(str(study / name) for name in ("data/table.tsv", "own.py")),
        "/atlases/lobes.nii",
    }
    assert roots_of(protocol) == []
    places = Places.around(paths_of(protocol), roots_of(protocol))
    (run / PLACES).write_text(json.dumps(places.to_dict()))
    (run / "protocol.yaml").write_text(places.shown(dump_protocol(protocol)))
    assert str(tmp_path) not in (run / "protocol.yaml").read_text()
    assert load_protocol(run / "protocol.yaml", stored=True) == protocol


FOLDERS = ["o'neil", "o'neil: study", 'a "quoted" one', "ünï: 'x'", "many words " * 20, "a & b"]


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_folder_of_any_name_is_hidden_in_every_kind_of_text(folder, tmp_path):
    place = tmp_path / folder.strip()
    text = "cohort: {reader: table, table: t.tsv, label: {positive: ms}, origins: [site], score: logit}\n"
    protocol = parse_protocol(text, place / "protocol.yaml")
    places = Places.around(paths_of(protocol))
    path = str(place / "t.tsv")
    for text in (dump_protocol(protocol), json.dumps([path]), html.escape(path), str(escape(path)), f"{path}: damaged"):
        shown = places.shown(text)
        assert str(tmp_path) not in shown
        assert "data/t.tsv" in shown
