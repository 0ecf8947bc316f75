"""What a command answers to programs: one JSON object on standard output, whatever else it says on standard error."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from biasaudit import terminal
from biasaudit.errors import BiasauditError, Fault, InputError

if TYPE_CHECKING:
    from biasaudit.drafting.initialise import FirstLook
    from biasaudit.engine.situation.situation import Situation
    from biasaudit.run_folder.contract import ArmRecord, AuditRecord

__all__ = ["JsonOption", "QuietOption", "answered", "cohort_answer", "faults_answer", "look_answer", "run_answer"]


def _hush(context: typer.Context, quiet: bool) -> bool:
    if quiet:
        context.with_resource(terminal.hushed())
    return quiet


QuietOption = Annotated[bool, typer.Option("--quiet", "-q", callback=_hush, help="Print faults and nothing else.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object; notes go to standard error.")]


@contextmanager
def answered(*, as_json: bool) -> Iterator[dict[str, Any]]:
    """Take the answer of a command, and print it as JSON where that is asked for; faults are an answer too.

    Parameters
    ----------
    as_json : bool
        Otherwise the command prints as it does, and its answer is dropped.

    Yields
    ------
    dict
        To be filled.
    """
    answer: dict[str, Any] = {}
    if not as_json:
        yield answer
        return
    try:
        with terminal.aside():
            yield answer
    except BiasauditError as error:
        answer |= {"faults": faults_answer(_faults(error)), "exit_code": error.exit_code}
        raise
    except typer.Exit as stop:
        answer |= {"faults": [], "exit_code": stop.exit_code}
        raise
    else:
        answer |= {"faults": [], "exit_code": 0}
    finally:
        if "exit_code" in answer:  # else it ends in a traceback, and has no answer
            terminal.print_json(answer)


def faults_answer(faults: tuple[Fault, ...]) -> list[dict[str, str]]:
    """Take faults apart."""
    return [{"where": fault.where, "message": fault.message, "remedy": fault.remedy} for fault in faults]


def _faults(error: BiasauditError) -> tuple[Fault, ...]:
    return error.faults if isinstance(error, InputError) else (Fault("", str(error)),)


def run_answer(audit: AuditRecord) -> dict[str, Any]:
    """Tell the verdict of every arm, without its findings."""
    return {"name": audit.get("name", ""), "arms": [_arm_answer(arm) for arm in audit["arms"]]}


def _arm_answer(arm: ArmRecord) -> dict[str, Any]:
    target = arm.get("target") or {}
    return {
        "name": arm["name"],
        "primary": arm.get("primary", False),
        "verdict": arm["verdict"],
        "contrast": arm.get("contrast"),
        "provisional": arm.get("provisional", False),
        "flagged": arm.get("flagged", []),
        "reason": arm.get("reason"),
        "reliance": arm.get("reliance") or None,
        "auc": {"estimate": target.get("auc"), "low": target.get("auc_low"), "high": target.get("auc_high")},
    }


def cohort_answer(situation: Situation) -> dict[str, Any]:
    """Count the images that are judged, by class and origin, with what was noted of them."""
    cohort = situation.judged
    classes = list(cohort.classes)
    counts: dict[str, dict[str, dict[str, int]]] = {factor: {} for factor in cohort.factors}
    for sample in cohort.samples:
        for factor in cohort.factors:
            row = counts[factor].setdefault(sample.origins[factor], dict.fromkeys(classes, 0))
            row[sample.label] += 1
    return {"images": len(cohort.samples), "classes": classes, "origins": counts, "notes": list(cohort.notes)}


def look_answer(look: FirstLook) -> dict[str, Any]:
    """Tell what `init` found in the data."""
    tables = [{"title": own.title, "columns": list(own.columns), "rows": list(own.rows)} for own in look.sections]
    return {
        "tables": tables,
        "notes": list(look.notes),
        "can_answer": list(look.can_answer),
        "cannot_answer": list(look.cannot_answer),
    }
