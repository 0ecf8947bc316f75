"""What a run folder tells of where its input lies and of who took part; the network is the user's own."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pandas as pd
import pytest
from functional.own_cohort import write_cohort

PROTOCOL = """\
cohort:
  reader: table
  table: table.tsv
  label: {column: label, positive: ill, negative: well}
  origins: [site]
target: {network: "own.py:Plain", training: {epochs: 1}}
folds: {n: 2}
checks: [D1, D2, D3, G1, A1, U1, U6, P1]
attribution: {steps: 2, max_steps: 2, max_subjects: 4}
learned: {steps: 2}
statistics: {n_permutations: 99, n_bootstraps: 99}
"""
COUNT = 40


def write_study(folder: Path) -> Path:
    """Write a cohort whose subjects and files are called after persons."""
    folder.mkdir(parents=True)
    write_cohort(folder, COUNT)
    for index in range(COUNT):
        (folder / f"{index}.npy").rename(folder / f"annabel{index}.npy")
    lines = (folder / "table.tsv").read_text().splitlines()
    rows = [
        f"annabel{line[1:].replace(f'{chr(9)}{index}.npy', f'{chr(9)}annabel{index}.npy')}"
        for index, line in enumerate(lines[1:])
    ]
    (folder / "table.tsv").write_text("\n".join([lines[0], *rows]) + "\n")
    (folder / "protocol.yaml").write_text(PROTOCOL)
    return folder


@pytest.fixture(scope="module")
def private(tmp_path_factory):
    """Keep the key of the pseudonyms in a folder of this test's own."""
    before = os.environ.get("BIASAUDIT_PRIVATE")
    os.environ["BIASAUDIT_PRIVATE"] = str(tmp_path_factory.mktemp("private"))
    yield Path(os.environ["BIASAUDIT_PRIVATE"])
    del os.environ["BIASAUDIT_PRIVATE"]
    if before is not None:
        os.environ["BIASAUDIT_PRIVATE"] = before


@pytest.fixture(scope="module")
def study(tmp_path_factory, private):
    return write_study(tmp_path_factory.mktemp("ottokar") / "study")


@pytest.fixture(scope="module")
def plain(study, biasaudit):
    done = biasaudit("run", study / "protocol.yaml", "-o", study.parent / "plain", "--engine", "local")
    assert done.returncode == 0, done.stderr
    return study.parent / "plain"


@pytest.fixture(scope="module")
def hidden(study, biasaudit):
    run = study.parent / "hidden"
    done = biasaudit("run", study / "protocol.yaml", "-o", run, "--engine", "local", "--pseudonymise")
    assert done.returncode == 0, done.stderr
    return run


def telling(folder: Path, *words: str) -> set[str]:
    """Name the files below a folder that hold one of some words."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {path.name for path in files if any(word.encode() in path.read_bytes() for word in words)}


def test_only_the_list_of_places_has_absolute_paths(plain, study):
    assert telling(plain, str(study.parent)) == {"places.json"}
    files = pd.read_csv(plain / "tables" / "files.tsv", sep="\t")["path"]
    assert set(files) == {f"data/annabel{index}.npy" for index in range(COUNT)}


@pytest.mark.slow
def test_the_place_of_a_study_changes_no_result(plain, study, tmp_path, biasaudit):
    other = tmp_path / "elsewhere"
    shutil.copytree(study, other)
    done = biasaudit("run", other / "protocol.yaml", "-o", tmp_path / "out", "--engine", "local")
    assert done.returncode == 0, done.stderr
    assert without_times(tmp_path / "out") == without_times(plain)


def without_times(run: Path) -> dict[str, object]:
    audit = json.loads((run / "audit.json").read_text())
    return {**audit, "biasaudit": {name: audit["biasaudit"][name] for name in ("protocol_sha256", "data_sha256")}}


def test_what_a_run_stored_of_its_protocol_finds_images_and_code_again(plain, tmp_path, biasaudit):
    done = biasaudit("explain", plain, "--subject", "annabel3", "-o", tmp_path / "ex")
    assert done.returncode == 0, done.stderr
    assert telling(tmp_path / "ex", str(plain.parent)) == set()


def test_its_protocol_alone_may_not_run_code_that_lies_elsewhere(plain, biasaudit):
    done = biasaudit("run", plain / "protocol.yaml", "-o", plain, "--engine", "local")
    assert done.returncode == 3
    assert "own.py lies outside of the folder of the protocol" in done.stderr


def test_a_shared_run_needs_no_places_until_its_input_is_read(plain, study, tmp_path, biasaudit):
    shared = tmp_path / "shared"
    shutil.copytree(plain, shared)
    (shared / "places.json").unlink()
    done = biasaudit("report", shared)
    assert done.returncode == 0, done.stderr
    table = study / "table.tsv"  # the network is the user's own, and lies beside it
    for command in (["predict", shared, table], ["explain", shared, "-o", tmp_path / "ex"], ["probe", shared, table]):
        done = biasaudit(*command)
        assert done.returncode == 2
        assert "places.json: missing, and nothing else says where images and code" in done.stderr


class TestPseudonyms:
    def test_no_name_no_path_and_no_user_is_in_any_file(self, hidden, study, private):
        assert telling(hidden, "annabel", str(study.parent), "ottokar", str(Path.home()), str(private)) == set()

    def test_the_same_subjects_have_the_same_pseudonyms(self, hidden, study):
        subjects = pd.read_csv(hidden / "tables" / "subjects.tsv", sep="\t")["subject"]
        assert subjects.str.fullmatch("p-[0-9a-f]{12}").all()
        assert subjects.nunique() == COUNT

    def test_a_finished_run_is_not_computed_again(self, hidden, study, biasaudit):
        before = {path: path.stat().st_mtime_ns for path in hidden.glob("jobs/*/done")}
        done = biasaudit("run", study / "protocol.yaml", "-o", hidden, "--engine", "local", "--pseudonymise")
        assert done.returncode == 0, done.stderr
        assert {path: path.stat().st_mtime_ns for path in hidden.glob("jobs/*/done")} == before

    def test_predictions_find_the_fold_and_name_nobody(self, hidden, study, biasaudit):
        done = biasaudit("predict", hidden, study / "table.tsv")
        assert done.returncode == 0, done.stderr
        assert "annabel" not in done.stdout
        rows = [line.split("\t") for line in done.stdout.splitlines()[1:]]
        assert {row[3] for row in rows} == {"1", "2"}

    def test_subjects_are_explained_by_their_pseudonyms(self, hidden, tmp_path, biasaudit, study):
        name = pd.read_csv(hidden / "tables" / "subjects.tsv", sep="\t")["subject"][0]
        done = biasaudit("explain", hidden, "--subject", name, "-o", tmp_path / "ex")
        assert done.returncode == 0, done.stderr
        assert telling(tmp_path / "ex", "annabel", str(study.parent)) == set()

    def test_another_key_is_refused_in_one_line(self, hidden, study, tmp_path, biasaudit, monkeypatch):
        monkeypatch.setenv("BIASAUDIT_PRIVATE", str(tmp_path))
        for words in (
            ["run", study / "protocol.yaml", "-o", hidden, "--pseudonymise"],
            ["predict", hidden, study / "table.tsv"],
        ):
            done = biasaudit(*words)
            assert done.returncode == 2
            assert "another key" in done.stderr
            assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.skipif(os.name != "posix", reason="modes are of POSIX")
def test_colleagues_can_read_and_resume_where_the_umask_lets_them(study, tmp_path, biasaudit):
    before = os.umask(0o002)
    try:
        done = biasaudit("run", study / "protocol.yaml", "-o", tmp_path / "out", "--engine", "local")
    finally:
        os.umask(before)
    assert done.returncode == 0, done.stderr
    modes = {
        path.relative_to(tmp_path).as_posix(): path.stat().st_mode & 0o777 for path in (tmp_path / "out").rglob("*")
    }
    assert {name: oct(mode) for name, mode in modes.items() if mode not in (0o775, 0o664)} == {}
