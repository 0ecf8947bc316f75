"""Skin lesions from two clinics, in colour against grey: four cells, and both diagonals with their answer keys."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from audits import number
from diagonals import HEAD, Pictures, Trap, audited, finding_rows, row, trap

TABLE = Path(__file__).resolve().parents[2] / "shared" / "data" / "ham" / "table.tsv"
# Masks that cover the picture almost wholly are refused; these lesions reach beyond it.
UNMARKED = ("0031087", "0026702", "0034275")
PICTURES = Pictures(TABLE, "source", "benign", "malignant", unmarked=UNMARKED)
READ = {"in colour": "  colour: auto\n", "in grey": "  colour: grey\n"}
TRAPS = {
    "rosendahl benign against vidir malignant": Trap("rosendahl", "vidir_modern"),
    "vidir benign against rosendahl malignant": Trap("vidir_modern", "rosendahl"),
}


def study(scratch: Path) -> str:
    lines = [
        "## Skin lesions from two clinics, in colour and in grey\n",
        "Command: `python benchmarks/run.py ham` (skipped where the pictures are not at hand).\n",
    ]
    if not TABLE.exists():
        return "\n".join([*lines, "The pictures were not at hand.\n"])
    lines += HEAD
    crossed = {}
    for read, more in READ.items():
        pictures = replace(PICTURES, more=more)
        crossed[read] = audited(pictures, scratch / f"crossed {read}")
        lines.append(row(f"all four cells, {read}", crossed[read], None))
        for name, diagonal in TRAPS.items():
            lines.append(row(f"{name}, {read}", *trap(pictures, scratch / f"{diagonal.negative} {read}", diagonal)))
    for read, audit in crossed.items():
        lines += ["", f"Design with all four cells, {read}:\n", *_design(audit)]
        lines += ["", f"Findings with all four cells, {read}:\n", *finding_rows(audit)]
    return "\n".join(lines) + "\n"


def _design(audit: dict[str, Any]) -> list[str]:
    """What metadata, image quality and colour alone predict."""
    head = ["| check | of | columns | status | AUC | p |", "|---|---|---|---|---|---|"]
    return head + [
        f"| {f['code']} | {(f['class'] and 'origin inside ' + f['class']) or 'label'} | {f['input'] or 'all'} "
        f"| {f['status']} | {number(f['statistic'])} | {number(f['p_value'], 4)} |"
        for f in audit["design"]["findings"]
        if f["code"] in ("D2", "A3")
    ]
