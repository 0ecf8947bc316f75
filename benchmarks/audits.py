"""Run the command line and read what it wrote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

COMMAND = [sys.executable, "-m", "biasaudit"]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Timed:
    """A finished command: its audit, wall seconds, and the largest memory of all its processes together."""

    audit: dict[str, Any]
    seconds: float
    mebibytes: float


def run(protocol: Path, out: Path, *options: str) -> Timed:
    started = time.perf_counter()
    process = subprocess.Popen(
        [*COMMAND, "run", str(protocol), "-o", str(out), *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
    )
    peak = [0.0]
    watcher = threading.Thread(target=_watch, args=(process, peak))
    watcher.start()
    _, errors = process.communicate()
    watcher.join()
    if process.returncode != 0:
        raise SystemExit(f"{protocol} failed with {process.returncode}:\n{errors}")
    return Timed(json.loads((out / "audit.json").read_text()), time.perf_counter() - started, peak[0])


def _watch(process: subprocess.Popen[str], peak: list[float]) -> None:
    while process.poll() is None:
        peak[0] = max(peak[0], _memory(process.pid))
        time.sleep(0.5)


def _memory(pid: int) -> float:
    """Proportional set size of a process and its descendants, MiB."""
    total = 0.0
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024
        children = [task.read_text().split() for task in Path(f"/proc/{pid}/task").glob("*/children")]
    except (OSError, ProcessLookupError):
        return total
    return total + sum(_memory(int(child)) for own in children for child in own)


def number(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def interval(record: dict[str, Any]) -> str:
    if record["estimate"] is None:
        return "-"
    return f"{number(record['estimate'])} [{number(record['low'])}, {number(record['high'])}]"
