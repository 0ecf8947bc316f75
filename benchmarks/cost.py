"""What the demonstration costs: processor seconds by step, bytes by kind of file, and what it finds for that."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from audits import interval, number

from biasaudit.engine.audit import Options, run_audit
from biasaudit.engine.jobs.job import Job
from biasaudit.protocol import load_protocol
from biasaudit.report.render import write_report
from biasaudit.resources import protocols_folder

REPORT, RESULTS = "report", "plan and results"


def study(scratch: Path) -> str:
    """Run the demonstration in this process."""
    clock, out = _Clock(), scratch / "demo"
    started = time.perf_counter()
    audit = run_audit(load_protocol(protocols_folder() / "demo.yaml"), out, Options(), clock.progress)
    clock.stop(RESULTS)
    write_report(out)
    clock.stop(REPORT)
    wall, seconds = time.perf_counter() - started, clock.seconds
    sizes = sizes_by_kind(out)
    return "\n".join([
        "## Cost of the demonstration\n",
        "Command: `python benchmarks/run.py cost`, in one process.\n",
        f"{sum(seconds.values()):.0f} s of processor, {wall:.0f} s on the clock, {sum(sizes.values()) / 1e6:.0f} MB.\n",
        *_found(audit),
        _table(("step", "CPU s"), seconds, 1.0),
        _table(("files", "MB"), sizes, 1e6),
    ])  # fmt: skip


class _Clock:
    """Adds up processor seconds by what was done in them."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self._last = time.process_time()

    def stop(self, what: str) -> None:
        now = time.process_time()
        self.seconds[what] += now - self._last  # type: ignore[assignment]
        self._last = now

    def progress(self, done: int, total: int, job: Job | None) -> None:
        self.stop(RESULTS if job is None else job.step)


def sizes_by_kind(out: Path) -> Counter[str]:
    """Bytes of the files of a run, by folder and name without numbers and names of layers."""
    sizes: Counter[str] = Counter()
    for path in out.rglob("*"):
        if path.is_file():
            place = path.relative_to(out)
            kind = re.sub(r"-.*(?=\.)", "", path.name) if place.parts[0] == "jobs" else path.suffix
            sizes[f"{place.parts[0] if len(place.parts) > 1 else '.'}/*{kind}"] += path.stat().st_size
    return sizes


def _found(audit: Mapping[str, Any]) -> list[str]:
    lines = ["| arm | verdict | AUC | reliance [90 %] | Omega\\* | R\\* |", "|---|---|---|---|---|---|"]
    for arm in audit["arms"]:
        truth = arm["truth"]["site"]
        lines.append(
            f"| {arm['name']} | {arm['verdict']} | {number(arm['target']['auc'])} | {interval(arm['reliance'])} "
            f"| {number(truth['omega'])} | {number(truth['r'])} |"
        )
    return [*lines, ""]


def _table(head: tuple[str, str], values: Counter[str], unit: float) -> str:
    rows = [f"| {name} | {value / unit:.1f} |" for name, value in values.most_common(15)]
    return "\n".join([f"| {head[0]} | {head[1]} |", "|---|---|", *rows, ""])
