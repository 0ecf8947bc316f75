"""Tell trackers of an audit; one that fails is a line, and costs no result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from biasaudit import registry
from biasaudit.errors import UsageError
from biasaudit.run_folder.contract import AuditRecord
from biasaudit.trackers.tracker import Tracker

__all__ = ["Telling", "trackers_called"]


def trackers_called(names: Sequence[str]) -> Telling:
    """Make the trackers of these names.

    Raises
    ------
    UsageError
        One is not known.
    """
    return Telling({name: registry.get("tracker", name)() for name in dict.fromkeys(names)})


@dataclass(frozen=True)
class Telling:
    """Some trackers, by the name that lines about them begin with."""

    trackers: Mapping[str, Tracker]

    @contextmanager
    def audit(self, name: str) -> Iterator[None]:
        """Tell that an audit begins, and where it ends by an error, of that.

        Parameters
        ----------
        name : str
            Name of the protocol.

        Raises
        ------
        UsageError
            A tracker will not take the results.
        """
        for called, tracker in self.trackers.items():
            reason = _refusal(tracker.started, name)
            if reason:
                raise UsageError(f"the tracker {called} cannot be used: {reason}; mend it or leave --track out")
        try:
            yield
        except Exception as error:
            for tracker in self.trackers.values():
                _refusal(tracker.failed, name, _kind(error))
            raise

    def finished(self, out: Path, audit: AuditRecord) -> list[str]:
        """Hand over a finished run; say for each tracker where its results lie, or why it did not take them.

        Parameters
        ----------
        out : Path
            The run folder.
        audit : AuditRecord
        """
        return [f"{called}: {_handed_over(tracker, out, audit)}" for called, tracker in self.trackers.items()]


def _handed_over(tracker: Tracker, out: Path, audit: AuditRecord) -> str:
    try:
        return tracker.finished(out, audit)
    except Exception as error:  # whatever a tracker raises, the run is finished
        return f"did not take the results ({_line(error)}); the run is finished, the same command hands it over again"


def _refusal(told: Callable[..., object], *words: str) -> str:
    try:
        told(*words)
    except Exception as error:
        return _line(error)
    return ""


def _kind(error: Exception) -> str:
    """Say what ended an audit in words that name no file and no subject, since trackers are read by others."""
    return f"{type(error).__name__}: {(type(error).__doc__ or '').strip().partition(chr(10))[0]}".removesuffix(": ")


def _line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__
