"""Remedies as a user tries them."""

from __future__ import annotations

import json

PROTOCOL = """\
cohort:
  reader: phantom
  phantom: {n: 48, design: crossed, patient_sites: 2, confounding: 0.4, spacing: 8.0, truth_subjects: 2}
checks: [D1, G1, U1, U3, U4, U6]
folds: {n: 2}
target: {training: {epochs: 1, patience: 1}}
statistics: {n_permutations: 99, n_bootstraps: 99}
attribution: {max_subjects: 4, steps: 2, max_steps: 2}
"""


def test_remedies_are_arms_that_the_report_compares(biasaudit_here, tmp_path):
    protocol = tmp_path / "protocol.yaml"
    protocol.write_text(PROTOCOL)
    done = biasaudit_here("run", protocol, "--with-remedies", "--workers", "1", "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    audit = json.loads((tmp_path / "out" / "audit.json").read_text())
    arms = {arm["name"]: arm for arm in audit["arms"]}
    assert list(arms) == ["intensity", "harmonised", "tissue", "intensity-balanced"]
    assert arms["intensity-balanced"]["training"] == "balanced"
    assert all(arm["truth"] for arm in arms.values())
    compared = {each["arms"][1] for each in audit["comparisons"] if each["arms"][0] == "intensity"}
    assert compared == set(arms) - {"intensity"}
    assert any(each["reason"].startswith("more sites") for each in audit["remedies"])
    assert audit["remedies"][0]["action"] in (tmp_path / "out" / "report.html").read_text()
