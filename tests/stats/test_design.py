"""How class and origin lie: the regime by name."""

from __future__ import annotations

import numpy as np

from biasaudit.stats.design import regime


def test_one_shared_origin_makes_a_design_crossed():
    assert regime(np.array([True, True, False]), np.array(["a", "b", "a"])) == "crossed"


def test_a_design_in_which_no_class_spans_two_origins_is_aliased():
    label = np.array(["healthy", "tumour", "ms"])
    origin = np.array(["a", "b", "a"])
    assert regime(label == "ms", origin) == "crossed"
    assert regime(label == "ms", origin, label) == "aliased"
    assert regime(label[[0, 1, 2, 1]] == "ms", np.array(["a", "b", "a", "a"]), label[[0, 1, 2, 1]]) == "crossed"
