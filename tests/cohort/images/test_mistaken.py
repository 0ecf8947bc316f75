from __future__ import annotations

import os

import pytest

from biasaudit.cohort.images.formats import decode
from biasaudit.cohort.images.mistaken import dangling_link, mistaken
from biasaudit.errors import DataError

MISTAKEN = {
    b"": "an empty file",
    bytes(5000): "zeros alone",
    b"\n <!DOCTYPE html><title>404</title>": "a web page",
    b"\xef\xbb\xbf<html>": "a web page",
    b'<?xml version="1.0"?><Error><Code>AccessDenied</Code>': "a web page",
    b"version https://git-lfs.github.com/spec/v1\noid sha256:1": "a pointer of Git LFS",
    b"/annex/objects/MD5E-s1--f.nii.gz": "a pointer of git-annex",
    b"PK\x03\x04" + bytes(40): "a ZIP archive",
    b"BZh91AY": "compressed by bzip2",
    bytes(128) + b"DICM" + bytes(99): "a DICOM file",
    b"GIF89a" + bytes(99): "a GIF picture",
}


@pytest.mark.parametrize("extension", [".nii", ".nii.gz", ".mgz", ".png", ".jpg", ".tif", ".npy"])
@pytest.mark.parametrize(("content", "name"), MISTAKEN.items(), ids=MISTAKEN.values())
def test_what_a_file_is_instead_is_said_with_a_remedy(content, name, extension):
    with pytest.raises(
        DataError, match=rf"^a\{extension}: not a readable \{extension} image \(it is {name}.*\); "
    ) as caught:
        decode(f"a{extension}", content)
    assert "\n" not in str(caught.value)


def test_what_is_damaged_is_not_called_by_its_own_name():
    assert mistaken(b"\x89PNG\r\n", ".png") is None
    assert mistaken(b"\x93NUMPY", ".npy") is None
    assert mistaken(bytes(128) + b"DICM", ".dcm") is None


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (f"..{os.sep}.git{os.sep}annex{os.sep}objects{os.sep}x.nii", "a link whose content is not here"),
        ("nowhere.nii", "a link to nowhere.nii, which is not here"),
    ],
)
def test_links_to_what_was_not_fetched(tmp_path, target, said):
    path = tmp_path / "a.nii"
    path.symlink_to(target)
    message, remedy = dangling_link(str(path))
    assert message == said
    assert "datalad get" in remedy
    path.unlink()
    assert dangling_link(str(path)) is None
    path.write_bytes(b"here")
    assert dangling_link(str(path)) is None
