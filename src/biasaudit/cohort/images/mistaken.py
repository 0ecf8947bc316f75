"""Files that are something else than their name says: nothing, a web page, a pointer to content that is elsewhere."""

from __future__ import annotations

import os

__all__ = ["dangling_link", "mistaken"]

_HTML = (b"<!doctype html", b"<html", b"<head", b"<?xml", b"<error", b"<body")
_MARKS = {
    b"PK\x03\x04": ("a ZIP archive", "unpack it"),
    b"BZh": ("compressed by bzip2", "decompress it, and compress it by gzip if at all"),
    b"\xfd7zXZ": ("compressed by xz", "decompress it, and compress it by gzip if at all"),
    b"\x28\xb5\x2f\xfd": ("compressed by zstd", "decompress it, and compress it by gzip if at all"),
    b"7z\xbc\xaf": ("a 7-Zip archive", "unpack it"),
    b"%PDF": ("a PDF document", "export its pictures"),
    b"GIF8": ("a GIF picture", "convert it to PNG, one frame per file"),
    b"\x89HDF": ("an HDF5 file", "export the volume as NIfTI"),
    b"\x93NUMPY": ("a NumPy array", "name it .npy"),
    b"NRRD000": ("an NRRD volume", "name it .nrrd"),
    b"\x89PNG": ("a PNG picture", "name it .png"),
    b"\xff\xd8\xff": ("a JPEG picture", "name it .jpg"),
}
_AT_HOME = {
    ".npy": (b"\x93NUMPY",),
    ".nrrd": (b"NRRD000",),
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"), (b"\x89PNG", b"\xff\xd8\xff")),
}
"""Extension -> marks that say nothing new about a file of that name."""
_LFS, _ANNEX = b"version https://git-lfs", b"/annex/objects/"
_FETCH = "run `datalad get` (or `git annex get`) on it"


def mistaken(content: bytes, extension: str) -> tuple[str, str] | None:
    """Say what a file that could not be decoded is, by its first bytes: message and remedy, None where it is unknown.

    Parameters
    ----------
    content : bytes
        The file, or its start.
    extension : str
        Such as ``.png``: what the name says.
    """
    if not content.strip(b"\0"):
        return ("an empty file" if not content else "zeros alone"), "copy the file again from its source"
    start = content[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith(_HTML):
        return "a web page, probably the error page of a download", "download the file again"
    if start.startswith(_LFS):
        return "a pointer of Git LFS whose content is not here", "run `git lfs pull`"
    if start.startswith(_ANNEX):
        return "a pointer of git-annex whose content is not here", _FETCH
    if content[128:132] == b"DICM" and extension not in (".dcm", ".dicom"):
        return "a DICOM file", "name it .dcm, or convert the series by `dcm2niix`"
    other = {mark: what for mark, what in _MARKS.items() if mark not in _AT_HOME.get(extension, ())}
    return next((what for mark, what in other.items() if content.startswith(mark)), None)


def dangling_link(path: str) -> tuple[str, str] | None:
    """Say of a path that leads to no file whether it is a link whose content was not fetched: message and remedy."""
    if os.path.exists(path) or not os.path.islink(path):
        return None
    target = os.readlink(path)
    if f"annex{os.sep}objects" in target:
        return "a link whose content is not here", _FETCH
    return f"a link to {target}, which is not here", f"{_FETCH} if the dataset is one of DataLad, or correct the link"
