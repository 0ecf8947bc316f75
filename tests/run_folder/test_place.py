"""Where output may go."""

from __future__ import annotations

import pytest

from biasaudit.errors import UsageError
from biasaudit.run_folder.place import MARK, is_marked, mark, require_new_file, require_ours


def test_new_and_empty_folders_and_ours_are_fine_and_stay_as_they_are(tmp_path):
    require_ours(tmp_path / "new" / "deep", "run")
    require_ours(tmp_path, "run")
    assert list(tmp_path.iterdir()) == []
    mark(tmp_path / "run", "run")
    (tmp_path / "run" / "notes.txt").write_text("mine")
    require_ours(tmp_path / "run", "run")
    assert is_marked(tmp_path / "run")
    assert not is_marked(tmp_path)


@pytest.mark.parametrize("name", ["protocol.yaml", "audit.json", "explain.json", "calibration.yaml", ".hidden"])
@pytest.mark.parametrize("kind", ["run", "calibration", "explanations"])
def test_a_folder_that_holds_anything_else_is_refused_whatever_it_is_called(name, kind, tmp_path):
    (tmp_path / name).write_text("{}")
    with pytest.raises(UsageError, match="is not empty and holds no"):
        require_ours(tmp_path, kind)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_folder_of_another_kind_is_refused(tmp_path):
    mark(tmp_path, "run")
    with pytest.raises(UsageError, match="no calibration"):
        require_ours(tmp_path, "calibration")
    (tmp_path / MARK / "run").unlink()  # damage
    require_ours(tmp_path, "run")


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("file", "is a file"),
        ("file/below", "Not a directory"),
        ("file/far/below", "Not a directory"),
        ("/proc/x", "cannot be written"),
        ("a" * 5000, r"File name too long"),
        ("x/" * 3000, r"File name too long"),
        ("a\0b", "null"),
    ],
)
def test_a_place_that_cannot_be_is_refused_in_one_line_that_is_not_long(place, why, tmp_path):
    (tmp_path / "file").write_text("")
    for refuse in (lambda out: require_ours(out, "run"), lambda out: require_new_file(out / "f", force=True)):
        with pytest.raises(UsageError) as error:
            refuse(tmp_path / place)
        assert "\n" not in str(error.value)
        assert "\0" not in str(error.value)
        assert len(str(error.value)) < 400
    with pytest.raises(UsageError, match=why):
        require_ours(tmp_path / place, "run")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_a_file_that_exists_is_overwritten_by_force_alone(tmp_path):
    path = tmp_path / "scores.tsv"
    require_new_file(path, force=False)
    path.write_text("mine")
    with pytest.raises(UsageError, match="exists; add --force to overwrite it"):
        require_new_file(path, force=False)
    require_new_file(path, force=True)
    with pytest.raises(UsageError, match="is a folder"):
        require_new_file(tmp_path, force=True)


def test_a_link_in_place_of_the_mark_is_no_mark(tmp_path):
    mark(tmp_path / "elsewhere", "run")
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / MARK).symlink_to(tmp_path / "elsewhere" / MARK)
    assert not is_marked(tmp_path / "run")
    with pytest.raises(UsageError, match="is a link"):
        mark(tmp_path / "run", "run")
