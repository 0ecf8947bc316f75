"""No text of a run folder keeps an absolute path, and nothing but texts is touched."""

from __future__ import annotations

import json

from biasaudit.protocol.places import PLACES, Places
from biasaudit.run_folder.hiding import hide_places

PLACES_OF_RUN = Places({"data": "/home/anna/study"})


def test_texts_lose_their_paths_at_every_depth(tmp_path):
    (tmp_path / "tables").mkdir()
    (tmp_path / "tables" / "files.tsv").write_text("path\n/home/anna/study/a.nii\n")
    (tmp_path / "audit.json").write_text(json.dumps({"table": "/home/anna/study/table.tsv"}))
    hide_places(tmp_path, PLACES_OF_RUN)
    assert (tmp_path / "tables" / "files.tsv").read_text() == "path\ndata/a.nii\n"
    assert json.loads((tmp_path / "audit.json").read_text()) == {"table": "data/table.tsv"}


def test_the_list_of_places_and_what_is_no_text_stay(tmp_path):
    (tmp_path / PLACES).write_text(json.dumps(PLACES_OF_RUN.to_dict()))
    (tmp_path / "weights.safetensors").write_bytes(b"/home/anna/study\xff")
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    hide_places(tmp_path, PLACES_OF_RUN)
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_texts_without_paths_are_not_written_again(tmp_path):
    path = tmp_path / "audit.json"
    path.write_text("{}")
    before = path.stat().st_mtime_ns
    hide_places(tmp_path, PLACES_OF_RUN)
    assert path.stat().st_mtime_ns == before
