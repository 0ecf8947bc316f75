"""Print verdicts, tables, progress and faults to a terminal."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any, Protocol

from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

if TYPE_CHECKING:  # these import numpy or torch, which a help text must not wait for
    from biasaudit.drafting.initialise import FirstLook
    from biasaudit.engine.jobs.job import Job
    from biasaudit.records import Cohort
    from biasaudit.report.side_by_side import Section
    from biasaudit.run_folder.contract import ArmRecord, AuditRecord

__all__ = [
    "Progress",
    "aside",
    "hushed",
    "in_words",
    "print_bold",
    "print_cohort",
    "print_components",
    "print_fault",
    "print_first_look",
    "print_json",
    "print_line",
    "print_note_to_stderr",
    "print_notes",
    "print_plan",
    "print_sections",
    "print_success",
    "print_to_stderr",
    "print_verdicts",
    "shown_progress",
]

out_console = Console(soft_wrap=True, emoji=False)
error_console = Console(stderr=True, soft_wrap=True, emoji=False)

VERDICT_STYLES = {"ORIGIN": "bold red", "MIXED": "bold yellow", "PATHOLOGY": "bold green", "UNDETERMINED": "bold"}
_SHOWN_ORIGINS = 20
_CONTROL = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f]")


@contextmanager
def hushed() -> Iterator[None]:
    """Print nothing in this block; faults are told after it."""
    before = out_console.quiet, error_console.quiet
    out_console.quiet = error_console.quiet = True
    try:
        yield
    finally:
        out_console.quiet, error_console.quiet = before


@contextmanager
def aside() -> Iterator[None]:
    """Print on standard error in this block, also what code of the user's prints: standard output is for JSON."""
    with redirect_stdout(sys.stderr):
        yield


def print_json(record: Mapping[str, Any]) -> None:
    """Print one JSON object to standard output, in ASCII, so that every terminal and pipe takes it."""
    sys.stdout.write(json.dumps(record, indent=2, allow_nan=False) + "\n")


def print_line(text: str, style: str | None = None) -> None:
    """Print one line of plain text to standard output."""
    out_console.print(_raw(text), style=style, highlight=False)


def print_bold(lines: Iterable[str]) -> None:
    """Print lines that are not to be overlooked."""
    for line in lines:
        print_line(line, style="bold")


def print_success(text: str) -> None:
    """Print one green line to standard output."""
    print_line(text, style="green")


def print_to_stderr(text: str) -> None:
    """Print one line of plain text to standard error."""
    error_console.print(_raw(text), highlight=False)


def print_note_to_stderr(text: str) -> None:
    """Print one note to standard error, where it does not mix with what is asked for."""
    print_to_stderr(f"note: {text}")


def print_fault(text: str) -> None:
    """Print one red line to standard error."""
    error_console.print(_raw(text), style="red", highlight=False)


def print_verdicts(audit: AuditRecord) -> None:
    """Print the verdict of every arm of an ``audit.json``, with its reason."""
    for arm in audit["arms"]:
        style = VERDICT_STYLES[arm["verdict"]]
        mark = " (provisional)" if arm.get("provisional") and arm["verdict"] == "PATHOLOGY" else ""
        contrast = f", {arm['contrast']} against the rest" if arm.get("contrast") else ""
        headline = f"{mark}  arm {arm['name']}{contrast}: {arm['reason'] or ''}"
        out_console.print(Text.assemble((arm["verdict"], style), _raw(headline)), highlight=False)
        if arm.get("contrast"):
            each = ", ".join(f"{v['contrast']} {v['verdict']} ({v['factor']})" for v in arm["verdicts"])
            print_line(f"  against the rest: {each}")
        if aucs := _aucs(arm):
            print_line(f"  {aucs}")
        if arm["verdict"] == "UNDETERMINED" and (settle := _what_settles(arm)):
            print_line(f"  what would settle it: {settle}")
    if audit.get("cohort", {}).get("colour_hidden"):
        print_line("note: pictures in colour were read in grey; signatures of colour are hidden from this audit")


def _aucs(arm: ArmRecord) -> str:
    """Say the AUC, and beside it that where the origin tells nothing of the class; empty where that was not asked."""
    target = arm.get("target") or {}
    published = target.get("independent")
    if published is None or target.get("auc") is None:
        return ""
    plain = f"AUC {target['auc']:.2f} as sampled"
    if published["auc"] is None:
        return f"{plain}; AUC to publish: none, since no {published['factor']} holds enough of both classes"
    bounds = f"[{published['auc_low']:.2f}, {published['auc_high']:.2f}]"
    return f"{plain}; AUC to publish (class and {published['factor']} independent): {published['auc']:.2f} {bounds}"


def _what_settles(arm: ArmRecord) -> str:
    """Return what the headline of an arm asks for; empty if nothing."""
    own = (each for each in arm.get("verdicts", []) if each["verdict"] == arm["verdict"])
    return next((str(each["settle"]) for each in own if each.get("settle")), "")


def print_sections(sections: Sequence[Section]) -> None:
    """Print the tables of a comparison of two runs."""
    for section in sections:
        out_console.print(_raw(section.title), style="bold", highlight=False)
        if section.lead:
            print_line(section.lead)
        if section.rows:
            out_console.print(_filled(Table(*_columns(section.columns), box=None), section.rows))
        out_console.print()


def print_first_look(look: FirstLook) -> None:
    """Print what `biasaudit init` found in the data, and what an audit of them can answer."""
    for section in look.sections:
        columns, title = _columns(section.columns), _raw(section.title)
        table = Table(*columns, title=title, title_justify="left", title_style="bold", box=None)
        out_console.print(_filled(table, section.rows))
        out_console.print()
    lines = [f"note: {note}" for note in look.notes]
    lines += [f"can be answered: {text}" for text in look.can_answer]
    lines += [f"cannot be answered: {text}" for text in look.cannot_answer]
    for line in lines:
        print_line(line)


def print_cohort(cohort: Cohort) -> None:
    """Print one table per origin factor, which counts the classes by origin, and the notes of the cohort."""
    for factor in cohort.factors:
        out_console.print(_origin_table(cohort, factor))
    print_notes(cohort.notes)


def print_notes(notes: Iterable[str]) -> None:
    """Print every note as an indented line."""
    for note in notes:
        print_line(f"  note: {note}")


def print_plan(jobs: Sequence[Job], seconds: float, workers: int) -> None:
    """Print one line per job, and how long all of them would take."""
    for job in jobs:
        print_line(f"{job.step:10} {job.title}")
    print_line(f"{len(jobs)} jobs, about {in_words(seconds)} on {workers} worker(s)")


def print_components(kind: str, rows: Sequence[tuple[str, str]]) -> None:
    """Print the names of the components of one kind, each with what it is."""
    out_console.print(_filled(Table("name", "what", title=_raw(f"{kind}s"), title_justify="left", box=None), rows))


def in_words(seconds: float) -> str:
    """Write a duration in the unit that fits it."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


class Progress(Protocol):
    """What is done and left of a long command."""

    def show(self, done: int, total: int, job: Job | None) -> None:
        """Show jobs done, jobs known, and the job that has just ended."""

    def stage(self, text: str) -> None:
        """Say what is being done beside jobs."""


@contextmanager
def shown_progress(what: str = "jobs") -> Iterator[Progress]:
    """Show what is done and left: a bar on a terminal, plain lines elsewhere."""
    if not error_console.is_terminal:
        yield _PlainProgress(what)
        return
    # Only a long command shows a bar, and its modules would be a seventh of the start of every other.
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(f"{what}, time to go"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=error_console, transient=True) as bar:
        yield _BarProgress(bar, bar.add_task("starting", total=None))


class _BarProgress:
    """A bar that moves on in its line."""

    def __init__(self, bar: Any, task: Any) -> None:
        self._bar, self._task = bar, task

    def show(self, done: int, total: int, job: Job | None) -> None:
        self._bar.update(self._task, completed=done, total=total)
        if job is not None:
            self.stage(job.title)

    def stage(self, text: str) -> None:
        self._bar.update(self._task, description=_raw(text).plain[:60])


class _PlainProgress:
    """One line at every tenth of the work, with the time to go, and one for each stage."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._started = time.monotonic()
        self._tenth = -1

    def show(self, done: int, total: int, job: Job | None) -> None:
        tenth = 10 * done // max(total, 1)
        if tenth == self._tenth:
            return
        self._tenth = tenth
        elapsed = time.monotonic() - self._started
        left = f", about {in_words(elapsed / done * (total - done))} to go" if 0 < done < total else ""
        print_to_stderr(f"{done} of {total} {self._what}{left}")

    def stage(self, text: str) -> None:
        print_to_stderr(text)


def _raw(text: str) -> Text:
    """Text as it is: nothing in it is markup or an emoji, and no control character reaches the terminal."""
    return Text(_CONTROL.sub(lambda found: repr(found[0])[1:-1], text))


def _columns(names: Iterable[str]) -> list[Column]:
    return [Column(_raw(name)) for name in names]


def _filled(table: Table, rows: Sequence[tuple[str, ...]]) -> Table:
    for row in rows:
        table.add_row(*map(_raw, row))
    return table


def _origin_table(cohort: Cohort, factor: str) -> Table:
    """Count classes by origin, the smaller of many origins in one row."""
    labels: dict[str, list[str]] = {}
    for sample in cohort.samples:
        labels.setdefault(sample.origins[factor], []).append(sample.label)
    by_size = sorted(labels, key=lambda origin: (-len(labels[origin]), origin))
    shown = sorted(by_size if len(by_size) <= _SHOWN_ORIGINS else by_size[: _SHOWN_ORIGINS - 1])
    smaller = [label for origin in by_size if origin not in shown for label in labels[origin]]
    table = Table(*_columns((factor, *cohort.classes)), box=None)
    for origin in shown:
        table.add_row(_raw(origin), *(str(labels[origin].count(name)) for name in cohort.classes))
    if smaller:
        count = len(by_size) - len(shown)
        table.add_row(f"{count} smaller origins", *(str(smaller.count(name)) for name in cohort.classes))
    return table
