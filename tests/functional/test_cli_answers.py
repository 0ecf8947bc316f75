"""What commands answer to programs (`--json`), and what they keep to themselves (`--quiet`)."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest


def answer(done):
    """Read the one JSON object that standard output holds."""
    return json.loads(done.stdout)


@pytest.fixture
def table(tmp_path):
    rows = [f"s{n},{n}.npy,{('hc', 'ms')[n % 2]},{'ab'[n // 2 % 2]}" for n in range(20)]
    (tmp_path / "table.csv").write_text("\n".join(["subject,image,diagnosis,site", *rows]) + "\n")
    for number in range(20):
        np.save(tmp_path / f"{number}.npy", np.arange(64.0).reshape(8, 8) + number)
    return tmp_path / "table.csv"


def test_init_answers_with_what_it_found(biasaudit_here, table, tmp_path):
    done = biasaudit_here("init", table, "-o", tmp_path / "protocol.yaml", "--json")
    found = answer(done)
    assert (done.returncode, found["exit_code"], found["faults"]) == (0, 0, [])
    assert found["protocol"] == str(tmp_path / "protocol.yaml")
    assert found["can_answer"]
    assert {"title", "columns", "rows"} == set(found["tables"][0])
    assert "next: biasaudit validate" in done.stderr


def test_init_answers_with_what_must_be_filled_in(biasaudit_here, table, tmp_path):
    table.write_text(table.read_text().replace("hc", "x").replace("ms", "y"))
    done = biasaudit_here("init", table, "-o", tmp_path / "protocol.yaml", "--json")
    assert done.returncode == answer(done)["exit_code"] == 3
    assert any("cohort.label.positive" in fault["message"] for fault in answer(done)["faults"])


def test_validate_answers_with_the_cohort(biasaudit_here, small_protocol):
    done = biasaudit_here("validate", small_protocol, "--json")
    found = answer(done)
    assert done.returncode == 0
    assert found["images"] == 36
    assert found["classes"] == ["healthy", "patient"]
    assert sum(count for site in found["origins"]["site"].values() for count in site.values()) == 36
    assert len(found["reach"]) >= 1
    assert "sound" in done.stderr


def test_validate_answers_with_every_fault(biasaudit_here, small_protocol, tmp_path):
    wrong = tmp_path / "protocol.yaml"
    wrong.write_text(small_protocol.read_text().replace("n_permutations", "n_permutation").replace("epochs", "epoch"))
    done = biasaudit_here("validate", wrong, "--json")
    found = answer(done)
    assert done.returncode == found["exit_code"] == 3
    assert len(found["faults"]) == 2
    assert all(fault["where"].startswith(str(wrong)) for fault in found["faults"])
    assert len(done.stderr.splitlines()) == 2


def test_a_dry_run_answers_with_its_jobs(biasaudit_here, small_protocol):
    found = answer(biasaudit_here("run", small_protocol, "--dry-run", "--json"))
    assert {"step", "title"} == set(found["jobs"][0])
    assert found["seconds"] > 0
    assert found["bytes"] > 0


def test_a_run_answers_with_its_verdicts(biasaudit_here, finished_run, small_protocol, tmp_path):
    copy = shutil.copytree(finished_run, tmp_path / "out")
    done = biasaudit_here("run", small_protocol, "-o", copy, "--engine", "local", "--json")
    found, stored = answer(done), json.loads((copy / "audit.json").read_text())
    assert done.returncode == 0
    assert found["report"] == str(copy / "report.html")
    assert [arm["verdict"] for arm in found["arms"]] == [arm["verdict"] for arm in stored["arms"]]
    assert found["arms"][0]["primary"]
    assert found["arms"][0]["auc"]["estimate"] == stored["arms"][0]["target"]["auc"]
    assert "report: " in done.stderr


def test_gate_answers_with_its_judgement(biasaudit_here, finished_run):
    done = biasaudit_here("gate", finished_run, "--fail-on", "undetermined", "--json")
    found = answer(done)
    assert done.returncode == found["exit_code"] == int(not found["passed"])
    assert found["arm"] == "intensity"
    assert "undetermined or worse" in done.stderr


def test_list_answers_with_every_kind(biasaudit_here):
    found = answer(biasaudit_here("list", "--json"))
    assert "U4" in [own["name"] for own in found["components"]["check"]]
    assert found["components"]["network"][0] == {
        "name": "cnn",
        "what": "Build the network; pictures get more blocks, since they have more pixels per side.",
        "plug_in": None,
    }


def test_a_folder_that_is_no_run_is_an_answer_too(biasaudit_here, tmp_path):
    done = biasaudit_here("gate", tmp_path, "--json")
    assert done.returncode == answer(done)["exit_code"] == 2
    assert "is no run of biasaudit" in answer(done)["faults"][0]["message"]


@pytest.mark.parametrize(
    "words", [["gate", "{run}", "--fail-on", "origin"], ["list"], ["validate", "{protocol}"], ["verify", "{run}"]]
)
def test_quiet_says_nothing_and_exits_the_same(biasaudit_here, finished_run, small_protocol, words):
    named = [word.format(run=finished_run, protocol=small_protocol) for word in words]
    spoken, quiet = biasaudit_here(*named), biasaudit_here(*named, "--quiet")
    assert spoken.stdout
    assert (quiet.stdout, quiet.stderr, quiet.returncode) == ("", "", spoken.returncode)
    assert biasaudit_here(*named).stdout == spoken.stdout


def test_quiet_tells_faults(biasaudit_here, tmp_path):
    done = biasaudit_here("gate", tmp_path, "-q")
    assert (done.returncode, done.stdout) == (2, "")
    assert "is no run of biasaudit" in done.stderr


def test_compare_takes_the_name_that_its_page_had_before(biasaudit_here, finished_run, tmp_path):
    copy = shutil.copytree(finished_run, tmp_path / "copy")
    for option in ("--output", "--out", "-o"):
        page = tmp_path / f"{option}.html"
        assert biasaudit_here("compare", finished_run, copy, option, page, "--quiet").returncode == 0
        assert page.exists()
