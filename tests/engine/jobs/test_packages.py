"""Which installed packages code imports."""

from __future__ import annotations

import ast
import importlib.metadata

import pytest

from biasaudit.engine.jobs.packages import installed_versions, packages_named


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("import numpy.linalg, json", {"numpy"}),
        ("from sklearn.svm import SVC", {"sklearn"}),
        ("from . import sibling", set()),
        ("from ..helpers import deep", set()),
        ("import os", set()),
        ("value = 1", set()),
    ],
)
def test_packages_of_a_statement_are_those_outside_the_standard_library(statement, named):
    (node,) = ast.parse(statement).body
    assert set(packages_named(node)) == named


def test_versions_are_those_of_the_distributions():
    expected = [(name, importlib.metadata.version(name)) for name in ("numpy", "scikit-learn")]
    assert installed_versions(["sklearn", "numpy", "numpy"]) == expected


def test_what_was_not_installed_has_no_version():
    assert installed_versions(["no_such_package_at_all"]) == []
