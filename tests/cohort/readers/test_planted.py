"""Planted copies: who is ill at which site is drawn by chance, and any image can be made again at any site."""

from __future__ import annotations

import numpy as np
import pytest

from biasaudit.cohort.readers.planted import PlantedReader, copied_samples
from biasaudit.cohort.readers.table import TableReader
from biasaudit.cohort.simulation.planting import sites_of
from biasaudit.errors import DataError
from biasaudit.protocol import GridSettings
from biasaudit.protocol.planted import PlantedCohort

GRID = GridSettings.model_validate({"shape": [24, 24]})
CELLS = (("healthy", "kyoto", 16), ("healthy", "lyon", 12), ("ms", "lyon", 12))


@pytest.fixture
def section(table, picture):
    rows, chance = ["subject\timage\tlabel\tsite"], np.random.default_rng(1)
    for label, site, count in CELLS:
        for number in range(count):
            name = f"{label}-{site}-{number}"
            picture(f"{name}.png", chance.integers(60, 190, (24, 24), dtype=np.uint8))
            rows.append(f"{name}\t{name}.png\t{label}\t{site}")
    label = {"positive": "ms", "negative": "healthy"}
    path = table(rows)
    return {"reader": "table", "table": str(path), "label": label, "origins": ["site"], "min_origin_size": 1}


@pytest.fixture
def settings(section):
    def make(**planting):
        return PlantedCohort.model_validate({"reader": "planted", "of": section, "planting": planting})

    return make


@pytest.fixture
def read(settings):
    return lambda **planting: PlantedReader().read(settings(**planting))


def shares(cohort):
    """Share of the second site among the healthy and among the patients."""
    return [np.mean([s.origins["site"] == "site-2" for s in cohort.samples if s.positive == p]) for p in (False, True)]


def test_one_class_is_copied_or_all(section):
    original = TableReader().read(PlantedCohort.model_validate({"reader": "planted", "of": section}).of)
    assert len(copied_samples(original, "healthy")) == 28
    assert {sample.label for sample in copied_samples(original, "healthy")} == {"healthy"}
    assert copied_samples(original, None) == original.samples
    with pytest.raises(DataError, match="no class 'helthy' is among the images; did you mean 'healthy'"):
        copied_samples(original, "helthy")


def test_classes_are_drawn_whatever_they_were(read):
    cohort = read(design="crossed")
    called = {sample.subject: sample.positive for sample in cohort.samples}
    assert sum(called.values()) == 20
    for _, site, _ in CELLS:
        own = [positive for subject, positive in called.items() if f"-{site}-" in subject]
        assert 0 < sum(own) < len(own)
    assert read(design="crossed") == cohort
    assert read(design="crossed", seed=2) != cohort


def test_designs(read):
    assert shares(read(source="healthy", design="aliased")) == [0, 1]
    nested = read(design="nested")
    assert {(s.positive, s.origins["site"]) for s in nested.samples} == {
        (False, "a1"), (False, "a2"), (True, "b1"), (True, "b2"),
    }  # fmt: skip
    healthy, patients = shares(read(design="crossed", confounding=0.9))
    assert patients - healthy > 0.5
    assert sum(s.positive for s in read(design="crossed", prevalence=0.2).samples) == 8


def test_probes_are_healthy_of_the_patients_site_and_not_trained_on(read):
    cohort = read(source="healthy", design="aliased", probes=5)
    assert len(cohort.probes) == 5
    assert {(s.positive, s.simulation["ill"], s.origins["site"]) for s in cohort.probes} == {(False, False, "site-2")}
    assert not {s.subject for s in cohort.probes} & {s.subject for s in cohort.samples}


def test_wrong_labels_are_no_illness(read):
    cohort = read(design="crossed", mislabelled=0.3)
    wrong = [sample for sample in cohort.samples if sample.positive != sample.simulation["ill"]]
    assert 4 <= len(wrong) <= 20


def test_too_few_subjects_are_one_line(read):
    with pytest.raises(DataError, match=r"7 subjects are too few to call 50% .* beside 21 probes; each class needs 4"):
        read(source="healthy", design="aliased", probes=21)


def test_every_image_can_be_made_again_at_every_site(read):
    cohort = read(design="crossed", signature={"noise": 2.0})
    reader, grid = PlantedReader(), PlantedReader().grid(cohort, GRID)
    for sample in cohort.samples[:6]:
        made = {(site, ill): volume.image for site, ill, volume in reader.counterfactuals(sample, grid, "auto")}
        assert [site for site, _ in made] == [*sites_of("crossed")] * 2
        own = made[sample.origins["site"], sample.simulation["ill"]]
        np.testing.assert_array_equal(reader.load(sample, grid, "auto").image, own)
        plain = made["site-1", False]
        assert not np.array_equal(plain, made["site-1", True])
        assert not np.array_equal(plain, made["site-2", False])


def test_a_clean_copy_is_the_same_at_all_sites(read):
    cohort = read(design="nested")
    reader, grid = PlantedReader(), PlantedReader().grid(cohort, GRID)
    made = [volume.image for _, ill, volume in reader.counterfactuals(cohort.samples[0], grid, "auto") if not ill]
    assert len(made) == 4
    assert all(np.array_equal(made[0], image) for image in made)


def test_whoever_is_called_a_patient_is_marked(read):
    cohort = read(design="crossed", mislabelled=0.3, masks=True, disease={"visible": 0.5})
    reader, grid = PlantedReader(), PlantedReader().grid(cohort, GRID)
    assert any(sample.positive and not sample.simulation["ill"] for sample in cohort.samples)
    for sample in cohort.samples:
        assert sample.has_mask == sample.positive
        assert reader.load(sample, grid, "auto").mask.any() == sample.positive
