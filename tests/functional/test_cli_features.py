"""Tables of features: sites that are easy to tell apart are no fault, a network that reads them is."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from biasaudit.engine.audit import Options, run_audit
from biasaudit.protocol import load_protocol

SITES, PER_SITE, FEATURES = 12, 20, 16
PROTOCOL = """\
cohort:
  reader: table
  table: table.tsv
  features: [lh_*_volume]
  label: {column: label, positive: ad, negative: cn}
  origins: [site]
target:
  training: {epochs: 40, batch_size: 16, weight_decay: 0.1, patience: 40}
folds: {n: 4}
checks: [D1, G1, A1, U1, U3, U4, U7]
statistics: {n_permutations: 199, n_bootstraps: 199}
attribution: {max_subjects: 16, steps: 8, max_steps: 16}
"""


def write_table(folder: Path, *, effect: float, confounded: bool) -> None:
    """Volumes; every site has an offset in the features that no disease is in, larger than what subjects vary."""
    chance = np.random.default_rng(5)
    offsets = chance.normal(0, 2, (SITES, FEATURES))
    offsets[:, :4] = 0
    rows = []
    for site in range(SITES):
        ill = round(PER_SITE * ((0.8 if site % 2 else 0.2) if confounded else 0.5))
        for number in range(PER_SITE):
            label = number < ill
            values = chance.normal(0, 1, FEATURES) + offsets[site]
            if confounded:
                values[4:8] += 3.0 * (site % 2)
            values[:4] -= effect * label
            columns = {f"lh_{name}_volume": 1.5e6 + 2e4 * value for name, value in enumerate(values)}
            rows.append(
                {"subject": f"s{site}-{number}", "label": "ad" if label else "cn", "site": f"site{site}", **columns}
            )
    pd.DataFrame(rows).to_csv(folder / "table.tsv", sep="\t", index=False)
    (folder / "protocol.yaml").write_text(PROTOCOL)


def audit(folder: Path, **how):
    write_table(folder, **how)
    return run_audit(load_protocol(folder / "protocol.yaml"), folder / "out", Options())


@pytest.fixture(scope="module")
def separable(tmp_path_factory):
    folder = tmp_path_factory.mktemp("separable")
    return folder, audit(folder, effect=0.45, confounded=False)


def status(record, code):
    return [finding["status"] for finding in record["arms"][0]["findings"] if finding["code"] == code]


def test_separable_sites_do_not_condemn_a_network_that_reads_a_weak_disease(separable):
    _, record = separable
    arm = record["arms"][0]
    print(arm["verdict"], arm["reason"], arm["target"], arm["origin_auc"], arm["reliance"])
    assert "concern" in status(record, "A1")
    assert arm["origin_auc"]["estimate"] > 0.98
    assert 0.65 < arm["target"]["auc"] < 0.75
    assert status(record, "G1") == ["clear"]
    assert arm["verdict"] in ("PATHOLOGY", "UNDETERMINED")


def test_a_network_that_reads_the_site_is_flagged(tmp_path):
    arm = audit(tmp_path, effect=0.0, confounded=True)["arms"][0]
    print(arm["verdict"], arm["reason"], arm["target"], arm["reliance"])
    assert arm["verdict"] in ("MIXED", "ORIGIN")


def test_features_are_the_units_of_attribution(separable):
    folder, record = separable
    relevance = pd.read_csv(folder / "out" / "tables" / "feature_relevance.tsv", sep="\t")
    shares = relevance[relevance["label"] == "ad"].set_index("feature")["share"]
    assert shares.sum() == pytest.approx(1)
    assert list(shares.index) == [f"lh_{name}_volume" for name in range(FEATURES)]
    assert shares.iloc[:4].mean() > 1.5 * shares.iloc[4:].mean()
    assert status(record, "U4") == ["not_applicable"]


def test_the_report_draws_features(separable):
    from biasaudit.report.render import write_report

    folder, _ = separable
    written = write_report(folder / "out")
    assert written == folder / "out" / "report.html"
    assert "lh_3_volume" in written.read_text()
    assert (folder / "out" / "figures" / "relevance_arm-1.svg").stat().st_size > 0


def test_the_remedy_of_a_table_is_to_harmonise_its_features(tmp_path, biasaudit_here):
    pytest.importorskip("pycombat")
    write_table(tmp_path, effect=1.2, confounded=True)
    protocol = tmp_path / "protocol.yaml"
    brief = {"U1, U3, U4, U7]": "U1]", "epochs: 40": "epochs: 15", "n: 4": "n: 2"}
    text = PROTOCOL
    for old, new in brief.items():
        text = text.replace(old, new)
    protocol.write_text(text)
    done = biasaudit_here("run", protocol, "--with-remedies", "--engine", "local", "-o", tmp_path / "out")
    assert done.returncode == 0, done.stderr
    record = json.loads((tmp_path / "out" / "audit.json").read_text())
    arms = {arm["name"]: arm for arm in record["arms"]}
    assert list(arms) == ["features", "combat"]
    assert arms["features"]["origin_auc"]["estimate"] > 0.9
    assert arms["combat"]["origin_auc"]["estimate"] < 0.75
    assert any("site is removed from the features by ComBat" in note for note in record["notes"])
    (reliance,) = [
        each
        for each in record["comparisons"]
        if each["arms"] == ["features", "combat"] and each["quantity"] == "reliance"
    ]
    assert reliance["difference"] > 0


def test_rows_of_features_are_not_predicted_as_if_they_were_images(separable, biasaudit_here):
    folder, _ = separable
    done = biasaudit_here("predict", folder / "out", folder / "table.tsv")
    assert done.returncode == 2
    assert "predict needs images" in done.stderr.replace("\n", " ")
