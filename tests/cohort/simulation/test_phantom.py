from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from biasaudit.cohort.images.template import mni_grid, tissue_priors
from biasaudit.cohort.readers.phantom import PhantomReader
from biasaudit.cohort.simulation.phantom import anatomy, counterfactuals, render, sites
from biasaudit.errors import DataError
from biasaudit.protocol import SIGNATURES, GridSettings, PhantomCohort, PhantomSettings
from biasaudit.records import Sample

GRID = mni_grid(8.0)
NOTHING = {"dataset_signature": {}, "site_signature": {}}


def settings(**changes) -> PhantomSettings:
    return PhantomSettings.model_validate({"spacing": 8.0, "lesion_load": 2.0, **changes})


def cohort(origins=("site",), **changes):
    protocol = {"reader": "phantom", "origins": list(origins), "phantom": settings(**changes).model_dump()}
    return PhantomReader().read(PhantomCohort.model_validate(protocol))


def table(**changes) -> Counter:
    return Counter((sample.label, sample.origins["site"]) for sample in cohort(**changes).samples)


def patient(own: PhantomSettings, index: int = 1, age: float = 45.0):
    return anatomy(own, index, age, GRID, True)


def site_of(own: PhantomSettings, name: str):
    return next(site for site in sites(own) if site.name == name)


def correlation(**changes) -> float:
    """Phi of class and half of the sites."""
    samples = cohort(design="crossed", patient_sites=2, n=600, **changes).samples
    return float(np.corrcoef([s.positive for s in samples], [s.origins["site"] == "s2" for s in samples])[0, 1])


class TestDesigns:
    def test_nested(self):
        found = table(design="nested", healthy_sites=3, patient_sites=2, n=60)
        assert found == {
            ("healthy", "a1"): 10,
            ("healthy", "a2"): 10,
            ("healthy", "a3"): 10,
            ("patient", "b1"): 15,
            ("patient", "b2"): 15,
        }

    def test_aliased(self):
        assert table(design="aliased", n=60) == {("healthy", "s1"): 30, ("patient", "s2"): 30}

    def test_crossed_without_confounding_is_balanced(self):
        found = table(design="crossed", patient_sites=2, n=600)
        assert set(found) == {(label, site) for label in ("healthy", "patient") for site in ("s1", "s2")}
        assert min(found.values()) > 120

    def test_crossed_with_full_confounding_is_aliased(self):
        found = table(design="crossed", patient_sites=2, n=60, confounding=1.0)
        assert found == {("healthy", "s1"): 30, ("patient", "s2"): 30}

    @pytest.mark.parametrize("confounding", [0.0, 0.5, 0.8])
    def test_association_is_what_was_asked_for(self, confounding):
        assert correlation(confounding=confounding) == pytest.approx(confounding, abs=0.1)

    def test_crossed_with_many_sites(self):
        found = table(design="crossed", patient_sites=4, n=400)
        assert {site for _, site in found} == {"s1", "s2", "s3", "s4"}
        assert len(found) == 8

    def test_nested_datasets(self):
        samples = cohort(("site", "dataset"), design="nested").samples
        assert {(s.label, s.origins["dataset"]) for s in samples} == {("healthy", "a"), ("patient", "b")}
        assert all(s.origins["site"].startswith(s.origins["dataset"]) for s in samples)

    def test_unknown_origins_are_refused(self):
        with pytest.raises(DataError, match="a phantom has no origin 'scanner'; expected site or dataset"):
            cohort(("scanner",))

    def test_subjects(self):
        found = cohort(n=30)
        assert len({s.subject for s in found.samples}) == 30
        assert Counter(s.positive for s in found.samples) == {True: 15, False: 15}
        assert found.classes == ("healthy", "patient")
        assert all(s.has_mask == s.positive for s in found.samples)
        assert all((s.label == "patient") == s.positive for s in found.samples)

    def test_the_same_seed_gives_the_same_cohort(self):
        assert cohort(seed=4) == cohort(seed=4)
        assert cohort(seed=4, design="crossed") != cohort(seed=5, design="crossed")

    def test_patients_are_older_by_the_difference(self):
        def ages(difference):
            samples = cohort(n=100, age_difference=difference).samples
            return [np.mean([s.covariates["age"] for s in samples if s.positive == p]) for p in (False, True)]

        (healthy, patients), (same, older) = ages(0.0), ages(10.0)
        assert healthy == same
        assert older - patients == pytest.approx(10.0, abs=0.1)


class TestSites:
    def test_datasets_lie_at_plus_and_minus_their_strength(self):
        values = {
            s.name: s.values["noise"] for s in sites(settings(dataset_signature={"noise": 0.8}, site_signature={}))
        }
        assert values["a1"] == values["a2"] == -values["b1"]
        assert abs(values["a1"]) == pytest.approx(0.8)

    def test_sites_spread_around_their_dataset(self):
        own = settings(dataset_signature={"blur": 1.0}, site_signature={"blur": 0.2})
        values = [abs(site.values["blur"]) for site in sites(own) if site.dataset == "a"]
        assert sorted(values) == pytest.approx([0.8, 1.0, 1.2])

    @pytest.mark.parametrize("design", ["nested", "crossed", "aliased"])
    def test_strength_0_plants_nothing(self, design):
        own = settings(design=design, **NOTHING)
        assert len(sites(own)) >= 2
        subject = patient(own)
        first, *others = [render(own, subject, site, GRID, pathology=True) for site in sites(own)]
        for other in others:
            np.testing.assert_array_equal(other.image, first.image)
            np.testing.assert_array_equal(other.foreground, first.foreground)
            np.testing.assert_array_equal(other.mask, first.mask)

    @pytest.mark.parametrize("kind", SIGNATURES)
    def test_every_kind_changes_the_image(self, kind):
        own = settings(design="aliased", dataset_signature={kind: 1.0}, site_signature={})
        subject = patient(own)
        first, second = (render(own, subject, site, GRID, pathology=False) for site in sites(own))
        both = first.foreground & second.foreground
        if kind == "edge":
            assert (first.foreground != second.foreground).any()
            np.testing.assert_array_equal(first.image[0][both], second.image[0][both])
        else:
            np.testing.assert_array_equal(first.foreground, second.foreground)
            assert np.abs(first.image[0] - second.image[0])[both].mean() > 0.001

    @pytest.mark.parametrize("kind", SIGNATURES)
    def test_stronger_signatures_change_it_more(self, kind):
        def change(strength):
            own = settings(design="aliased", dataset_signature={kind: strength}, site_signature={})
            first, second = (render(own, patient(own), site, GRID, pathology=False) for site in sites(own))
            return float(np.abs(first.image - second.image).sum())

        assert 0 < change(0.4) < change(1.0)


class TestAnatomy:
    def test_the_same_subject_is_the_same_at_every_site_and_in_every_design(self):
        first, second = patient(settings(design="nested")), patient(settings(design="aliased"))
        np.testing.assert_array_equal(first.tissue, second.tissue)
        np.testing.assert_array_equal(first.lesions, second.lesions)

    def test_subjects_differ(self):
        own = settings()
        assert np.abs(patient(own, 1).tissue - patient(own, 2).tissue).max() > 0.1
        assert (patient(own, 1).lesions != patient(own, 2).lesions).any()

    def test_close_to_the_template(self):
        found = patient(settings()).tissue.sum(0).ravel()
        assert np.corrcoef(found, tissue_priors(GRID).sum(0).ravel())[0, 1] > 0.9

    def test_healthy_and_sick_differ_by_lesions_only(self):
        own = settings()
        healthy, sick = (anatomy(own, 1, 45.0, GRID, positive) for positive in (False, True))
        np.testing.assert_array_equal(healthy.tissue, sick.tissue)
        np.testing.assert_array_equal(healthy.lesions, sick.lesions)

    def test_atrophy_turns_tissue_into_fluid(self):
        def volumes(atrophy, positive=True):
            grey, white, fluid = anatomy(settings(atrophy=atrophy), 1, 45.0, GRID, positive).tissue
            return float(grey.sum() + white.sum()), float(fluid.sum())

        (tissue, fluid), (less_tissue, more_fluid) = volumes(0.0), volumes(0.1)
        assert less_tissue == pytest.approx(0.9 * tissue, rel=1e-3)
        assert more_fluid - fluid == pytest.approx(tissue - less_tissue, rel=1e-3)
        assert volumes(0.1, positive=False) == pytest.approx(volumes(0.0))

    def test_age_costs_tissue_if_asked(self):
        def tissue(effect, age):
            return float(anatomy(settings(age_effect=effect), 1, age, GRID, False).tissue[:2].sum())

        assert tissue(0.0, 70.0) == tissue(0.0, 30.0)
        assert tissue(0.1, 70.0) < tissue(0.1, 45.0) < tissue(0.1, 30.0)

    def test_lesion_load_is_monotone(self):
        loads = [0.0, 0.5, 1.0, 2.0, 4.0]
        volumes = [sum(patient(settings(lesion_load=load), k).lesions.sum() for k in range(6)) for load in loads]
        assert volumes[0] == 0
        assert volumes == sorted(volumes)
        assert len(set(volumes)) == len(volumes)

    def test_every_patient_has_a_lesion(self):
        assert all(patient(settings(lesion_load=0.05), k).lesions.max() > 0.05 for k in range(8))


class TestRender:
    own = settings()

    def volume(self, *, pathology: bool, own: PhantomSettings | None = None):
        own = own or self.own
        return render(own, patient(own), sites(own)[0], GRID, pathology=pathology)

    def test_shapes_and_types(self):
        found = self.volume(pathology=True)
        assert found.image.shape == (1, *GRID.shape)
        assert found.image.dtype == np.float32
        assert found.foreground.dtype == found.mask.dtype == np.bool_
        assert np.isfinite(found.image).all()

    def test_image_is_zero_outside_the_brain_and_positive_inside(self):
        found = self.volume(pathology=True)
        assert (found.image[0][~found.foreground] == 0).all()
        assert (found.image[0][found.foreground] > 0).mean() > 0.999
        assert 0.1 < found.foreground.mean() < 0.5

    def test_mask_lies_in_the_brain(self):
        found = self.volume(pathology=True)
        assert found.mask.sum() > 10
        assert not (found.mask & ~found.foreground).any()

    def test_without_pathology_the_mask_is_empty(self):
        assert not self.volume(pathology=False).mask.any()

    def test_pathology_changes_the_image_near_the_mask_only(self):
        sick, healthy = self.volume(pathology=True), self.volume(pathology=False)
        change = np.abs(sick.image[0] - healthy.image[0])
        assert change[sick.mask].mean() > 0.1
        assert change[~sick.mask].mean() < 0.1 * change[sick.mask].mean()
        np.testing.assert_array_equal(sick.foreground, healthy.foreground)

    def test_lesions_are_brighter_than_what_they_replace(self):
        sick, healthy = self.volume(pathology=True), self.volume(pathology=False)
        assert (sick.image - healthy.image)[0][sick.mask].mean() > 0

    def test_lesion_contrast_acts(self):
        def contrast(factor):
            own = settings(lesion_contrast=factor)
            sick, healthy = (self.volume(pathology=p, own=own) for p in (True, False))
            return float((sick.image - healthy.image)[0][sick.mask].mean())

        assert contrast(0.5) < contrast(1.0) < contrast(2.0)

    def test_deterministic(self):
        first, second = self.volume(pathology=True), self.volume(pathology=True)
        np.testing.assert_array_equal(first.image, second.image)
        np.testing.assert_array_equal(first.mask, second.mask)

    def test_load_renders_the_subject_at_its_own_site(self):
        found = cohort(n=10)
        for sample in found.samples[:2]:
            own = settings(n=10)
            simulation = sample.simulation
            subject = anatomy(own, simulation["index"], simulation["age"], GRID, sample.positive)
            expected = render(own, subject, site_of(own, sample.origins["site"]), GRID, pathology=sample.positive)
            loaded = PhantomReader().load(Sample.from_dict(sample.to_dict()), GRID, "auto")
            np.testing.assert_array_equal(loaded.image, expected.image)
            assert loaded.mask.any() == sample.positive


class TestCounterfactuals:
    def test_every_site_without_then_with_pathology(self):
        sample = cohort(n=10).samples[1]
        found = list(counterfactuals(sample, GRID))
        names = [site.name for site in sites(settings())]
        assert [(name, pathology) for name, pathology, _ in found] == [
            (name, pathology) for pathology in (False, True) for name in names
        ]
        assert all(volume.mask.any() == pathology for _, pathology, volume in found)

    @pytest.mark.parametrize("row", [0, 1], ids=["healthy", "patient"])
    def test_the_factual_one_is_among_them(self, row):
        sample = cohort(n=10, atrophy=0.1, age_effect=0.1).samples[row]
        own = PhantomReader().load(sample, GRID, "auto")
        (same,) = (
            volume
            for name, pathology, volume in counterfactuals(sample, GRID)
            if (name, pathology) == (sample.origins["site"], sample.positive)
        )
        np.testing.assert_array_equal(same.image, own.image)

    def test_nothing_planted_nothing_differs(self):
        sample = cohort(n=10, **NOTHING).samples[1]
        images = [volume.image for _, pathology, volume in counterfactuals(sample, GRID) if pathology]
        assert all((image == images[0]).all() for image in images)


class TestGrid:
    def test_the_phantoms_spacing_unless_the_protocol_says_otherwise(self):
        found = cohort(n=10)
        reader = PhantomReader()
        assert reader.grid(found, GridSettings.model_validate({})) == mni_grid(8.0)
        assert reader.grid(found, GridSettings.model_validate({"spacing": 6.0})) == mni_grid(6.0)


class TestSeverityBetweenSites:
    """Sites whose patients carry more lesions plant no signature, and must be told from one."""

    def test_outer_sites_differ_by_the_factor(self):
        samples = cohort(design="nested", patient_sites=3, severity_difference=0.7).samples
        loads = {sample.simulation["site"]: sample.simulation["severity"] for sample in samples if sample.positive}
        assert sorted(loads.values()) == pytest.approx([np.exp(-0.7), 1.0, np.exp(0.7)])

    def test_nothing_differs_by_default(self):
        assert {sample.simulation["severity"] for sample in cohort().samples} == {1.0}


def test_resampling_smooths_one_axis_or_another():
    own = settings(design="aliased", dataset_signature={"resampling": 1.0})
    clean = settings(design="aliased", **NOTHING)
    subject = patient(own)

    def roughness(phantom, site):
        image = render(phantom, subject, site, GRID, pathology=False).image[0]
        return [float(np.abs(np.diff(image, axis=axis)).mean()) for axis in (0, 2)]

    plain = roughness(clean, sites(clean)[0])
    one, other = sorted((roughness(own, site) for site in sites(own)), key=lambda pair: pair[0])
    assert one[0] < plain[0]
    assert other[1] < plain[1]
    assert one[0] < other[0]
    assert other[1] < one[1]
