"""Who is put to the spike-in test (G3), and that the audit then runs it."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

from biasaudit.engine import audit
from biasaudit.engine.audit import Options, run_audit
from biasaudit.engine.results import verdicts
from biasaudit.engine.results.run import Run
from biasaudit.engine.results.verdicts import to_confirm
from biasaudit.errors import IncompleteError
from biasaudit.protocol import parse_protocol
from biasaudit.records import Finding, Flag, Recipe, Reliance, Verdict
from biasaudit.report.render import write_report
from biasaudit.run_folder.finished import finished_audit

NOT_RUN = "spike-in test of power on this very cohort (G3) has not been run"

SMALL = """\
cohort:
  reader: phantom
  phantom: {n: 16, design: crossed, patient_sites: 2, spacing: 8.0, lesion_load: 4, truth_subjects: 0}
arms: [intensity]
target:
  network_arguments: {widths: [4]}
  training: {epochs: 1}
folds: {n: 2}
statistics: {n_permutations: 99, n_bootstraps: 99}
attribution: {max_subjects: 4, steps: 2, max_steps: 2}
spike_in: {rungs: [{strength: 1}, {strength: 2, mislabelled: 0.2}], groups: 1}
"""

CLEAN = """\
cohort:
  reader: phantom
  phantom: {{n: {n}, design: aliased, spacing: 8.0, {lesions}, dataset_signature: {{}}, truth_subjects: 0}}
arms: [intensity]
target:
  training: {{epochs: {epochs}, learning_rate: 0.005}}
folds: {{n: 2}}
statistics: {{n_permutations: 199, n_bootstraps: 199}}
attribution: {{max_subjects: 4, steps: 2, max_steps: 2}}
"""


class TestToConfirm:
    @pytest.fixture
    def asked(self, situation, monkeypatch):
        """Ask which representations would be confirmed, given the words of every arm's verdicts."""

        def ask(words: dict[str, list[str]], extra: str):
            monkeypatch.setattr(
                verdicts,
                "_verdicts",
                lambda run, name: tuple(Verdict(word, "", "site", Reliance()) for word in words[name]),
            )
            return to_confirm(Run(situation(extra), plan=None, store=None))

        return ask

    @pytest.mark.parametrize("word", ["ORIGIN", "MIXED", "UNDETERMINED"])
    def test_pathology_alone(self, word, asked):
        words = {"intensity": ["PATHOLOGY"], "tissue": [word]}
        assert asked(words, "arms: [intensity, tissue]\n") == {Recipe("intensity")}

    def test_of_several_factors_one_is_enough(self, asked):
        assert asked({"intensity": ["PATHOLOGY", "UNDETERMINED"]}, "") == {Recipe("intensity")}
        assert asked({"intensity": ["MIXED", "UNDETERMINED"]}, "") == frozenset()
        assert asked({"intensity": ["PATHOLOGY", "PATHOLOGY"]}, "") == {Recipe("intensity")}

    def test_checks_that_were_named_stay_as_they_are(self, asked):
        assert asked({"intensity": ["PATHOLOGY"]}, "checks: [D1, G1, U1]\n") == frozenset()


def test_the_tests_of_all_arms_and_factors_stand_beside_each_other_in_the_scope_of_the_audit():
    def beside(scope: str) -> list[float]:
        text = f"cohort: {{reader: phantom}}\narms: [intensity, silhouette]\nstatistics: {{scope: {scope}}}\n"
        tests = {("intensity", "site"): 0.01, ("intensity", "year"): 0.2, ("silhouette", "site"): 0.3}

        def findings(arm: str, factor: str) -> list[Finding]:
            return [Finding("U1", "clear", "", p_value=tests.get((arm, factor)), flag=Flag(True))]

        run = SimpleNamespace(
            situation=SimpleNamespace(protocol=parse_protocol(text, Path("protocol.yaml"))),
            factors=("site", "year"),
            findings=findings,
        )
        return verdicts._beside(run, "intensity", "site")

    assert beside("verdict") == []
    assert beside("audit") == [0.2, 0.3]  # a test that was not made does not count


@pytest.fixture
def audited(tmp_path):
    """Run an audit and return `audit.json`, the titles of the jobs that ran, and the counts that were reported."""

    def run(text: str, folder: str = "out"):
        protocol = parse_protocol(text, tmp_path / "protocol.yaml")
        titles, counts = [], []

        def progress(done, total, job):
            counts.append((done, total))
            if job is not None:
                titles.append(job.title)

        out: Path = tmp_path / folder
        run_audit(protocol, out, Options(), progress)
        return json.loads((out / "audit.json").read_text()), titles, counts

    return run


def spikes(record, arm: str) -> list[dict]:
    own = next(each for each in record["arms"] if each["name"] == arm)
    return [finding for finding in own["findings"] if finding["code"] == "G3"]


def test_a_second_stage_confirms_the_arm_that_needs_it(audited, tmp_path, monkeypatch):
    first, before, _ = audited(SMALL)
    finished = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "jobs").glob("*/done")}
    assert len(finished) == len(before)
    assert not spikes(first, "intensity")
    assert any(NOT_RUN in limit for limit in first["limits"])
    assert "G3" not in first["checks"]

    monkeypatch.setattr(audit, "to_confirm", lambda run: frozenset({Recipe("intensity")}))
    monkeypatch.setattr(audit, "to_climb", lambda run: {})
    second, titles, counts = audited(SMALL)
    (finding,) = spikes(second, "intensity")
    assert finding["status"] in ("clear", "inconclusive")
    assert not any(NOT_RUN in limit for limit in second["limits"])
    assert "G3" in second["checks"]
    # Finished jobs are told again but not run again, and the count ends where it was said to end.
    assert before == titles[: len(before)]
    added = titles[len(before) :]
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert sum(title.startswith("retrain") for title in added) == 4
    assert sum(title.startswith("judge") for title in added) == 1
    assert counts[-1] == (len(titles), len(titles))

    # Where the plant is not taken up, the next one is tried, once, and judged in its place.
    owed = {(Recipe("intensity"), None): (0.02,)}
    monkeypatch.setattr(audit, "to_climb", lambda run: owed if run.situation.confirm else {})
    third, longer, counts = audited(SMALL)
    (climbed,) = spikes(third, "intensity")
    assert (finding["details"]["rung"], climbed["details"]["rung"]) == (1, 2)
    assert climbed["details"]["owed_below"] == [0.02]
    assert climbed["details"]["plant_mislabelled"] == 0.2
    assert sum(title.startswith("retrain") for title in longer[len(titles) :]) == 4
    assert counts[-1] == (len(longer), len(longer))

    # All other findings are those of the first stage.
    (one,), (other,) = first["arms"], second["arms"]
    assert [f for f in other["findings"] if f["code"] != "G3"] == one["findings"]


@pytest.mark.slow
def test_a_clean_cohort_of_many_is_confirmed(audited):
    text = CLEAN.format(n=200, epochs=15, lesions="lesion_load: 2, lesion_contrast: 1")
    record, titles, _ = audited(text)
    (finding,) = spikes(record, "intensity")
    assert finding["status"] == "clear", finding["reason"]
    arm = record["arms"][0]
    assert (arm["verdict"], arm["provisional"]) == ("PATHOLOGY", False)
    assert not any(NOT_RUN in limit for limit in record["limits"])
    assert sum(title.startswith("retrain") for title in titles) == 4


@pytest.mark.slow
def test_a_clean_cohort_of_few_has_no_power_and_its_pathology_is_taken_back(audited):
    # Lesions that a network of this size cannot miss: what is planted beside them hardly counts.
    text = CLEAN.format(n=48, epochs=8, lesions="lesion_load: 4, lesion_contrast: 2")
    record, _, counts = audited(text)
    (finding,) = spikes(record, "intensity")
    assert finding["status"] == "inconclusive"
    assert finding["details"]["rung"] > 1
    arm = record["arms"][0]
    assert arm["verdict"] == "UNDETERMINED"
    assert f"(G3) did not pass: {finding['reason']}." in arm["reason"]
    assert counts[-1][0] == counts[-1][1]


def test_a_run_is_complete_only_when_its_report_is_drawn(tmp_path):
    """A command that was killed while it drew the report leaves a run that `gate` does not take for finished."""
    rows = ["subject\tlabel\tsite\tscore"]
    rows += [f"s{i}\t{'ab'[i % 2]}\t{i // 2 % 2}\t{i % 11 - 4.5}" for i in range(40)]
    (tmp_path / "table.tsv").write_text("\n".join(rows) + "\n")
    text = (
        "cohort: {reader: table, table: table.tsv, label: {positive: b}, origins: [site], score: score}\n"
        "checks: [D1, G1, U1]\nstatistics: {n_permutations: 99, n_bootstraps: 99}\n"
    )
    protocol, out, said = parse_protocol(text, tmp_path / "protocol.yaml"), tmp_path / "out", []

    def killed(folder):
        assert write_report(folder).is_file()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_audit(protocol, out, Options(draw=killed))
    with pytest.raises(IncompleteError, match="run the same `biasaudit run` command again"):
        finished_audit(out)
    run_audit(protocol, out, Options(draw=write_report, stage=said.append))
    assert finished_audit(out)["arms"]
    assert (out / "report.html").is_file()
    assert not (out / "audit.pending.json").exists()
    assert said == ["drawing the report"]
