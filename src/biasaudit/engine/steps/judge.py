"""Step `judge`: gather the evidence that one check needs and ask it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from biasaudit.engine.arguments.judgements import JudgeArguments
from biasaudit.engine.evidence.assembly import assemble
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
    protocol = Protocol.model_validate(arguments.protocol)
    check = get("check", arguments.code)()
    if arguments.withheld:
        contrast = None if arguments.contrast is None else arguments.contrast["name"]
        finding = Finding(check.code, "not_applicable", arguments.withheld, factor=arguments.factor, contrast=contrast)
        write_json(folder / "findings.json", [finding.to_dict()])
        return
    evidence = assemble(arguments, needs, with_maps="maps" in check.needs)
    found = [replace(finding, contrast=evidence.contrast) for finding in check.judge(evidence, protocol)]
    write_json(folder / "findings.json", [finding.to_dict() for finding in found])
