"""What is copied of a cohort: its images, design, mixture and arms; and what cannot be copied."""

from __future__ import annotations

import pytest
from calibration.own.cohorts import ALIASED, write

from biasaudit.calibration.own.original import original_of
from biasaudit.engine.validation.situate import situate
from biasaudit.errors import ProtocolError
from biasaudit.protocol import load_protocol


@pytest.fixture
def original(tmp_path):
    return lambda *args, **changes: original_of(situate(load_protocol(write(tmp_path, *args, **changes)))[0])


def test_a_crossed_cohort_is_copied_whole_with_its_mixture(original):
    own = original()
    assert (own.design, own.source, own.subjects, own.probes) == ("crossed", None, 32, 0)
    assert own.prevalence == pytest.approx(14 / 32)
    assert own.confounding == pytest.approx(9 / 14 - 9 / 18)
    assert own.words == "32 images of the cohort, whatever their class"


def test_of_an_aliased_cohort_one_class_of_one_source_is_copied(original):
    own = original(ALIASED, probes=6)
    assert (own.design, own.source, own.subjects) == ("aliased", "healthy", 32)
    assert own.probes == 6
    assert own.of.probes is None
    assert own.words == "32 images of healthy from kyoto"


def test_probes_leave_enough_to_train_on(original):
    assert original(ALIASED, probes=40).probes == 8


def test_checks_that_may_flag_and_arms_that_show_images(original):
    own = original(checks=["D1", "D2", "G1", "U1", "U12"])
    assert own.checks == ("D1", "G1", "U1")
    assert own.left_out == ()


def test_a_class_too_small_to_plant_in_is_one_line(original):
    with pytest.raises(ProtocolError, match=r"14 subjects \(images of healthy from kyoto\) are too few to plant in"):
        original((("healthy", "kyoto", 14), ("ms", "lyon", 12)))


def test_a_single_origin_has_nothing_to_be_wrong_about(original):
    with pytest.raises(ProtocolError, match="all subjects come from one site"):
        original((("healthy", "kyoto", 14), ("ms", "kyoto", 12)))


def test_where_competence_is_not_asked_there_is_no_verdict_to_calibrate(original):
    with pytest.raises(ProtocolError, match=r"G1 is not asked.*add G1"):
        original(checks=["D1", "U1"])


def test_features_have_no_images(tmp_path):
    rows = ["subject\tlabel\tsite\tf1\tf2"]
    rows += [f"s{n}\t{'ms' if n % 2 else 'hc'}\t{'ab'[n // 20]}\t{n % 7}\t{n % 5}" for n in range(40)]
    (tmp_path / "table.tsv").write_text("\n".join(rows) + "\n")
    text = "cohort: {reader: table, table: table.tsv, features: [f1, f2], label: {positive: ms}, origins: [site]}\n"
    (tmp_path / "p.yaml").write_text(text + "arms: [features]\nfolds: {n: 2}\n")
    with pytest.raises(ProtocolError, match="no images to plant in"):
        original_of(situate(load_protocol(tmp_path / "p.yaml"))[0])


def test_a_simulated_cohort_knows_its_truth(tmp_path):
    (tmp_path / "p.yaml").write_text("cohort: {reader: phantom, phantom: {n: 24, spacing: 8.0}}\nfolds: {n: 2}\n")
    with pytest.raises(ProtocolError, match="simulated already"):
        original_of(situate(load_protocol(tmp_path / "p.yaml"))[0])


def test_of_a_nested_cohort_the_healthy_of_all_their_sources_are_copied(original):
    own = original((("healthy", "kyoto", 15), ("healthy", "bern", 15), ("ms", "lyon", 40)))
    assert (own.design, own.source, own.words) == ("nested", "healthy", "30 images of healthy from 2 origins")


def test_too_few_healthy_give_way_to_more_patients(original):
    own = original((("healthy", "kyoto", 14), ("ms", "lyon", 30)))
    assert (own.source, own.words) == ("ms", "30 images of ms from lyon")
