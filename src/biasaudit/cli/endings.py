"""How a command ends that finds faults or is interrupted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from biasaudit import terminal
from biasaudit.engine.jobs.interrupts import interrupts_kept
from biasaudit.errors import InputError

if TYPE_CHECKING:
    from biasaudit.protocol import Protocol

__all__ = ["faults_of", "print_code", "resumable"]

INTERRUPTED = 130


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
        if not protocol.is_file():
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
