"""Every error biasaudit raises on purpose.

::

    BiasauditError
    ├── UsageError         the command line asks for something impossible        exit code 2
    ├── InputError         faults in what the user handed in, all at once        exit code 3
    │   ├── ProtocolError  in the protocol file
    │   └── DataError      in tables, images, masks, folders
    └── IncompleteError    jobs failed or were lost; a rerun resumes             exit code 4
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches

__all__ = [
    "BiasauditError",
    "DataError",
    "Fault",
    "IncompleteError",
    "InputError",
    "ProtocolError",
    "UsageError",
    "closest",
    "failure",
    "gathered",
    "suggestion",
    "told",
]


_SHOWN_LINES = 5


@dataclass(frozen=True)
class Fault:
    """One thing wrong with an input.

    Attributes
    ----------
    where : str
        File and, where there is one, line: ``table.tsv:12``.
    message : str
        The value seen and what was expected.
    remedy : str
        What to do next; may be empty.
    """

    where: str
    message: str
    remedy: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}"
        return f"{text}; {self.remedy}" if self.remedy else text


def gathered(places: Iterable[str], message: str, remedy: str) -> list[Fault]:
    """Make one fault per file of what is wrong in many of its lines, so that it hides nothing else.

    Parameters
    ----------
    places : iterable of str
        ``table.tsv:12``, or a file without a line.
    message, remedy : str
        As of `Fault`.

    Returns
    -------
    list of Fault
        At the first line of each file; how many there are and the first of them are in the message.
    """
    files: dict[str, dict[str, str]] = {}
    for place in places:
        file, colon, line = place.rpartition(":")
        if not (colon and line.isdigit()):
            file, line = place, ""
        files.setdefault(file, {})[line] = place
    return [Fault(next(iter(lines.values())), message + _lines(list(lines)), remedy) for lines in files.values()]


def _lines(lines: Sequence[str]) -> str:
    if len(lines) < 2:
        return ""
    more = len(lines) - _SHOWN_LINES
    return f" ({len(lines)} lines: {', '.join(lines[:_SHOWN_LINES])}{f' and {more} more' if more > 0 else ''})"


class BiasauditError(Exception):
    """Base of every deliberate error; `exit_code` is what the command line exits with."""

    exit_code = 1


class UsageError(BiasauditError):
    """The command line asks for something that cannot be done."""

    exit_code = 2


class InputError(BiasauditError):
    """One or more faults in an input, reported together.

    Parameters
    ----------
    faults : sequence of Fault
        At least one.
    """

    exit_code = 3

    def __init__(self, faults: Sequence[Fault]) -> None:
        self.faults = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))

    def __reduce__(self) -> tuple[type, tuple[tuple[Fault, ...]]]:
        """Rebuild from the faults, so that the error survives the way back from a worker process."""
        return type(self), (self.faults,)


class ProtocolError(InputError):
    """Faults in a protocol file."""


class DataError(InputError):
    """Faults in tables, images, masks or folders."""


class IncompleteError(BiasauditError):
    """Some jobs failed or were lost; what is finished is kept and a rerun resumes."""

    exit_code = 4


def closest(word: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """Return the known word that is spelt most like this one, whatever its case.

    Parameters
    ----------
    word : str
        What the user wrote.
    known : iterable of str
    likeness : float
        Least share of letters in common, 0 to 1 (``difflib.SequenceMatcher.ratio``).

    Returns
    -------
    str or None
        None where nothing is close.
    """
    lowered = {name.lower(): name for name in sorted(set(known))}
    close = get_close_matches(word.lower(), lowered, n=1, cutoff=likeness)
    return lowered[close[0]] if close else None


def suggestion(word: str, known: Iterable[str]) -> str:
    """Say which known word was probably meant.

    Parameters
    ----------
    word : str
        What the user wrote.
    known : iterable of str
        What would have been accepted.

    Returns
    -------
    str
        ``did you mean 'label'?``, or the list of what is known when nothing is close.
    """
    names = sorted(set(known))
    close = closest(word, names)
    if close is not None:
        return f"did you mean {close!r}?"
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"known: {shown}" if names else "nothing is known here"


def failure(error: BaseException) -> str:
    """Kind and first line of an error that code of somebody else's has raised.

    Parameters
    ----------
    error : BaseException

    Returns
    -------
    str
        ``ValueError: no such width``; of the end of the program what was meant to end it.
    """
    if isinstance(error, SystemExit):
        return f"it ended the program by sys.exit({error.code!r}); return, or raise an error"
    first = next((line.strip() for line in str(error).splitlines() if line.strip()), "")
    return ": ".join(filter(None, [type(error).__name__, first]))


@contextmanager
def told(before: str, remedy: str = "") -> Iterator[None]:
    """Turn whatever somebody else's code raises into one line; only the user's own interruption passes.

    Parameters
    ----------
    before : str
        Field of the protocol and what was tried: ``target.network: own.py:build failed``.
    remedy : str

    Raises
    ------
    UsageError
    """
    try:
        yield
    except (KeyboardInterrupt, GeneratorExit, BiasauditError):
        raise
    except BaseException as error:
        raise UsageError(f"{before}: {failure(error)}" + (f"; {remedy}" if remedy else "")) from error
