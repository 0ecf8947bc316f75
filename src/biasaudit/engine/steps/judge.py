"""Step `judge`: gather the evidence that one check needs and ask it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from biasaudit.engine.evidence.assembly import Needs, assemble
from biasaudit.engine.jobs.json_files import write_json
from biasaudit.protocol import Protocol
from biasaudit.records import Finding
from biasaudit.registry import get, register

__all__ = ["judge"]


@register("step", "judge")
def judge(arguments: Mapping[str, Any], needs: Needs, folder: Path) -> None:
    """Ask one check about one arm and one origin factor.

    Parameters
    ----------
    arguments : mapping
        ``arm``, ``factor``, ``code``, ``protocol``, ``table``, ``classes``, ``map_rows``, ``origins``,
        ``masks_given``, ``skipped``, ``spacing``; with more than two classes ``contrast``.
    folder : Path
        Gets ``findings.json``.
    """
    protocol = Protocol.model_validate(arguments["protocol"])
    check = get("check", arguments["code"])()
    if "withheld" in arguments:
        contrast = arguments.get("contrast", {}).get("name")
        finding = Finding(
            check.code, "not_applicable", arguments["withheld"], factor=arguments["factor"], contrast=contrast
        )
        write_json(folder / "findings.json", [finding.to_dict()])
        return
    evidence = assemble(arguments, needs, with_maps="maps" in check.needs)
    found = [replace(finding, contrast=evidence.contrast) for finding in check.judge(evidence, protocol)]
    write_json(folder / "findings.json", [finding.to_dict() for finding in found])
