"""Interrupted runs: exit 130, a folder that resumes, the same result; a killed worker costs only its job."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

TIMES = re.compile(r'"(started|finished)": "[^"]*"')
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def audit(out: Path) -> str:
    return TIMES.sub("", (out / "audit.json").read_text())


def finished_jobs(out: Path) -> int:
    return len(list((out / "jobs").glob("*/done")))


def start(protocol: Path, out: Path, *options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "biasaudit", "run", str(protocol), "-o", str(out), *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=ENVIRONMENT,
        start_new_session=True,
        # What a shell puts in the background ignores SIGINT, and so would all that it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def wait_for_jobs(process: subprocess.Popen[str], out: Path, count: int) -> None:
    while finished_jobs(out) < count and process.poll() is None:
        time.sleep(0.1)
    assert process.poll() is None, "the run ended before it could be disturbed"


@pytest.mark.slow
def test_an_interrupted_and_then_killed_run_resumes_to_the_same_result(
    small_protocol, finished_run, tmp_path, biasaudit
):
    out = tmp_path / "out"
    process = start(small_protocol, out, "--engine", "local")
    wait_for_jobs(process, out, 10)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert "resumes" in errors
    assert not (out / "audit.json").exists()
    process = start(small_protocol, out, "--engine", "local")
    wait_for_jobs(process, out, finished_jobs(out) + 10)
    process.kill()
    process.communicate()
    before = {path: path.stat().st_mtime_ns for path in (out / "jobs").glob("*/done")}
    done = biasaudit("run", small_protocol, "-o", out, "--engine", "local")
    assert done.returncode == 0, done.stderr
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert not list((out / "jobs").glob(".*"))
    assert audit(out) == audit(finished_run)


@pytest.mark.slow
def test_a_killed_dask_worker_costs_only_its_job(small_protocol, finished_run, tmp_path):
    process = start(small_protocol, tmp_path / "out", "--engine", "dask", "--workers", "2")
    wait_for_jobs(process, tmp_path / "out", 8)
    children = [int(c) for t in Path(f"/proc/{process.pid}/task").glob("*/children") for c in t.read_text().split()]
    workers = [pid for pid in children if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text()]
    os.kill(workers[0], signal.SIGKILL)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert audit(tmp_path / "out") == audit(finished_run)


@pytest.mark.slow
def test_ctrl_c_in_a_terminal_reaches_the_dask_workers_and_ends_in_one_line(small_protocol, tmp_path):
    process = start(small_protocol, tmp_path / "out", "--engine", "dask", "--workers", "2")
    wait_for_jobs(process, tmp_path / "out", 8)
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert "Traceback" not in errors
    assert "resumes" in errors
    assert not (tmp_path / "out" / "failures.json").exists()
