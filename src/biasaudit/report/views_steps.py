"""What to do after an audit, in three groups and at most five points; what this run has tried is not advised again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from biasaudit.report.views import ArmView
from biasaudit.report.views_checks import CheckView, check_views
from biasaudit.report.views_finding import FindingView
from biasaudit.report.words import VERDICTS, finite, interval, leveled, percent
from biasaudit.run_folder.contract import RemedyRecord
from biasaudit.run_folder.reading import RunRecords
from biasaudit.vocabulary import OTHER_INPUTS

__all__ = ["Step", "StepGroup", "next_steps", "step_groups"]

_MOST = 5
_MOST_DATA = 2
_DO_NOT, _GET, _LOOK = "Do not", "Get these data", "Look into"
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
    groups = (StepGroup(title, tuple(step for step in steps if step.group == title)) for title in _groups())
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


def _groups() -> tuple[str, str, str]:
    return _DO_NOT, _GET, _LOOK


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
                yield Step(_GET, remedy["action"], remedy["reason"])


def _look(records: RunRecords, arms: Sequence[ArmView]) -> Iterator[Step]:
    """Go over what failed, what was tried, what can be tried, and what the checks advise where the verdict rests."""
    if any(arm.errors for arm in arms):
        yield Step(_LOOK, "Run the audit again: some computations failed. What is finished is kept.", "incomplete run")
    yield from _tried(records, arms)
    for remedy in records.audit.get("remedies") or ():
        if _kind(remedy) == "untried":
            yield Step(_LOOK, remedy["action"], "not tried yet")
    checks = check_views(records)
    yield from _advised(checks, arms, only=set(arms[0].flagged))
    yield from _advised(checks, arms, only=None)


def _tried(records: RunRecords, arms: Sequence[ArmView]) -> Iterator[Step]:
    """Say what the other inputs changed, the largest fall of reliance first."""
    differences = records.comparisons
    found = []
    for arm in arms[1:]:
        own = differences[(differences["first"] == arms[0].name) & (differences["second"] == arm.name)]
        rows = {str(row["quantity"]): row for row in own.to_dict("records")}
        if "reliance" in rows and finite(rows["reliance"]["difference"]) is not None:
            text = f"The input {arm.name} was tried: {_change(rows['reliance'])}{_auc_change(rows.get('auc'))}"
            still = "still " if arm.verdict.word == arms[0].verdict.word else ""
            step = Step(_LOOK, f"{text}; its verdict is {still}{arm.verdict.word}.", f"compared with {arms[0].name}")
            found.append((float(rows["reliance"]["difference"]), step))
    yield from (step for _, step in sorted(found, key=lambda pair: -pair[0]))


def _change(row: Mapping[Any, Any]) -> str:
    """Say how far the reliance falls: the difference is the first input's less the other's."""
    low, high = finite(row["low"]), finite(row["high"])
    level = leveled(_points(low, high), row.get("level"))
    if low is not None and low > 0:
        return f"reliance falls by {_whole(row['difference'])} points ({level})"
    if high is not None and high < 0:
        return f"reliance rises by {_whole(row['difference'])} points ({level})"
    return f"reliance is not shown to fall ({level})" if level else "reliance is not shown to fall"


def _auc_change(row: Mapping[Any, Any] | None) -> str:
    low, high = (None, None) if row is None else (finite(row["low"]), finite(row["high"]))
    if row is None or low is None or high is None:
        return ""
    if low > 0 or high < 0:
        return f", the AUC {'falls' if low > 0 else 'rises'} by {abs(finite(row['difference']) or 0.0):.2f}"
    return ", the AUC is not shown to change"


def _points(low: float | None, high: float | None) -> str:
    """Format an interval of points without its sign where both ends have the same."""
    if low is not None and high is not None and low < 0 and high < 0:
        low, high = -high, -low
    return interval(low, high, is_share=True).replace("\u202f%", "")


def _whole(share: object) -> str:
    return percent(abs(finite(share) or 0.0)).replace("\u202f%", "")


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
