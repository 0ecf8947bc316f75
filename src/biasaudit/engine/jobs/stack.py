"""Arrays of a cohort that lie in compressed blocks on disk, written and read a few subjects at a time.

A block is a NumPy archive, ``original.npz``: one member per subject, ``0.npy`` ..., and ``like.npy``, which holds no
subject and says of what type and shape one is. `docs/benchmarks.md` compares this with zarr, HDF5 and Blosc.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import numpy as np
import numpy.typing as npt

from biasaudit.records import FloatArray

__all__ = ["SUFFIX", "Stack", "rounded", "save_stack", "writing_stack"]

SUFFIX = ".npz"
_LIKE = "like.npy"
_LEVEL = 1  # of zlib: higher ones gain 6 % of the space at half the speed


@contextmanager
def writing_stack(path: Path, shape: Sequence[int], dtype: npt.DTypeLike) -> Iterator[Callable[[np.ndarray], None]]:
    """Write a block subject by subject; the same subjects give the same bytes.

    Parameters
    ----------
    path : Path
        ``.npz`` file.
    shape : sequence of int
        Of one subject.
    dtype : dtype

    Yields
    ------
    callable
        Takes the next subject, which is cast and broadcast to shape and type.
    """
    with ZipFile(path, "w") as archive:
        _add(archive, _LIKE, np.zeros((0, *shape), dtype))
        written = 0

        def append(values: np.ndarray) -> None:
            nonlocal written
            _add(archive, f"{written}.npy", np.broadcast_to(np.asarray(values, dtype), tuple(shape)))
            written += 1

        yield append


def save_stack(path: Path, values: np.ndarray) -> None:
    """Write a block (subjects, ...) that is in memory already."""
    with writing_stack(path, values.shape[1:], values.dtype) as append:
        for own in values:
            append(own)


def rounded(values: FloatArray) -> FloatArray:
    """Round float32 to the 11 significant bits of float16, whatever their size; so they take half the space.

    References
    ----------
    Dekker T. J. (1971). A floating-point technique for extending the available precision. Numer. Math. 18, 224-242.
    """
    scaled = values.astype(np.float32) * np.float32(2**13 + 1)
    return np.asarray(scaled - (scaled - values.astype(np.float32)))


class Stack:
    """Blocks of subjects seen as one array.

    Parameters
    ----------
    files : sequence of Path
        In cohort order; see `writing_stack`.
    memory : int
        Bytes of subjects that stay in memory once they have been read: the first that are read.
    """

    def __init__(self, files: Sequence[Path], memory: int = 0) -> None:
        self._files = list(files)
        headers = [_header(file) for file in files]
        self._ends = np.cumsum([count for count, _ in headers])
        self._like = headers[0][1] if headers else np.zeros(0)
        self._kept: dict[int, np.ndarray] = {}
        self._room = memory // max(1, self._like.nbytes)

    @classmethod
    def of(cls, folders: Sequence[Path], name: str, memory: int = 0) -> Stack:
        """Stack ``<name>.npz`` of some folders."""
        return cls([folder / f"{name}{SUFFIX}" for folder in folders], memory)

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def __getitem__(self, row: int) -> np.ndarray:
        if not 0 <= row < len(self):
            raise IndexError(row)
        if row in self._kept:
            return self._kept[row]
        values = self._read(row)
        if len(self._kept) < self._room:
            self._kept[row] = values
        return values

    def __iter__(self) -> Iterator[np.ndarray]:
        return (self[row] for row in range(len(self)))

    def _read(self, row: int) -> np.ndarray:
        block = int(np.searchsorted(self._ends, row, side="right"))
        place = row - (int(self._ends[block - 1]) if block else 0)
        # The file is opened anew: open ones could not go to other processes, and there may be thousands.
        with ZipFile(self._files[block]) as archive:
            content = archive.read(f"{place}.npy")
        like = self._like
        return np.frombuffer(content, like.dtype, like.size, len(content) - like.nbytes).reshape(like.shape)

    @property
    def shape(self) -> tuple[int, ...]:
        """(subjects, ...)."""
        return (len(self), *self._like.shape)

    def take(self, rows: Iterable[int]) -> FloatArray:
        """Copy some rows into memory as float32, (rows, ...)."""
        return self.stored(rows).astype(np.float32)

    def stored(self, rows: Iterable[int]) -> np.ndarray:
        """Copy some rows into memory as they are stored, (rows, ...)."""
        wanted = [int(row) for row in rows]
        found = np.empty((len(wanted), *self._like.shape), self._like.dtype)
        for place, row in enumerate(wanted):
            found[place] = self[row]
        return found


def _header(file: Path) -> tuple[int, np.ndarray]:
    """Count the subjects of a block, and return an array like one of them."""
    with ZipFile(file) as archive:
        like = np.lib.format.read_array(io.BytesIO(archive.read(_LIKE)), allow_pickle=False)
        return len(archive.namelist()) - 1, np.zeros(like.shape[1:], like.dtype)


def _add(archive: ZipFile, name: str, values: np.ndarray) -> None:
    """Add an array; a member that names no date has the same bytes whenever it is written."""
    content = io.BytesIO()
    np.lib.format.write_array(content, np.ascontiguousarray(values), allow_pickle=False)
    member = ZipInfo(name)
    member.compress_type = ZIP_DEFLATED
    archive.writestr(member, content.getvalue(), compresslevel=_LEVEL)
