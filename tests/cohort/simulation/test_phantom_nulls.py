"""What makes a null hard to judge: few patients, wrong labels, benign findings, sites that vary unequally."""

from __future__ import annotations

import hashlib
import json

import numpy as np
import pytest

from biasaudit.cohort.images.template import mni_grid
from biasaudit.cohort.readers.phantom import PhantomReader
from biasaudit.cohort.simulation.phantom import Anatomy, acquired, anatomy, render, sites, with_finding
from biasaudit.protocol import PhantomCohort, PhantomSettings

GRID = mni_grid(8.0)
NOTHING = {"dataset_signature": {}, "site_signature": {}}


def settings(**changes) -> PhantomSettings:
    return PhantomSettings.model_validate({"spacing": 8.0, "lesion_load": 2.0, **changes})


def cohort(**changes):
    protocol = {"reader": "phantom", "phantom": settings(**changes).model_dump()}
    return PhantomReader().read(PhantomCohort.model_validate(protocol))


def patient(own: PhantomSettings):
    return anatomy(own, 1, 45.0, GRID, True)


GOLDEN = {
    "crossed": ("13223546b31f16ed", 2256.770, 1462.254),
    "nested": ("3a968ccd9c19ed3b", 2208.329, 1406.262),
    "aliased": ("074a1be110e07f50", 2341.821, 1573.574),
}


@pytest.mark.parametrize("design", GOLDEN)
def test_a_cohort_stays_what_it_was(design):
    """What identifies its jobs, and its images, whatever settings came later."""
    planted = {"severity_difference": 0.5, "atrophy": 0.05, "age_effect": 0.1, "age_difference": 4.0}
    found = cohort(design=design, n=40, confounding=0.6 if design == "crossed" else 0.0, seed=7, **planted)
    names = ("subject", "label", "positive", "has_mask", "origins", "covariates", "simulation")
    told = [[getattr(sample, name) for name in names] for sample in found.samples]
    image = PhantomReader().load(found.samples[3], GRID, "auto").image
    digest = hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:16]
    assert (digest, float(image.sum()), float((image**2).sum())) == (
        GOLDEN[design][0],
        pytest.approx(GOLDEN[design][1], rel=1e-5),
        pytest.approx(GOLDEN[design][2], rel=1e-5),
    )


class TestPrevalence:
    @pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.8])
    @pytest.mark.parametrize("design", ["crossed", "nested", "aliased"])
    def test_as_many_patients_as_asked_for_spread_over_the_cohort(self, share, design):
        positive = np.array([sample.positive for sample in cohort(design=design, n=200, prevalence=share).samples])
        assert positive.sum() == pytest.approx(200 * share, abs=1)
        assert positive[:100].sum() == pytest.approx(positive[100:].sum(), abs=1)

    def test_few_patients_keep_the_association(self):
        samples = cohort(design="crossed", n=600, confounding=0.5, prevalence=0.2).samples
        positive, second = np.array([(s.positive, s.origins["site"] == "s2") for s in samples]).T
        assert second[positive].mean() == pytest.approx(0.75, abs=0.1)
        assert second[~positive].mean() == pytest.approx(0.25, abs=0.1)


class TestLabelNoise:
    def test_images_show_the_truth_and_sites_go_with_the_label(self):
        right, noisy = (cohort(design="aliased", n=60, label_noise=share, **NOTHING) for share in (0.0, 0.2))
        wrong = [sample for sample in noisy.samples if "ill" in sample.simulation]
        assert 4 <= len(wrong) <= 20
        for sample in wrong[:3]:
            assert sample.simulation["ill"] != sample.positive
            shown, plain = (
                PhantomReader().load(own, GRID, "auto")
                for own in (sample, next(s for s in right.samples if s.subject == sample.subject))
            )
            assert (shown.image != plain.image).any()
            assert not shown.mask.any()  # nobody marks what nobody saw
        assert [s.origins for s in noisy.samples] == [s.origins for s in right.samples]

    def test_as_many_as_asked_for(self):
        wrong = sum("ill" in sample.simulation for sample in cohort(n=1000, label_noise=0.1).samples)
        assert wrong == pytest.approx(100, abs=30)


class TestHealthyMix:
    def shares(self, **mix):
        """Share of subjects with a finding, at the first and at the last site."""
        own = settings(design="aliased", **mix)
        subjects = [Anatomy(patient(own).tissue, patient(own).lesions, k) for k in range(40)]
        return [
            float(np.mean([with_finding(own, subject, site, GRID) is not subject.tissue for subject in subjects]))
            for site in sites(own)
        ]

    def test_equal_at_all_sites(self):
        first, last = self.shares(healthy_mix=0.5)
        assert first == last
        assert 0.25 < first < 0.75

    def test_more_at_one_site(self):
        first, last = self.shares(healthy_mix=0.5, healthy_mix_difference=0.4)
        assert first < 0.3
        assert last > 0.7

    def test_a_finding_is_dark_and_no_pathology(self):
        own, plain = settings(healthy_mix=1.0, **NOTHING), settings(**NOTHING)
        shown, none = (render(each, patient(each), sites(each)[0], GRID, pathology=True) for each in (own, plain))
        assert shown.image.sum() < none.image.sum()
        np.testing.assert_array_equal(shown.mask, none.mask)


class TestSiteSpread:
    def values(self, design, **more):
        own = settings(design=design, **NOTHING, site_spread={"blur": 0.5}, **more)
        return {site.name: [acquired(own, site, k).values["blur"] for k in range(300)] for site in sites(own)}

    @pytest.mark.parametrize(
        ("design", "varying"), [("crossed", {"s2"}), ("aliased", {"s2"}), ("nested", {"a3", "b2"})]
    )
    def test_half_of_the_sites_vary_about_their_mean(self, design, varying):
        found = self.values(design)
        assert {name for name, values in found.items() if np.std(values) > 0} == varying
        for values in found.values():
            assert np.mean(values) == pytest.approx(0.0, abs=0.1)
        assert all(np.std(found[name]) == pytest.approx(0.5, abs=0.06) for name in varying)

    def test_other_kinds_and_other_images_stay(self):
        own = settings(design="aliased", **NOTHING, site_spread={"blur": 0.5})
        first, second = sites(own)
        assert acquired(own, first, 3) == first
        assert {kind for kind, value in acquired(own, second, 3).values.items() if value} == {"blur"}
