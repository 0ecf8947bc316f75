from __future__ import annotations

import pytest
from protocol.texts import PHANTOM, faults, parse
from pydantic import ValidationError


class TestSections:
    def test_minimal(self):
        protocol = parse(PHANTOM)
        assert protocol.cohort.reader == "phantom"
        assert [(arm.name, arm.representation) for arm in protocol.arms] == [("intensity", "intensity")]
        assert protocol.folds.n == 5
        assert protocol.checks == "default"

    def test_arms_by_name_or_in_full(self):
        protocol = parse(PHANTOM + "arms: [tissue, {name: mine, representation: tissue}]\n")
        assert [arm.name for arm in protocol.arms] == ["tissue", "mine"]

    def test_frozen(self):
        with pytest.raises(ValidationError):
            parse(PHANTOM).name = "other"


class TestRefused:
    def test_two_arms_of_one_name(self):
        (found,) = faults(PHANTOM + "arms: [tissue, tissue]\n")
        assert "two arms are called 'tissue'" in found

    def test_thresholds_out_of_order(self):
        (found,) = faults(PHANTOM + "verdict: {low: 0.4, tolerance: 0.25}\n")
        assert "expected low <= tolerance <= high" in found
        assert found.startswith("/study/protocol.yaml:2: verdict")
