"""Simulated feature tables: what is planted can be measured."""

from __future__ import annotations

import numpy as np
import pytest

from biasaudit.cohort.simulation.freesurfer import Strengths, feature_names, simulated_features

COUNT = 2000
POSITIVE = np.arange(COUNT) % 2 == 1
SITE = np.arange(COUNT) // 2 % 4
AGE = np.full(COUNT, 70.0)
NOTHING = Strengths(disease=0.0, site=0.0, age=0.0)


def simulate(strengths: Strengths, age=AGE):
    return simulated_features(POSITIVE, SITE, age, strengths, np.random.default_rng(5), 4)


def test_columns_are_those_of_freesurfer():
    table = simulate(NOTHING)
    assert tuple(table.columns) == feature_names()
    assert {"lh_entorhinal_thickness", "rh_entorhinal_thickness", "Right-Amygdala"} <= set(table.columns)
    assert len(table) == COUNT
    assert np.isfinite(table.to_numpy()).all()
    assert (table.to_numpy() > 0).all()


def test_the_disease_takes_its_regions_alone():
    clean, ill = simulate(NOTHING), simulate(Strengths(disease=1.0, site=0.0, age=0.0))
    loss = (clean - ill)[POSITIVE].mean()
    assert loss["lh_entorhinal_thickness"] == pytest.approx(0.15, abs=0.001)
    assert loss["Left-Hippocampus"] == pytest.approx(3900 * 0.12, rel=0.01)
    assert loss["Left-Pallidum"] == 0
    np.testing.assert_array_equal(clean[~POSITIVE], ill[~POSITIVE])


def test_sites_shift_what_the_disease_leaves():
    shift = (simulate(Strengths(0.0, 1.0, 0.0)) - simulate(NOTHING)).groupby(SITE).mean()
    assert (shift["Left-Pallidum"].abs() > 0).all()
    assert (shift["lh_entorhinal_thickness"] == 0).all()


def test_age_costs_tissue_and_widens_ventricles():
    old = simulate(Strengths(0.0, 0.0, 0.3), AGE + 12.0) - simulate(NOTHING)
    assert (old["Left-Lateral-Ventricle"] > 0).all()
    assert (old["Left-Hippocampus"] < 0).all()


def test_the_same_stream_gives_the_same_subjects():
    assert simulate(Strengths()).equals(simulate(Strengths()))
