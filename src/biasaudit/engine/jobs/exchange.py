"""Results that pass through an object store, between machines that share no file system."""

from __future__ import annotations

import io
import secrets
import shutil
import tarfile
from contextlib import suppress
from pathlib import Path
from typing import Any

from biasaudit.engine.jobs.store import Store
from biasaudit.errors import UsageError

__all__ = ["Exchange"]


class Exchange:
    """The finished jobs below a URL, each one object, and their copies below a folder of this machine.

    An object is there as a whole or not at all. The checksums of the files in it are looked at as those of every
    finished job are, so that a damaged one is computed again.

    Parameters
    ----------
    url : str
        What fsspec knows: ``s3://bucket/folder``, ``gs://...``, ``file:///...``.
    root : Path
        The run folder, or a worker's own copy of what it needs of it.

    Attributes
    ----------
    root : Path

    Raises
    ------
    UsageError
        There is no such kind of URL here.
    """

    def __init__(self, url: str, root: Path) -> None:
        from fsspec.core import url_to_fs  # comes with Dask

        try:
            files, base = url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise UsageError(f"--store {url}: {str(error).splitlines()[0]}") from None
        self._files: Any = files
        self._base = f"{str(base).rstrip('/')}/jobs"
        self.root = root
        self._store = Store(root)
        self._known: set[str] = set()

    def require_usable(self) -> None:
        """Write an object, read it and remove it again.

        Raises
        ------
        UsageError
            One line with the store's own words.
        """
        name, text = f"{self._base}/.{secrets.token_hex(8)}", b"biasaudit"
        try:
            self._put(name, text)
            same = self._files.cat_file(name) == text
            self._files.rm_file(name)
        except Exception as error:  # whatever a client of some store raises
            raise UsageError(f"the store at {self._base} cannot be used: {_line(error)}") from None
        if not same:
            raise UsageError(f"the store at {self._base} does not give back what was written to it")

    def has(self, key: str) -> bool:
        """Whether the result of a job is there."""
        if key not in self._known:
            self._files.invalidate_cache()
            if not self._files.exists(self._name(key)):
                return False
            self._known.add(key)
        return True

    def publish(self, key: str) -> None:
        """Copy a finished job to the store, unless it is there."""
        if self.has(key):
            return
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w") as archive:
            archive.add(self._store.folder(key), arcname=".")
        self._put(self._name(key), packed.getvalue())
        self._known.add(key)

    def fetch(self, key: str) -> bool:
        """Copy a finished job from the store, unless it is here; return whether it is here and undamaged."""
        if self._store.finished(key):
            return True
        temporary = self._store.jobs / f".{key}-{secrets.token_hex(6)}"
        temporary.mkdir(parents=True)
        try:
            packed = self._files.cat_file(self._name(key))
            with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
                archive.extractall(temporary, filter="data")
            place = self._store.place(key)
            shutil.rmtree(place, ignore_errors=True)
            temporary.rename(place)
        except (FileNotFoundError, tarfile.TarError):
            return False
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
        return self._store.finished(key)

    def discard(self, key: str) -> None:
        """Remove a result that turned out to be damaged."""
        self._known.discard(key)
        with suppress(FileNotFoundError):
            self._files.rm_file(self._name(key))

    def _name(self, key: str) -> str:
        return f"{self._base}/{key}.tar"

    def _put(self, name: str, content: bytes) -> None:
        """Write an object so that it appears as a whole, on a plain file system too."""
        if "file" not in self._files.protocol:
            self._files.pipe_file(name, content)
            return
        self._files.makedirs(self._base, exist_ok=True)
        temporary = f"{self._base}/.{secrets.token_hex(8)}"
        self._files.pipe_file(temporary, content)
        self._files.mv(temporary, name)


def _line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]
