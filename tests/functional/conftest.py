"""A small finished audit, run once through the command line as a user would."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from once import built_once
from published_schema import check_audit

from biasaudit.cli import main
from biasaudit.engine.user_code import wall

PROTOCOL = """\
name: small
cohort:
  reader: phantom
  phantom: {n: 36, design: nested, healthy_sites: 2, patient_sites: 2, spacing: 8.0, lesion_load: 3, truth_subjects: 2}
arms: [intensity, tissue]
target:
  training: {epochs: 2}
folds: {n: 3}
statistics: {n_permutations: 99, n_bootstraps: 99}
attribution: {max_subjects: 12, steps: 4, max_steps: 4}
"""

Command = Callable[..., subprocess.CompletedProcess[str]]


def command(*arguments: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `biasaudit` in a process of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "biasaudit", *map(str, arguments)],
        capture_output=True,
        text=True,
        cwd=cwd,
        env=environment,
        timeout=600,
        check=False,
    )
    check_what_was_written(list(map(str, arguments)), done.returncode, cwd)
    return done


def check_what_was_written(words: list[str], code: int, cwd: Path | None = None) -> None:
    """Hold every audit that these tests run against the published schema."""
    if words[:1] in (["run"], ["demo"], ["probe"]) and code == 0:
        for folder in {Path(cwd or ".", word) for word in words[1:]}:
            if (folder / "audit.json").is_file():
                check_audit(folder)


@pytest.fixture(scope="session")
def biasaudit() -> Command:
    return command


@pytest.fixture
def biasaudit_here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the entry point in this process: the same code path without seconds of imports, and without the wall."""
    monkeypatch.setattr(wall, "in_child", lambda function, *args, **kwargs: function(*args, **kwargs))

    def run_here(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
        words = list(map(str, arguments))
        monkeypatch.setattr(sys, "argv", ["biasaudit", *words])
        with pytest.raises(SystemExit) as stop:
            main()
        written, code = capsys.readouterr(), int(stop.value.code or 0)
        check_what_was_written(words, code)
        return subprocess.CompletedProcess(words, code, written.out, written.err)

    return run_here


@pytest.fixture(scope="session")
def small_protocol(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = built_once(tmp_path_factory, "protocol", lambda own: (own / "protocol.yaml").write_text(PROTOCOL))
    return folder / "protocol.yaml"


@pytest.fixture(scope="session")
def finished_run(small_protocol: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that tests read and never write to; copy it to change it."""

    def build(folder: Path) -> None:
        done = command("run", small_protocol, "-o", folder / "out", "--engine", "local")
        assert done.returncode == 0, done.stderr

    return built_once(tmp_path_factory, "finished", build) / "out"
