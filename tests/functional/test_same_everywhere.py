"""One audit.json, apart from its times: whatever runs the jobs, however often it is interrupted, wherever it lies."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from engine.jobs import slurm

TIMES = re.compile(r'"(started|finished)": "[^"]*"')
DASK = ("--engine", "dask", "--workers")
QUEUE = """\
system: slurm
queue: short
memory: 1GB
jobs: {min: 2, max: 2}
interface: lo
"""

Run = Callable[..., subprocess.Popen[str]]


def audit(out: Path) -> str:
    return TIMES.sub("", (out / "audit.json").read_text("utf-8"))


@pytest.fixture
def start(small_protocol: Path, tmp_path: Path) -> Run:
    """Start a run in a process group of its own."""

    def started(out: Path, *options: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "biasaudit", "run", str(small_protocol), "-o", str(out), *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
            start_new_session=True,
        )

    return started


@pytest.fixture
def finish(start: Run) -> Callable[..., str]:
    """Run to the end and return the audit."""

    def finished(out: Path, *options: str, **environment: str) -> str:
        process = start(out, *options, **environment)
        _, errors = process.communicate(timeout=500)
        assert process.returncode == 0, errors
        return audit(out)

    return finished


@pytest.fixture
def queue(tmp_path: Path) -> Iterator[dict[str, str]]:
    if slurm.why_not():
        pytest.skip(slurm.why_not())
    pytest.importorskip("dask_jobqueue")
    folder = tmp_path / "slurm"
    folder.mkdir()
    with slurm.one_node(folder) as environment:
        yield {"SLURM_CONF": environment["SLURM_CONF"]}


@pytest.mark.slow
def test_workers_another_hash_seed_locale_and_folder_change_nothing(finished_run, finish, tmp_path):
    out = tmp_path / "another folder" / "ö"
    assert finish(out, *DASK, "2", PYTHONHASHSEED="7", LC_ALL="C.UTF-8", TZ="Asia/Tokyo") == audit(finished_run)


@pytest.mark.slow
@pytest.mark.parametrize("workers", ["1", "4"])
def test_the_number_of_workers_changes_nothing(finished_run, finish, tmp_path, workers):
    assert finish(tmp_path / "out", *DASK, workers) == audit(finished_run)


@pytest.mark.slow
def test_a_run_that_changes_its_engine_at_every_kill_changes_nothing(finished_run, start, finish, tmp_path):
    out = tmp_path / "out"
    for number, options in enumerate([(*DASK, "2"), ("--engine", "local"), (*DASK, "1")], start=1):
        process = start(out, *options)
        while process.poll() is None and len(list((out / "jobs").glob("*/done"))) < 20 * number:
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
    assert finish(out, "--engine", "local", PYTHONHASHSEED="3") == audit(finished_run)


@pytest.mark.slow
def test_a_real_slurm_changes_nothing(finished_run, finish, queue, tmp_path):
    (tmp_path / "slurm.yaml").write_text(QUEUE)
    assert finish(tmp_path / "out", "--cluster", str(tmp_path / "slurm.yaml"), **queue) == audit(finished_run)
    assert not (tmp_path / "out" / ".scratch").exists()
