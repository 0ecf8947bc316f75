from __future__ import annotations

import pytest

from biasaudit.engine.results.remedies import propose_remedies


def arm(name, verdict="ORIGIN", **more):
    return {"name": name, "representation": name, "training": "all", "verdict": verdict, **more}


def change(name, quantity, difference, low, high):
    return {"arms": ["intensity", name], "quantity": quantity, "difference": difference, "low": low, "high": high}


IMAGES = ("harmonised", "tissue")


class TestPropose:
    def test_nothing_is_proposed_to_who_reads_pathology(self):
        assert propose_remedies([arm("intensity", "PATHOLOGY")], [], "crossed", 0.1, inputs=IMAGES) == []

    def test_what_was_tried_is_said_as_the_remedy_less_the_primary_arm(self):
        compared = [change("tissue", "reliance", 0.3, 0.1, 0.5), change("tissue", "auc", -0.05, -0.1, 0.0)]
        first = propose_remedies([arm("intensity"), arm("tissue", "MIXED")], compared, "nested", 0.1, inputs=IMAGES)[0]
        assert first["action"] == (
            "tissue was tried: the reliance falls by 30 points (10 to 50), "
            "the AUC is not shown to change (+0.05; 0.00 to +0.10), the verdict is MIXED."
        )

    def test_an_interval_about_0_shows_nothing(self):
        compared = [change("tissue", "reliance", 0.3, -0.1, 0.7)]
        first = propose_remedies([arm("intensity"), arm("tissue")], compared, "nested", 0.1, inputs=IMAGES)[0]
        assert first["action"] == (
            "tissue was tried: the reliance is not shown to change (-30 points; -70 to +10), still ORIGIN."
        )
        assert first["reason"] == "remedy tried, against intensity"

    def test_the_level_of_an_interval_is_said(self):
        compared = [{**change("tissue", "reliance", 0.3, 0.1, 0.5), "level": 0.95}]
        first = propose_remedies([arm("intensity"), arm("tissue")], compared, "nested", 0.1, inputs=IMAGES)[0]
        assert "falls by 30 points (95 % interval 10 to 50)" in first["action"]

    @pytest.mark.parametrize(("regime", "offered"), [("crossed", True), ("nested", False), ("aliased", False)])
    def test_balance_is_offered_where_it_can_be_had(self, regime, offered):
        said = " ".join(each["action"] for each in propose_remedies([arm("intensity")], [], regime, 0.1, inputs=IMAGES))
        assert ("training: balanced" in said) == offered
        assert "`biasaudit run PROTOCOL -o OUT --with-remedies` tries intensities on one" in said
        assert "72 of each class in each of two sites" in said

    def test_a_changed_auc_is_said_with_its_direction(self):
        compared = [change("tissue", "auc", 0.08, 0.031, 0.12), change("combat", "auc", -0.08, -0.12, -0.031)]
        arms = [arm("intensity"), arm("tissue"), arm("combat")]
        worse, better = propose_remedies(arms, compared, "crossed", 0.1, inputs=[])[:2]
        assert "the AUC falls by 0.08 (0.03 to 0.12)" in worse["action"]
        assert "the AUC rises by 0.08 (0.03 to 0.12)" in better["action"]

    @pytest.mark.parametrize(("regime", "offered"), [("crossed", True), ("nested", False)])
    def test_tables_are_offered_what_acts_on_features(self, regime, offered):
        said = " ".join(e["action"] for e in propose_remedies([arm("features")], [], regime, 0.1, inputs=["combat"]))
        assert ("ComBat" in said) == offered
        assert "tissue" not in said

    def test_a_network_trained_elsewhere_is_not_trained_here(self):
        proposals = propose_remedies([arm("intensity")], [], "crossed", 0.1, inputs=IMAGES, ready_made=True)
        assert len(proposals) == 2  # train it again elsewhere, and more data
        said = " ".join(proposal["action"] for proposal in proposals)
        assert "trained by the same recipe" in said
        assert "--with-remedies" not in said

    def test_only_what_can_be_made_is_proposed(self):
        proposals = propose_remedies([arm("intensity")], [], "nested", 0.1, inputs=["harmonised"])
        assert len(proposals) == 2  # the input, and more data
        said = proposals[0]["action"]
        assert "`harmonised`" in said
        assert "tissue" not in said
