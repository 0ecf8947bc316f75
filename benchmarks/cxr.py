"""Real pictures from two hospitals: all four cells, and the trap of one origin per class with its answer key."""

from __future__ import annotations

from pathlib import Path

from diagonals import HEAD, Pictures, Trap, audited, finding_rows, row, trap

TABLE = Path(__file__).resolve().parents[2] / "shared" / "data" / "cxr" / "table.tsv"
PICTURES = Pictures(TABLE, "origin", "normal", "pneumonia")
TRAPS = {
    "nih normal against kermany pneumonia": Trap("nih", "kermany"),
    "kermany normal against nih pneumonia": Trap("kermany", "nih"),
}


def study(scratch: Path) -> str:
    lines = [
        "## Chest X-rays from two sources\n",
        "Command: `python benchmarks/run.py cxr` (skipped where the pictures are not at hand).\n",
    ]
    if not TABLE.exists():
        return "\n".join([*lines, "The pictures were not at hand.\n"])
    crossed = audited(PICTURES, scratch / "crossed")
    lines += [*HEAD, row("all four cells", crossed, None)]
    lines += [row(name, *trap(PICTURES, scratch / diagonal.negative, diagonal)) for name, diagonal in TRAPS.items()]
    lines += ["", "Findings with all four cells:\n", *finding_rows(crossed)]
    return "\n".join(lines) + "\n"
