"""Real pictures of two classes from two sources: the four cells, and both diagonals with their answer keys."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from audits import COMMAND, ENVIRONMENT, interval, number, run

from biasaudit.stats.effects import auc

__all__ = ["HEAD", "Pictures", "Trap", "audited", "finding_rows", "row", "trap"]

HEAD = (
    "| cohort | verdict | AUC, cross-validated | AUC on the withheld cells | AUC, background alone | reliance |",
    "|---|---|---|---|---|---|",
)


@dataclass(frozen=True)
class Pictures:
    """A table of pictures of two classes from two sources.

    Attributes
    ----------
    table : Path
        Columns subject, image, label and `origin`, perhaps mask.
    origin : str
        Column of the source.
    negative, positive : str
        Classes.
    more : str
        Further lines of the section `cohort`.
    unmarked : tuple of str
        Parts of the names of masks that an audit would refuse, which are left out.
    """

    table: Path
    origin: str
    negative: str
    positive: str
    more: str = ""
    unmarked: tuple[str, ...] = ()

    def protocol(self, table: Path | str) -> str:
        """Protocol of an audit of (a part of) the table."""
        keys = f"  label: {{column: label, positive: {self.positive}}}\n  origins: [{self.origin}]\n{self.more}"
        return f"cohort:\n  reader: table\n  table: {table}\n{keys}"

    def read(self) -> pd.DataFrame:
        """The table with absolute paths."""
        frame = pd.read_csv(self.table, sep="\t", dtype=str, keep_default_na=False)
        frame["image"] = [str(self.table.parent / path) for path in frame["image"]]
        if "mask" in frame:
            frame["mask"] = ["" if self._refused(path) else str(self.table.parent / path) for path in frame["mask"]]
        return frame

    def _refused(self, mask: str) -> bool:
        return not mask or any(name in mask for name in self.unmarked)


@dataclass(frozen=True)
class Trap:
    """The source of the negative class, and that of the positive one."""

    negative: str
    positive: str


def audited(pictures: Pictures, folder: Path, table: pd.DataFrame | None = None) -> dict[str, Any]:
    """Audit of all cells, or of the rows of a table."""
    folder.mkdir()
    (pictures.read() if table is None else table).to_csv(folder / "audited.tsv", sep="\t", index=False)
    (folder / "protocol.yaml").write_text(pictures.protocol("audited.tsv"))
    return run(folder / "protocol.yaml", folder / "out").audit


def trap(pictures: Pictures, folder: Path, diagonal: Trap) -> tuple[dict[str, Any], float]:
    """Audit two cells, then let the audit's own networks score the other two."""
    table = pictures.read()
    own = ((table["label"] == pictures.negative) & (table[pictures.origin] == diagonal.negative)) | (
        (table["label"] == pictures.positive) & (table[pictures.origin] == diagonal.positive)
    )
    audit = audited(pictures, folder, table[own])
    table[~own].to_csv(folder / "withheld.tsv", sep="\t", index=False)
    words = [*COMMAND, "predict", str(folder / "out"), str(folder / "withheld.tsv"), "-o", str(folder / "scores.tsv")]
    subprocess.run(words, check=True, env=ENVIRONMENT)
    scores = pd.read_csv(folder / "scores.tsv", sep="\t", dtype={"subject": str}).merge(table, on="subject")
    return audit, auc(scores["logit"].to_numpy(), (scores["label"] == pictures.positive).to_numpy())


def row(name: str, audit: dict[str, Any], withheld: float | None) -> str:
    """Line of a table under `HEAD`."""
    arm = audit["arms"][0]
    background = next((f for f in arm["findings"] if f["code"] == "A2" and f["input"] == "background"), None)
    return (
        f"| {name} | {arm['verdict']} | {number(arm['target']['auc'], 3)} | {number(withheld, 3)} "
        f"| {number(background and background['statistic'], 3)} | {interval(arm['reliance'])} |"
    )


def finding_rows(audit: dict[str, Any]) -> list[str]:
    """Table of the findings of the first arm."""
    head = ["| check | class | layer or input | status | statistic | p |", "|---|---|---|---|---|---|"]
    return head + [
        f"| {f['code']} | {f['class'] or ''} | {f['layer'] or f['input'] or ''} | {f['status']} "
        f"| {number(f['statistic'])} | {number(f['p_value'], 4)} |"
        for f in audit["arms"][0]["findings"]
    ]
