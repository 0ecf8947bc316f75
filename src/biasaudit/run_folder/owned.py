"""The files of a folder that this program wrote, with their checksums: only these are ever replaced or removed.

They come in parts, such as the results of a run and its report. A part is written into a folder of its own and put in
its place as a whole, so that what is half written is never taken for finished. The list is kept twice.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from biasaudit.errors import DataError, Fault, UsageError
from biasaudit.run_folder.checksums import Checksum, checksum_of, difference, read_sealed, sealed, write_flushed
from biasaudit.run_folder.contract import AUDIT, PENDING
from biasaudit.run_folder.place import MARK
from biasaudit.vocabulary import PLACES

if TYPE_CHECKING:
    from biasaudit.protocol.places import Places

__all__ = ["LISTS", "RERUN", "OwnedFiles"]

LISTS = ("checksums.json", "checksums.copy.json")
RERUN = "run the same `biasaudit run` command again, which writes it anew"
_NEW, _KEPT, _LIST = ".new-", ".kept", ".list.json"


@dataclass(frozen=True)
class OwnedFiles:
    """What this program wrote into one folder.

    Attributes
    ----------
    root : Path
    places : Places, optional
        Short names for the folders that its texts name; default: those of the folder itself.
    """

    root: Path
    places: Places | None = None

    def parts(self) -> dict[str, dict[str, Checksum]]:
        """Read which files there are, by part and by path relative to the folder; none where nothing was recorded.

        Raises
        ------
        DataError
            The list is damaged, and its copy too.
        """
        lists = [self.root / MARK / name for name in LISTS]
        for path in lists:
            parts = _parts_of(read_sealed(path))
            if parts is not None:
                return parts
        if any(path.exists() for path in lists):
            remedy = "keep what is yours, remove the folder, and run again"
            raise DataError(
                [Fault(str(lists[0]), "damaged, and so is its copy: nobody knows which files are whose", remedy)]
            )
        return {}

    def differences(self, parts: Sequence[str], names: Sequence[str] = ()) -> Iterator[Fault]:
        """Yield one fault for every file that is not what was written.

        Parameters
        ----------
        parts : sequence of str
        names : sequence of str
            Only files of these names, and those in folders of these names; default: all.
        """
        for part, files in self.parts().items():
            for name, recorded in files.items():
                asked = not names or name in names or name.partition("/")[0] in names
                looked_at = part in parts and asked and not self._is_being_renamed(name, files)
                found = difference(self.root / name, recorded) if looked_at else None
                if found:
                    yield Fault(str(self.root / name), found, RERUN)

    def _is_being_renamed(self, name: str, files: Mapping[str, Checksum]) -> bool:
        """Whether a missing file lies there under its other name: `rename` was killed half-way."""
        other = {AUDIT: PENDING, PENDING: AUDIT}.get(name)
        return other in files and (self.root / str(other)).exists() and not (self.root / name).exists()

    @contextmanager
    def writing(self, part: str) -> Iterator[Path]:
        """Give a folder to write a part to; if the block ends without an error it takes the place of the part.

        Raises
        ------
        UsageError
            A file of that name is there which this program did not write, or a link to a folder in its place.
        """
        staged = self.root / MARK / f"{_NEW}{secrets.token_hex(6)}"
        staged.mkdir(parents=True)
        try:
            yield staged
            self._publish(part, staged)
        finally:
            shutil.rmtree(staged, ignore_errors=True)

    def write(self, part: str, documents: Mapping[str, bytes]) -> None:
        """Write a part whose files are at hand; raises as `writing` does."""
        with self.writing(part) as staged:
            for name, content in documents.items():
                (staged / name).parent.mkdir(parents=True, exist_ok=True)
                (staged / name).write_bytes(content)

    def rename(self, part: str, old: str, new: str) -> None:
        """Give one file of a part another name; raises as `writing` does."""
        known = self.parts()
        self._require_free({new: self.root / old}, known)
        files = {**known[part], new: known[part][old]}
        self._record({**known, part: files})
        os.replace(self.root / old, self.root / new)
        self._record({**known, part: {name: own for name, own in files.items() if name != old}})

    def remove(self, *parts: str) -> None:
        """Remove the files of some parts, and the folders that are empty then."""
        known = self.parts()
        gone = {name for part in parts for name in known.get(part, {})}
        _remove(self.root, gone)
        self._record({part: files for part, files in known.items() if part not in parts})

    def adopt(self, part: str, names: Iterable[str]) -> None:
        """Take files that an older version wrote for a part, where nothing was recorded of the folder."""
        if not self.parts():
            found = {name: self.root / name for name in names if (self.root / name).is_file()}
            self._record({part: {name: checksum_of(path) for name, path in found.items()}})

    @contextmanager
    def kept_if_it_fails(self) -> Iterator[None]:
        """Put every file back as it was where the block fails or is interrupted."""
        before, copies = self.parts(), self.root / MARK / _KEPT
        shutil.rmtree(copies, ignore_errors=True)
        names = {name for files in before.values() for name in files}
        for name in names:
            if (self.root / name).is_file() and _link_above(self.root, name) is None:
                _link(self.root / name, copies / name)
        copies.mkdir(exist_ok=True)
        write_flushed(copies / _LIST, sealed({"parts": _plain(before)}))
        try:
            yield
        except BaseException:
            self._put_back()
            raise
        finally:
            shutil.rmtree(copies, ignore_errors=True)

    @property
    def keeps(self) -> bool:
        """Whether `kept_if_it_fails` is at work, or was killed."""
        return (self.root / MARK / _KEPT).is_dir()

    def put_back_if_interrupted(self) -> None:
        """Finish what `kept_if_it_fails` could not do because it was killed; call it only while the folder is locked.

        Where results have been written since, those stay.
        """
        if not (self.root / AUDIT).exists():
            self._put_back()
        shutil.rmtree(self.root / MARK / _KEPT, ignore_errors=True)

    def _put_back(self) -> None:
        copies = self.root / MARK / _KEPT
        parts = _parts_of(read_sealed(copies / _LIST))
        if parts is None:
            return
        names = {name for files in parts.values() for name in files}
        _remove(self.root, {name for files in self.parts().values() for name in files} - names)
        for name in names:
            if (copies / name).is_file():
                (self.root / name).parent.mkdir(parents=True, exist_ok=True)
                os.replace(copies / name, self.root / name)
        self._record(parts)

    def sweep(self) -> None:
        """Remove what interrupted commands left behind; call it only while the folder is locked."""
        for leftover in (self.root / MARK).glob(f"{_NEW}*"):
            if leftover.is_file():
                leftover.unlink()
            shutil.rmtree(leftover, ignore_errors=True)

    def _publish(self, part: str, staged: Path) -> None:
        # These wait for pydantic, which who reads a run need not do.
        from biasaudit.protocol.places import Places
        from biasaudit.run_folder.hiding import hide_places

        stored = staged if (staged / PLACES).exists() else self.root
        hide_places(staged, Places.read(stored) if self.places is None else self.places)
        known = self.parts()
        new = {_name(path, staged): path for path in _files(staged)}
        self._require_free(new, known)
        for path in new.values():
            _flush(path)
        checksums = {name: checksum_of(path) for name, path in new.items()}
        gone = {name: own for name, own in known.get(part, {}).items() if name not in new}
        self._record({**known, part: {**gone, **checksums}})
        for name, path in new.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, self.root / name)
        _remove(self.root, gone)
        self._record({**known, part: checksums})

    def _require_free(self, new: Mapping[str, Path], known: Mapping[str, Mapping[str, Checksum]]) -> None:
        link = next((found for name in new if (found := _link_above(self.root, name))), None)
        if link is not None:
            raise UsageError(
                f"{link}: a link, and biasaudit writes into no folder but its own; move it away and run the same "
                "command again"
            )
        ours = {name for files in known.values() for name in files}
        foreign = [name for name in new if name not in ours and _is_taken(self.root, name)]
        if foreign:
            more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
            raise UsageError(
                f"{self.root / foreign[0]}{more}: not written by biasaudit, which would overwrite it; "
                "move it away and run the same command again"
            )

    def _record(self, parts: Mapping[str, Mapping[str, Checksum]]) -> None:
        (self.root / MARK).mkdir(parents=True, exist_ok=True)
        for name in LISTS:
            write_flushed(self.root / MARK / name, sealed({"parts": _plain(parts)}))


def _plain(parts: Mapping[str, Mapping[str, Checksum]]) -> dict[str, dict[str, object]]:
    """Plain JSON types; parts without files are left out."""
    return {part: {name: asdict(own) for name, own in files.items()} for part, files in parts.items() if files}


def _parts_of(record: Mapping[str, Any] | None) -> dict[str, dict[str, Checksum]] | None:
    """Take the list from a record; None where it is none, or names anything outside of the folder."""
    try:
        listed = {} if record is None else record["parts"]
        parts = {part: {name: Checksum(**own) for name, own in files.items()} for part, files in listed.items()}
    except (LookupError, TypeError, AttributeError):
        return None
    sound = record is not None and all(_is_inside(name) for files in parts.values() for name in files)
    return parts if sound else None


def _is_inside(name: str) -> bool:
    """Whether a name is that of a file below the folder, whoever wrote it into the list."""
    steps = PurePosixPath(name).parts
    return bool(steps) and not ({"/", "//", "..", MARK} & {*steps}) and not Path(name).is_absolute()


def _link_above(root: Path, name: str) -> Path | None:
    """Return the link by which a file would lie elsewhere; None if there is none."""
    folders = (root / parent for parent in Path(name).parents if parent != Path())
    return next((folder for folder in folders if folder.is_symlink()), None)


def _link(source: Path, target: Path) -> None:
    """Give a file a second name; files are replaced, never written into, so that it keeps the content."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _is_taken(root: Path, name: str) -> bool:
    """Whether something is there, or a file where a folder has to be."""
    folders = (root / parent for parent in Path(name).parents if parent != Path())
    return os.path.lexists(root / name) or any(os.path.lexists(each) and not each.is_dir() for each in folders)


def _remove(root: Path, names: Iterable[str]) -> None:
    """Remove files, and the folders that are empty then."""
    folders = set()
    for name in names:
        if _link_above(root, name) is not None:
            continue
        with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):  # others may have put theirs there
            (root / name).unlink()
        folders |= {root / parent for parent in Path(name).parents if parent != Path()}
    for folder in sorted(folders, key=lambda path: -len(path.parts)):
        with suppress(OSError):
            folder.rmdir()


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _name(path: Path, folder: Path) -> str:
    return path.relative_to(folder).as_posix()


def _flush(path: Path) -> None:
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
