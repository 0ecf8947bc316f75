"""Names that stand for subjects and files in everything that a run writes: salted hashes.

The salt is a key of the user's own. It never lies in a run folder: whoever has it can find out which pseudonym belongs
to a name that he guesses, and nobody else can.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from biasaudit.errors import UsageError
from biasaudit.protocol.places import private_folder, write_private

__all__ = ["Pseudonyms", "key_file", "own_pseudonyms"]

_DIGITS = 12
_BYTES = 32
_FORMATS = {
    *(".nii", ".gz", ".mgh", ".mgz", ".npy", ".dcm", ".dicom", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"),
    *(".nrrd", ".nhdr", ".mha", ".mhd", ".csv", ".tsv", ".xlsx", ".parquet", ".feather", ".json", ".yaml", ".yml"),
    *(".pt", ".pth", ".ckpt", ".bin", ".safetensors", ".py"),
}


@dataclass(frozen=True)
class Pseudonyms:
    """Pseudonyms made with one key.

    Attributes
    ----------
    key : bytes
    """

    key: bytes = field(repr=False)

    @property
    def fingerprint(self) -> str:
        """What tells this key from another one, and says nothing of it."""
        return self._hash("key", "")

    def subject(self, name: str) -> str:
        """Return the pseudonym of a subject."""
        return f"p-{self._hash('subject', name)}"

    def files(self, paths: Iterable[str]) -> dict[str, str]:
        """Return what is written in the place of some files: a hash with the endings of the name."""
        return {path: f"file-{self._hash('file', path)}{_endings(path)}" for path in paths}

    def _hash(self, kind: str, text: str) -> str:
        return hmac.new(self.key, f"{kind}\0{text}".encode(errors="surrogateescape"), hashlib.sha256).hexdigest()[
            :_DIGITS
        ]


def own_pseudonyms() -> Pseudonyms:
    """Read the user's key, and make one where there is none.

    Raises
    ------
    UsageError
        It cannot be read or written, or it is damaged.
    """
    path = key_file()
    try:
        if not path.exists():
            with suppress(FileExistsError):  # another process was faster
                write_private(path, f"{secrets.token_hex(_BYTES)}\n", new=True)
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise UsageError(
            f"{path}: the key of the pseudonyms cannot be used ({error}); BIASAUDIT_PRIVATE names another folder"
        ) from None
    if len(key) != _BYTES:
        raise UsageError(f"{path}: {len(key)} bytes, expected the key of {_BYTES} bytes that biasaudit wrote")
    return Pseudonyms(key)


def key_file() -> Path:
    """Return the file that holds the user's key, if he has one."""
    return private_folder() / "key"


def _endings(path: str) -> str:
    """Return the endings of a file name that tell its format: ``.nii.gz``."""
    return "".join(ending for ending in PurePath(path).suffixes[-2:] if ending.lower() in _FORMATS)
