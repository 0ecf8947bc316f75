"""One process at a time writes to a folder, also where several machines share it.

The lock is a file that is made by a hard link, which fails if it is there: this holds on local disks and on NFS,
where locks of the operating system often do not. It names host, process and the process's start. On the same machine
a lock whose process is gone, or whose number was given to another process, is taken over at once. Of another machine
nothing is known but that its lock is touched every half minute: it counts as dead only after ten minutes without, by
the clock of the file system. A process that was asleep so long and finds its lock taken ends itself.
"""

from __future__ import annotations

import json
import os
import platform
import secrets
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from biasaudit.errors import UsageError
from biasaudit.regular_files import read_json_file, real_path
from biasaudit.run_folder.checksums import write_flushed
from biasaudit.run_folder.place import MARK, Kind, mark

__all__ = ["Holder", "in_use", "require_unused"]

_LOCK = "lock.json"
_BEAT = 30.0
_STALE = 600.0
_TRIES = 5

_HELD: set[Path] = set()
"""Folders that this process holds."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lock.

    Attributes
    ----------
    host : str
    machine : str
        Its present start and, in a container, its own numbering of processes.
    pid : int
    started : str
        When the process began, in the words of the operating system.
    since : str
        When the lock was taken.
    token : str
    """

    host: str
    machine: str
    pid: int
    started: str
    since: str
    token: str

    @classmethod
    def of_this_process(cls) -> Holder:
        """Describe this process."""
        now = datetime.now().astimezone().isoformat(timespec="seconds")
        return cls(platform.node(), _machine(), os.getpid(), _start_of(os.getpid()) or "", now, secrets.token_hex(8))


@contextmanager
def in_use(folder: Path, kind: Kind) -> Iterator[None]:
    """Hold a folder while the block runs; it is made if it is not there, and removed again if nothing is written to it.

    Inside the block the same process may ask for it again.

    Raises
    ------
    UsageError
        Another process holds it.
    """
    place = real_path(folder)
    if place in _HELD:
        yield
        return
    made = [path for path in (place / MARK, place, *place.parents) if not path.exists()]
    try:
        lock = mark(place, kind) / _LOCK
        holder = _acquire(lock, folder)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written ({error.strerror}); give another folder") from None
    _HELD.add(place)
    ended = threading.Event()
    threading.Thread(target=_keep_alive, args=(lock, holder, ended), daemon=True).start()
    try:
        yield
    finally:
        ended.set()
        _HELD.discard(place)
        if _released(lock, holder) and made and all(path.name == MARK for path in place.iterdir()):
            _remove(made)


def require_unused(folder: Path) -> None:
    """Refuse to read a folder that another process writes to.

    Raises
    ------
    UsageError
    """
    lock = folder / MARK / _LOCK
    if real_path(folder) not in _HELD and lock.exists():
        holder = _read(lock)
        if _is_alive(lock, holder):
            raise UsageError(f"{folder} is in use{_words(holder)}; wait until it has ended")


def _acquire(lock: Path, folder: Path) -> Holder:
    own = Holder.of_this_process()
    ticket = lock.with_name(f".lock-{own.token}")
    write_flushed(ticket, json.dumps(asdict(own)) + "\n")
    try:
        for _ in range(_TRIES):
            if _linked(ticket, lock):
                return own
            _take_from_the_dead(lock, folder)
    finally:
        ticket.unlink(missing_ok=True)
    raise UsageError(f"{folder} is in use; wait until the other run has ended, or give another folder")


def _linked(ticket: Path, lock: Path) -> bool:
    """Try to be the one who makes the lock."""
    try:
        os.link(ticket, lock)
    except FileExistsError:
        return ticket.stat().st_nlink == 2  # NFS may answer a repeated question
    except OSError:
        return _made(lock, ticket.read_bytes())  # a file system without hard links
    return True


def _made(lock: Path, content: bytes) -> bool:
    try:
        with lock.open("xb") as stream:
            stream.write(content)
    except FileExistsError:
        return False
    return True


def _take_from_the_dead(lock: Path, folder: Path) -> None:
    """Remove a lock whose holder is gone.

    Raises
    ------
    UsageError
        The holder lives, or may live.
    """
    holder = _read(lock)
    if not lock.exists():
        return
    if _is_alive(lock, holder):
        raise UsageError(f"{folder} is in use{_words(holder)}; wait until it has ended, or give another folder")
    grave = lock.with_name(f".lock-dead-{secrets.token_hex(8)}")
    with suppress(FileNotFoundError):
        os.rename(lock, grave)
        if _read(grave) != holder:  # it was taken over in the meantime
            with suppress(FileExistsError):
                os.link(grave, lock)
        grave.unlink(missing_ok=True)


def _words(holder: Holder | None) -> str:
    return "" if holder is None else f" since {holder.since} by process {holder.pid} on {holder.host}"


def _is_alive(lock: Path, holder: Holder | None) -> bool:
    if holder is not None and (holder.host, holder.machine) == (platform.node(), _machine()):
        return _start_of(holder.pid) == holder.started
    return _age(lock) < _STALE


def _age(lock: Path) -> float:
    """Seconds since the lock was last touched, by the clock of its file system."""
    clock = lock.with_name(f".lock-clock-{secrets.token_hex(8)}")
    try:
        clock.touch()
        return clock.stat().st_mtime - lock.stat().st_mtime
    except FileNotFoundError:
        return _STALE
    except OSError:  # only to be read
        return time.time() - lock.stat().st_mtime
    finally:
        with suppress(OSError):
            clock.unlink()


def _keep_alive(lock: Path, holder: Holder, ended: threading.Event) -> None:
    while not ended.wait(_BEAT):
        found = _read(lock)
        if found is not None and found.token != holder.token:
            os.kill(os.getpid(), signal.SIGTERM)
            return
        with suppress(OSError):
            os.utime(lock)


def _released(lock: Path, holder: Holder) -> bool:
    """Let the folder go, unless somebody else has taken it over."""
    if _read(lock) != holder:
        return False
    lock.unlink(missing_ok=True)
    return True


def _remove(made: Sequence[Path]) -> None:
    """Remove the mark of a folder that was made for nothing, and the folder."""
    with suppress(OSError):
        for path in made[0].iterdir():
            path.unlink()
        for folder in made:
            folder.rmdir()


def _read(lock: Path) -> Holder | None:
    try:
        return Holder(**read_json_file(lock))
    except (OSError, ValueError, TypeError):
        return None


def _machine() -> str:
    """Name the start of this machine and the numbering of processes; empty where the system does not tell."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return ""


def _start_of(pid: int) -> str | None:
    """Say when a process began; None if there is none of that number, or it has ended and nobody has asked how."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return None if state in "ZX" else fields[18]
    except OSError:
        return None if Path("/proc/self").exists() or not _answers(pid) else ""


def _answers(pid: int) -> bool:
    """Whether a process of that number exists, on a system without /proc."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
