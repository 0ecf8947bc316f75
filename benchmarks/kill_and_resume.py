"""Kill a run at random moments, resume it, and compare its audit with that of an undisturbed run."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import time
from pathlib import Path

from audits import COMMAND, ENVIRONMENT, run

PROTOCOL = """\
name: killed
cohort:
  reader: phantom
  phantom: {n: 36, design: nested, healthy_sites: 2, patient_sites: 2, spacing: 8.0, lesion_load: 3, truth_subjects: 2}
arms: [intensity, tissue]
target: {training: {epochs: 2}}
folds: {n: 3}
statistics: {n_permutations: 99, n_bootstraps: 99}
attribution: {max_subjects: 12, steps: 4, max_steps: 4}
"""
KILLS = 10
TIMES = re.compile(r'"(started|finished)": "[^"]*"')


def study(scratch: Path) -> str:
    protocol = scratch / "protocol.yaml"
    protocol.write_text(PROTOCOL)
    run(protocol, scratch / "whole", "--engine", "local")
    chance = random.Random(1)
    jobs = len(list((scratch / "whole" / "jobs").glob("*/done")))
    moments = sorted(chance.uniform(0, jobs - 1) for _ in range(KILLS))
    counts = [_killed(protocol, scratch / "killed", moment) for moment in moments]
    run(protocol, scratch / "killed", "--engine", "dask", "--workers", "2")
    same = _audit(scratch / "killed") == _audit(scratch / "whole")
    lost = _worker_killed(protocol, scratch / "worker")
    return (
        "## Killed and resumed\n\n"
        "Command: `python benchmarks/run.py kill_and_resume`.\n\n"
        f"Killed (SIGKILL) {KILLS} times at random moments, alternating the engines, then finished: audit.json "
        f"{'equals' if same else 'DIFFERS FROM'} that of an undisturbed run byte for byte apart from times. "
        f"Finished jobs after each kill: {', '.join(map(str, counts))}.\n\n"
        f"A Dask worker killed with `kill -9` in the middle of its job: the run ended with exit code {lost[0]} and an "
        f"audit.json that {'equals' if lost[1] == _audit(scratch / 'whole') else 'DIFFERS FROM'} the undisturbed one.\n"
    )


def _killed(protocol: Path, out: Path, moment: float) -> int:
    """Start, wait for so many finished jobs and a part of the next, kill all; return the number of finished jobs."""
    engine = ["--engine", "local"] if int(moment) % 2 else ["--engine", "dask", "--workers", "2"]
    process = subprocess.Popen(
        [*COMMAND, "run", str(protocol), "-o", str(out), *engine],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
        start_new_session=True,
    )
    while len(list((out / "jobs").glob("*/done"))) < int(moment) and process.poll() is None:
        time.sleep(0.02)
    time.sleep(0.3 * (moment % 1))
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return len(list((out / "jobs").glob("*/done")))


def _worker_killed(protocol: Path, out: Path) -> tuple[int, str]:
    process = subprocess.Popen(
        [*COMMAND, "run", str(protocol), "-o", str(out), "--engine", "dask", "--workers", "2"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=ENVIRONMENT,
    )
    while len(list((out / "jobs").glob("*/done"))) < 8 and process.poll() is None:
        time.sleep(0.2)
    workers = [pid for pid in _children(process.pid) if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text()]
    os.kill(workers[0], signal.SIGKILL)
    return process.wait(), _audit(out)


def _children(pid: int) -> list[int]:
    return [int(c) for task in Path(f"/proc/{pid}/task").glob("*/children") for c in task.read_text().split()]


def _audit(out: Path) -> str:
    return TIMES.sub("", (out / "audit.json").read_text())
