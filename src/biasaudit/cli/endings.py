"""How a command ends that finds faults or is interrupted."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from biasaudit import terminal
from biasaudit.cli.encoding import require_names, require_utf8
from biasaudit.engine.jobs.interrupts import interrupts_kept
from biasaudit.errors import BiasauditError, IncompleteError, InputError
from biasaudit.run_folder.space import lack_of_space, no_room

if TYPE_CHECKING:
    from biasaudit.protocol import Protocol

__all__ = ["ended", "faults_of", "print_code", "resumable"]

INTERRUPTED = 130


def ended(command: Callable[[], object]) -> None:
    """Run a command; every error that a user can cause ends in one line per fault and an exit code."""
    signal.signal(signal.SIGTERM, _interrupt)
    require_utf8()
    try:
        require_names()
        command()
    except BiasauditError as error:
        for fault in error.faults if isinstance(error, InputError) else (error,):
            terminal.print_fault(str(fault))
        sys.exit(error.exit_code)
    except typer.Exit as stop:  # of an interrupt, where no command of typer's is around it
        sys.exit(stop.exit_code)
    except MemoryError:
        terminal.print_fault("the memory that is free is not enough; close other programs, or give smaller inputs")
        sys.exit(IncompleteError.exit_code)
    except Exception as error:
        lack = lack_of_space(error)
        place = getattr(error, "filename", None)
        if lack is not None:
            terminal.print_fault(f"{no_room(lack, Path(place or '.'))}; make room and run the same command again")
            sys.exit(IncompleteError.exit_code)
        if not isinstance(error, OSError) or place is None:
            raise
        terminal.print_fault(f"{os.fsdecode(place)}: {error.strerror}; correct the path or its permissions")
        sys.exit(InputError.exit_code)


def _interrupt(signal_number: int, frame: Any) -> None:
    raise KeyboardInterrupt


def print_code(plan: Protocol) -> None:
    """Say what code of the user's is about to run, before any of it does."""
    if plan.code:
        from biasaudit.engine.user_code.listing import code_lines  # looks for installed packages

        for line in code_lines(plan.code):
            terminal.print_line(line)


@contextmanager
def faults_of(protocol: Path) -> Iterator[None]:
    """Name the line of the protocol in faults that are found in what it asks for."""
    try:
        yield
    except InputError as error:
        if not os.path.isfile(protocol):
            raise
        from biasaudit.protocol import with_lines

        raise type(error)(with_lines(error.faults, protocol)) from None


@contextmanager
def resumable(what: str) -> Iterator[None]:
    """Let an interrupt end the command with its own exit code, even one that an import of the block swallowed."""
    try:
        with interrupts_kept():
            yield
    except KeyboardInterrupt:
        terminal.print_to_stderr(f"interrupted; finished {what} are kept, the same command resumes")
        raise typer.Exit(INTERRUPTED) from None
