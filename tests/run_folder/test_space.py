from __future__ import annotations

import errno
import os

import pytest

from biasaudit.errors import UsageError
from biasaudit.run_folder import space
from biasaudit.run_folder.space import NoRoomError, free_bytes, lack_of_space, no_room, require_room

FULL = "the disk is full"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), FULL),
        (OSError(errno.EDQUOT, "Disk quota exceeded"), "the quota of the disk is used up"),
        (OSError(errno.EFBIG, "File too large"), "a file would be larger"),
        (OSError("524288 requested and 1024 written"), "a file would be larger"),  # numpy
        (RuntimeError("SafetensorError: I/O error: No space left on device (os error 28)"), FULL),
        (RuntimeError("PytorchStreamWriter failed writing file data/0"), "a file would be larger"),
        (NoRoomError(FULL), FULL),
    ],
)
def test_want_of_space_is_known_however_a_library_says_it(error, said):
    assert str(lack_of_space(error)).startswith(said)
    wrapped = ValueError("could not save")
    wrapped.__cause__ = error
    assert str(lack_of_space(wrapped)).startswith(said)


@pytest.mark.parametrize("error", [OSError(errno.EACCES, "Permission denied"), ValueError("no"), OSError("broken")])
def test_other_errors_are_none_of_its_business(error):
    assert lack_of_space(error) is None


def test_the_line_says_what_is_needed_and_what_is_free(tmp_path, monkeypatch):
    monkeypatch.setattr(space, "free_bytes", lambda folder: 20_480)
    assert no_room(FULL, tmp_path, 1.2e9) == (
        f"no room in {tmp_path}: the disk is full; about 1.2 GB more are needed, 20 kB are free"
    )
    assert "needed" not in no_room(FULL, tmp_path)


def test_only_what_clearly_does_not_fit_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(space, "free_bytes", lambda folder: 1_000_000)
    require_room(tmp_path, 2_900_000)
    with pytest.raises(UsageError, match=r"about 3.1 MB are needed, 1 MB are free there"):
        require_room(tmp_path, 3_100_000)


def test_free_space_of_a_folder_that_is_not_there_yet(tmp_path):
    status = os.statvfs(tmp_path)
    assert free_bytes(tmp_path / "new" / "deep") == pytest.approx(status.f_bavail * status.f_frsize, rel=0.2)
