"""Damage of stored files, folders of others, full disks: one line, a repair or a refusal, and never another result."""

from __future__ import annotations

import os
import re
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from once import built_once

from biasaudit.run_folder.lock import in_use
from biasaudit.run_folder.place import MARK

TIMES = re.compile(r'"(started|finished)": "[^"]*"')
PROTOCOL = """\
name: tiny
cohort:
  reader: table
  table: table.tsv
  label: {column: label, positive: ms, negative: hc}
  origins: [site]
  min_origin_size: 2
  score: logit
folds: {n: 2}
checks: [D1, G1, U1]
statistics: {n_permutations: 99, n_bootstraps: 99}
"""


def write_cohort(folder: Path) -> None:
    chance = np.random.default_rng(0)
    rows = ["subject\tlabel\tsite\tlogit"]
    for i in range(40):
        ill, site = i % 2, "ab"[(i // 2) % 2]
        rows.append(f"s{i:03d}\t{'ms' if ill else 'hc'}\t{site}\t{chance.normal(2.0 * ill - 1 + (site == 'b'), 1):.4f}")
    (folder / "table.tsv").write_text("\n".join(rows) + "\n")
    (folder / "protocol.yaml").write_text(PROTOCOL)


@pytest.fixture(scope="session")
def finished(biasaudit, tmp_path_factory) -> Path:
    """A cohort of held-out scores and its finished run; to be copied, not to be changed."""

    def build(folder: Path) -> None:
        write_cohort(folder)
        done = biasaudit("run", folder / "protocol.yaml", "-o", folder / "out", "--engine", "local")
        assert done.returncode == 0, done.stderr

    return built_once(tmp_path_factory, "scores", build)


@pytest.fixture
def study(finished, tmp_path) -> Path:
    folder = tmp_path / "study"
    shutil.copytree(finished, folder)
    # The run has noted where its table lies.
    shutil.rmtree(folder / "out")
    shutil.copytree(finished / "out", folder / "out")
    return folder


@pytest.fixture
def rerun(study, finished, biasaudit_here):
    """Run the same command again; the result must be the same."""

    def again(protocol: str = "protocol.yaml"):
        done = biasaudit_here("run", finished / protocol, "-o", study / "out", "--engine", "local")
        assert "Traceback" not in done.stderr
        return done

    return again


def audit(folder: Path) -> str:
    return TIMES.sub("", (folder / "out" / "audit.json").read_text())


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


DAMAGES = {"flip": flip, "truncation": halve, "deletion": Path.unlink}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("name", ["logits-original.npy", "rows.npy", "survey.json", "findings.json", "done"])
def test_a_damaged_job_is_computed_again_and_nothing_else_is(name, damage, study, finished, rerun):
    path = sorted((study / "out" / "jobs").rglob(name))[0]
    others = {p: p.stat().st_mtime_ns for p in (study / "out" / "jobs").glob("*/done") if p.parent != path.parent}
    damage(path)
    done = rerun()
    assert done.returncode == 0, done.stderr
    assert "was damaged" in done.stderr
    assert "has been computed again" in done.stderr
    assert {p: p.stat().st_mtime_ns for p in others} == others
    assert audit(study) == audit(finished)
    assert "was damaged" in (study / "out" / "report.html").read_text()
    assert "was damaged" not in rerun().stderr
    assert "was damaged" in (study / "out" / "report.html").read_text()


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_list_of_files_is_left_alone(damage, study, finished, rerun):
    damage(study / "out" / "files.json")
    done = rerun()
    assert done.returncode == 0, done.stderr
    assert audit(study) == audit(finished)


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("name", ["audit.json", "protocol.yaml", "tables/scores.tsv", "tables/subjects.tsv"])
def test_commands_refuse_damaged_results_in_one_line_until_the_run_has_written_them_again(
    name, damage, study, finished, rerun, biasaudit_here
):
    damage(study / "out" / name)
    commands = [("report", study / "out"), ("compare", study / "out", finished / "out")]
    commands += [("gate", study / "out")] if "/" not in name else []
    if name == "protocol.yaml":  # a report is made without it
        del commands[0]
    for words in (*commands, ("verify", study / "out")):
        done = biasaudit_here(*words)
        assert done.returncode == 3, (words, done.stderr)
        assert done.stderr.count("\n") == 1
        assert f"{name}: " in done.stderr
        assert "run the same `biasaudit run` command again" in done.stderr
    assert rerun().returncode == 0
    assert audit(study) == audit(finished)
    assert biasaudit_here("verify", study / "out").returncode == 0


def test_a_sound_run_is_verified_in_one_line(study, biasaudit_here):
    done = biasaudit_here("verify", study / "out")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\n") == 1
    assert "are what they were" in done.stdout


def test_every_difference_is_a_line(study, biasaudit_here):
    keys = sorted((study / "out" / "jobs").iterdir())
    flip(next(path for path in keys[0].iterdir() if path.name != "done"))
    (keys[1] / "extra.npy").write_text("")
    shutil.rmtree(keys[2])
    halve(study / "out" / MARK / "checksums.copy.json")
    done = biasaudit_here("verify", study / "out")
    assert done.returncode == 3
    lines = done.stderr.splitlines()
    assert len(lines) == 4
    for place, said in ((keys[0].name, "SHA-256"), ("extra.npy", "not written by the job"), (keys[2].name, "missing")):
        assert any(place in line and said in line for line in lines), lines


class TestOtherProtocol:
    @pytest.fixture
    def other(self, study) -> Path:
        path = study / "second.yaml"
        path.write_text(PROTOCOL.replace("name: tiny", "name: SECOND").replace("n_bootstraps: 99", "n_bootstraps: 199"))
        return path

    def test_nothing_of_the_first_stays_where_the_second_fails(self, study, other, biasaudit_here):
        (study / "out" / "notes.txt").write_text("mine")
        shutil.rmtree(study / "out" / "jobs")
        (study / "out" / "jobs").write_text("no folder")
        done = biasaudit_here("run", other, "-o", study / "out", "--engine", "local")
        assert done.returncode == 4
        left = {path.name for path in (study / "out").iterdir()}
        setup = {
            "code.json",
            "dataset_description.json",
            "files.json",
            "inputs.json",
            "places.json",
            "protocol.schema.json",
            "protocol.yaml",
            "failures.json",
        }
        assert left == {MARK, "jobs", "notes.txt", *setup}
        assert "SECOND" in (study / "out" / "protocol.yaml").read_text()

    def test_what_the_user_put_there_survives(self, study, other, biasaudit_here):
        for name in ("notes.txt", "models/mine.pt", "tables/mine.tsv"):
            (study / "out" / name).write_text("mine")
        assert biasaudit_here("run", other, "-o", study / "out", "--engine", "local").returncode == 0
        for name in ("notes.txt", "models/mine.pt", "tables/mine.tsv"):
            assert (study / "out" / name).read_text() == "mine"

    def test_a_file_of_the_user_in_the_way_is_named(self, study, other, biasaudit_here):
        shutil.rmtree(study / "out" / "figures")
        (study / "out" / "figures").write_text("mine")
        done = biasaudit_here("run", other, "-o", study / "out", "--engine", "local")
        assert done.returncode == 2
        assert "not written by biasaudit" in done.stderr
        assert (study / "out" / "figures").read_text() == "mine"


@pytest.mark.parametrize("command", ["run", "demo", "calibrate", "predict", "compare", "init", "explain"])
def test_no_command_writes_over_what_is_not_its_own(command, study, biasaudit_here):
    folder, file = study / "mine", study / "mine" / "audit.json"
    folder.mkdir()
    file.write_text("mine")
    words = {
        "run": ("run", study / "protocol.yaml", "-o", folder),
        "demo": ("demo", "-o", folder),
        "calibrate": ("calibrate", "--quick", "-o", folder),
        "predict": ("predict", study / "out", study / "table.tsv", "-o", file),
        "compare": ("compare", study / "out", study / "out", "-o", file),
        "init": ("init", study / "table.tsv", "-o", file),
        "explain": ("explain", study / "table.tsv", "--network", "a.py:f", "--weights", file, "-o", folder),
    }[command]
    done = biasaudit_here(*words)
    assert done.returncode in (2, 3), done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in folder.iterdir()] == ["audit.json"]
    assert file.read_text() == "mine"


def test_a_folder_in_use_is_left_alone(study, biasaudit):
    before = {path: path.stat().st_mtime_ns for path in (study / "out").rglob("*")}
    with in_use(study / "out", "run"):
        for words in (("run", study / "protocol.yaml", "-o", study / "out"), ("report", study / "out")):
            done = biasaudit(*words)
            assert done.returncode == 2
            assert re.fullmatch(rf".*is in use since .* by process {os.getpid()} on .*\n", done.stderr)
    assert {p: p.stat().st_mtime_ns for p in (study / "out").rglob("*") if p.name != MARK} == {
        path: time for path, time in before.items() if path.name != MARK
    }


@pytest.mark.parametrize(
    "limit",
    [pytest.param(300, id="nothing fits"), pytest.param(20_000, id="the report does not fit", marks=pytest.mark.slow)],
)
def test_a_full_disk_is_one_line_and_the_run_resumes(limit, study, finished, biasaudit_here):
    out = study / "new"
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "biasaudit",
            "run",
            str(finished / "protocol.yaml"),
            "-o",
            str(out),
            "--engine",
            "local",
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit)),
    )
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr
    last = done.stderr.splitlines()[-1]
    assert re.fullmatch(r"no room in .*larger than files may be.* are free; make room and .*", last)
    assert biasaudit_here("run", finished / "protocol.yaml", "-o", out, "--engine", "local").returncode == 0
    assert TIMES.sub("", (out / "audit.json").read_text()) == audit(finished)
