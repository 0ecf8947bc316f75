"""What to do after an audit, in three groups and at most five points; what this run has tried is not advised again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from biasaudit.report.views import ArmView
from biasaudit.report.views_checks import CheckView, check_views
from biasaudit.report.views_finding import FindingView
from biasaudit.report.words import VERDICTS
from biasaudit.run_folder.contract import RemedyRecord
from biasaudit.run_folder.reading import RunRecords
from biasaudit.vocabulary import OTHER_INPUTS

__all__ = ["Step", "StepGroup", "next_steps", "step_groups"]

_MOST = 5
_MOST_DATA = 2
_MOST_TRIED = 2
_DO_NOT, _GET, _LOOK = _GROUPS = "Do not", "Get these data", "Look into"
_TRIED, _MORE_DATA = "remedy tried", "more sites"
"""How the reasons of remedies begin in runs of versions that did not record their kind."""


@dataclass(frozen=True)
class Step:
    """One point: its group, what to do, and what it follows from."""

    group: str
    text: str
    source: str


@dataclass(frozen=True)
class StepGroup:
    """Points under one heading."""

    title: str
    steps: tuple[Step, ...]


def step_groups(steps: Sequence[Step]) -> tuple[StepGroup, ...]:
    """Put points under their headings; a heading without any is left out."""
    groups = (StepGroup(title, tuple(step for step in steps if step.group == title)) for title in _GROUPS)
    return tuple(group for group in groups if group.steps)


def next_steps(records: RunRecords, arms: Sequence[ArmView]) -> tuple[Step, ...]:
    """List what not to do, which data to get and what to look into: at most five points.

    Parameters
    ----------
    records : RunRecords
    arms : sequence of ArmView
        The primary one first.
    """
    primary = arms[0]
    auc = f"the AUC of {primary.auc}" if _is_number(primary.auc) else "its accuracy"
    word = primary.verdict.word
    why = f"since the verdict on the input {primary.name} is {word}"
    do_not = Step(_DO_NOT, VERDICTS[word].do_not.format(auc=auc), why)
    data = tuple(islice(_distinct(_data(records, primary)), _MOST_DATA))
    look = islice(_distinct(_look(records, arms)), _MOST - 1 - len(data))
    return do_not, *data, *look


def _is_number(shown: str) -> bool:
    """Whether a formatted number is one, not the dash."""
    return shown[:1].isdigit()


def _distinct(steps: Iterator[Step]) -> Iterator[Step]:
    """Say each thing once."""
    said: set[str] = set()
    for step in steps:
        if step.text and step.text not in said:
            said.add(step.text)
            yield step


def _data(records: RunRecords, primary: ArmView) -> Iterator[Step]:
    """Go over the data that would settle what is open: for the verdict, then probes, then other designs."""
    verdict = primary.verdict
    if verdict.word == "UNDETERMINED":
        yield Step(_GET, verdict.settle, f"would settle the verdict on {primary.name}")
    if verdict.word == "PATHOLOGY":
        return
    probes = _of_primary(records, primary, "P1")
    asked = [view for view in probes if view.status in ("not_applicable", "inconclusive") and view.remedy]
    if asked and asked[0].remedy not in verdict.settle:
        yield Step(_GET, _first_sentence(asked[0].remedy), "images that are only scored, called probes (P1)")
    if verdict.word != "UNDETERMINED":
        for remedy in records.audit.get("remedies") or ():
            if _kind(remedy) == "data":
                yield Step(_GET, remedy["action"], remedy["reason"].removeprefix(f"{_MORE_DATA}, "))


def _look(records: RunRecords, arms: Sequence[ArmView]) -> Iterator[Step]:
    """Go over what failed, what was tried, what can be tried, and what the checks advise where the verdict rests."""
    if any(arm.errors for arm in arms):
        yield Step(_LOOK, "Run the audit again: some computations failed. What is finished is kept.", "incomplete run")
    remedies = records.audit.get("remedies") or ()
    tried = (remedy for remedy in remedies if _kind(remedy) == "tried")
    yield from (Step(_LOOK, remedy["action"], f"compared with {arms[0].name}") for remedy in islice(tried, _MOST_TRIED))
    yield from (Step(_LOOK, remedy["action"], "not tried yet") for remedy in remedies if _kind(remedy) == "untried")
    checks = check_views(records)
    yield from _advised(checks, arms, only=set(arms[0].flagged))
    yield from _advised(checks, arms, only=None)


def _advised(checks: Sequence[CheckView], arms: Sequence[ArmView], only: set[str] | None) -> Iterator[Step]:
    """Go over the remedies of concerns about the cohort and the primary arm."""
    names = ("", arms[0].name)
    for check in checks:
        if only is None or check.code in only:
            for view in check.findings:
                if view.arm in names and view.status == "concern" and not check.unused:
                    text = view.remedy.replace(OTHER_INPUTS, "") if len(arms) > 1 else view.remedy
                    yield Step(_LOOK, text, f"{check.code} {check.title}")


def _of_primary(records: RunRecords, primary: ArmView, code: str) -> tuple[FindingView, ...]:
    return next((check.of(primary.name) for check in check_views(records) if check.code == code), ())


def _first_sentence(text: str) -> str:
    head, stop, _ = text.partition(". ")
    return f"{head}." if stop else text


def _kind(remedy: RemedyRecord) -> str:
    """Return what a remedy is: tried, untried, or other data; by its words where an older run does not say."""
    recorded = str(remedy.get("kind") or "")
    if recorded:
        return recorded
    if remedy["reason"].startswith(_TRIED):
        return "tried"
    return "data" if remedy["reason"].startswith(_MORE_DATA) else "untried"
