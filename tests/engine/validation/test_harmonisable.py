"""Where features may be harmonised between origins, and what is said of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from biasaudit.engine.situation.harmonising import kept_columns
from biasaudit.engine.validation.harmonisable import can_harmonise
from biasaudit.engine.validation.situate import situate
from biasaudit.errors import ProtocolError
from biasaudit.protocol import Protocol, load_protocol

pytest.importorskip("pycombat")
PROTOCOL = """\
cohort:
  reader: table
  table: table.tsv
  features: [thick_*]
  label: {column: label, positive: ad, negative: cn}
  origins: [site]
  covariates: [age, sex, coil]
  min_origin_size: 2
arms: [features, combat]
combat: {keep: [age, sex]}
folds: {n: 3}
"""


def table(design: str = "crossed") -> pd.DataFrame:
    """Return 96 subjects of four sites; `coil` follows from the site."""
    chance = np.random.default_rng(2)
    number = np.arange(96)
    site = number % 4
    ill = {"crossed": number // 4 % 2 == 1, "nested": site > 1, "aliased": site > 1}[design]
    if design == "aliased":
        site = ill.astype(int)
    columns = {f"thick_{name}": chance.normal(2.5, 0.2, number.size) for name in "abc"}
    return pd.DataFrame(
        {
            "subject": [f"s{own}" for own in number],
            "label": np.where(ill, "ad", "cn"),
            "site": [f"site{own}" for own in site],
            "age": chance.normal(70, 8, number.size).round(1),
            "sex": np.where(chance.random(number.size) < 0.5, "f", "m"),
            "coil": (site % 2).astype(float),
            **columns,
        }
    )


def write(folder: Path, rows: pd.DataFrame, protocol: str = PROTOCOL) -> Path:
    rows.to_csv(folder / "table.tsv", sep="\t", index=False)
    path = folder / "protocol.yaml"
    path.write_text(protocol)
    return path


def refused(path: Path) -> str:
    with pytest.raises(ProtocolError) as caught:
        situate(load_protocol(path))
    return str(caught.value)


def test_what_is_removed_and_kept_is_said(tmp_path):
    situation, _ = situate(load_protocol(write(tmp_path, table())))
    (note,) = [own for own in situation.cohort.notes if own.startswith("combat")]
    assert "learnt from the training subjects of each fold" in note
    assert "kept: age, sex; the class is not" in note
    assert can_harmonise(situation.cohort)


def test_origins_of_one_class_are_named(tmp_path):
    rows = table()
    rows.loc[rows["site"] == "site3", "label"] = "cn"
    situation, _ = situate(load_protocol(write(tmp_path, rows)))
    assert any("moves 1 site(s) of one class (site3) to the common mean" in own for own in situation.cohort.notes)


@pytest.mark.parametrize(
    ("design", "words"),
    [("nested", "label and site are nested (no site holds both classes)"), ("aliased", "label and site are aliased")],
)
def test_it_is_refused_where_it_would_erase_the_diagnosis(design, words, tmp_path):
    path = write(tmp_path, table(design))
    said = refused(path)
    assert said.startswith("arms.1: combat is refused: ")
    assert words in said
    assert "removes the diagnosis" in said
    alone = PROTOCOL.replace("[features, combat]", "[features]").replace("combat: {keep: [age, sex]}\n", "")
    assert not can_harmonise(situate(load_protocol(write(tmp_path, table(design), alone)))[0].cohort)


def test_an_origin_that_is_never_trained_on_is_refused(tmp_path):
    rows = table()
    rows.loc[[0, 1], "site"] = "rare"
    said = refused(write(tmp_path, rows))
    assert "of the site 'rare', and combat needs 5; pool small origins by `cohort.min_origin_size`" in said
    assert "fold 1 trains on" in said


SPOILT = {
    "no arm": (
        "arms: [features, combat]\ncombat: {keep: [age, sex]}",
        "arms: [features]\ncombat: {keep: [age]}",
        "combat.keep: no arm is harmonised",
    ),
    "mistyped covariate": (
        "[age, sex]",
        "[agee]",
        "combat.keep: 'agee' is not among `cohort.covariates`; did you mean 'age'",
    ),
    "the class as a covariate": ("[age, sex]", "[label]", "combat.keep: 'label' is not among `cohort.covariates`"),
    "covariate that follows from the site": ("[age, sex]", "[coil]", "follow from site or from each other: singular"),
    "one feature": ("[thick_*]", "[thick_a]", "compares features with each other, and there is one"),
}


@pytest.mark.parametrize("name", SPOILT)
def test_a_fault_is_named(name, tmp_path):
    old, new, words = SPOILT[name]
    assert old in PROTOCOL
    assert words in refused(write(tmp_path, table(), PROTOCOL.replace(old, new)))


def test_a_missing_covariate_is_named_by_its_line(tmp_path):
    rows = table()
    rows["age"] = rows["age"].astype(object)
    rows.loc[4, "age"] = ""
    assert "table.tsv:6: the covariate 'age' that combat keeps is missing" in refused(write(tmp_path, rows))


def test_a_feature_without_spread_inside_sites_is_named(tmp_path):
    rows = table()
    rows["thick_b"] = rows["site"].str[-1].astype(float)
    assert "the feature 'thick_b' does not vary inside any site" in refused(write(tmp_path, rows))


def test_images_are_not_harmonised_by_combat():
    cohort = {"reader": "phantom", "phantom": {"n": 48, "design": "crossed", "spacing": 8.0}}
    with pytest.raises(ProtocolError, match="combat harmonises tables of features, and there are images"):
        situate(Protocol.model_validate({"cohort": cohort, "arms": ["combat"]}))


def test_without_the_package_the_remedy_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr("biasaudit.engine.validation.harmonisable.combat_installed", lambda: False)
    assert "pip install 'biasaudit[combat]'" in refused(write(tmp_path, table()))


def test_categories_become_columns_of_0_and_1(tmp_path):
    situation, _ = situate(load_protocol(write(tmp_path, table())))
    samples = situation.cohort.samples
    columns = kept_columns(samples, ["age", "sex"])
    assert columns.shape == (96, 2)
    assert columns[:, 1].tolist() == [float(sample.covariates["sex"] == "m") for sample in samples]
