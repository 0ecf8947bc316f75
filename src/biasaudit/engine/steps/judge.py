"""Step `judge`: gather the evidence that one check needs and ask it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from biasaudit.engine.evidence.assembly import assemble
from biasaudit.engine.evidence.request import JudgeArguments
from biasaudit.engine.jobs.job import Folders
from biasaudit.engine.jobs.json_files import write_json
from biasaudit.protocol import Protocol
from biasaudit.records import Finding
from biasaudit.registry import get, register

__all__ = ["judge"]


@register("step", "judge")
def judge(arguments: JudgeArguments, needs: Folders, folder: Path) -> None:
    """Ask one check about one arm and one origin factor.

    Parameters
    ----------
    arguments : JudgeArguments
    needs : Folders
        What the check looks at, by what it is.
    folder : Path
        Gets ``findings.json``.
    """
    request, check = arguments.request, get("check", arguments.code)()
    if arguments.withheld:
        reason = arguments.withheld
        found = [Finding(arguments.code, "not_applicable", reason, factor=request.factor)]
    else:
        found = check.judge(assemble(request, needs), Protocol.model_validate(arguments.protocol))
    alpha = arguments.protocol["statistics"]["alpha"]
    judged = (replace(f, alpha=None if f.p_value is None else alpha) for f in found)
    records = [replace(finding, contrast=request.contrast.name).to_dict() for finding in judged]
    write_json(folder / "findings.json", records)
