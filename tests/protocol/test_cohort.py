from __future__ import annotations

from pathlib import Path

import pytest
from protocol.texts import PHANTOM, TABLE, faults, parse

from biasaudit.protocol import dump_protocol


class TestSections:
    def test_one_name_counts_as_a_list_of_one(self):
        assert parse(TABLE).cohort.origins == ["site"]

    def test_bids_roots(self):
        text = "cohort: {reader: bids, roots: [ixi, /data/ofsep], label: {positive: ms}}\n"
        assert parse(text).cohort.roots == [Path("/study/ixi"), Path("/data/ofsep")]
        assert parse(text.replace("[ixi, /data/ofsep]", "ixi")).cohort.roots == [Path("/study/ixi")]


class TestSeveralClasses:
    def label(self, text: str):
        return parse(TABLE.replace("{positive: ms}", text)).cohort.label

    def test_several_positive_values_keep_their_order(self):
        assert self.label("{positive: [tumour, ms], negative: hc}").positives == ("tumour", "ms")

    def test_a_list_of_one_is_the_same_protocol(self):
        assert self.label("{positive: [ms]}") == self.label("{positive: ms}")
        assert self.label("{positive: [ms]}").positive == "ms"

    def test_numbers_and_truth_values_need_no_quotes(self):
        label = self.label("{positive: 1, negative: 0}")
        assert (label.positive, label.negative) == ("1", "0")
        label = self.label("{positive: true, negative: False}")
        assert (label.positive, label.negative) == ("true", "false")

    def test_survives_dumping(self, tmp_path):
        protocol = parse(TABLE.replace("{positive: ms}", "{positive: [tumour, ms]}"))
        assert parse(dump_protocol(protocol), tmp_path / "p.yaml").cohort.label == protocol.cohort.label

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("{positive: [ms, ms]}", "'ms' is named twice"),
            ("{positive: [1, {}]}", "expected a text or a list of texts, not [1, {}]; put other values in quotes"),
            ("{positive: 2019-03-01}", "expected a text or a list of texts, not"),
            ("{positive: []}", "expected a text or a list of texts"),
            ("{positive: [ms, hc], negative: hc}", "'hc' is both `positive` and `negative`"),
        ],
    )
    def test_one_fault_says_what_is_wrong(self, text, expected):
        (fault,) = faults(TABLE.replace("{positive: ms}", text))
        assert fault.startswith("/study/protocol.yaml:4:")
        assert expected in fault

    def test_a_simulated_cohort_has_two_classes(self):
        (fault,) = faults("cohort: {reader: phantom, label: {positive: [a, b]}}\n")
        assert "positive" in fault


class TestWhatIsKnownOfACohort:
    def test_images_unless_scores_or_features_are_given(self):
        assert parse(TABLE).cohort.has_images
        assert not parse(TABLE + "  score: logit\n").cohort.has_images
        assert not parse(TABLE + "  predictions: p.tsv\n").cohort.has_images
        assert not parse(TABLE + "  features: lh_*\n").cohort.has_images

    def test_only_a_simulated_cohort_has_a_truth(self):
        phantom, table = parse(PHANTOM).cohort, parse(TABLE).cohort
        assert (phantom.simulated, phantom.truth_subjects) == (True, phantom.phantom.truth_subjects)
        assert (table.simulated, table.truth_subjects) == (False, 0)
        assert parse("cohort: {reader: phantom, phantom: {truth_subjects: 3}}\n").cohort.truth_subjects == 3


class TestTheDiseaseField:
    @pytest.mark.parametrize(
        ("text", "name", "value"),
        [
            ("centre", "rule", "centre"),
            ("foreground", "rule", "foreground"),
            ("masks/field.png", "mask", Path("/study/masks/field.png")),
            ("{column: field}", "column", "field"),
            ("{atlas: a.nii.gz, labels: [3, 4]}", "atlas", Path("/study/a.nii.gz")),
        ],
    )
    def test_its_forms(self, text, name, value, tmp_path):
        protocol = parse(TABLE + f"  field: {text}\n")
        assert getattr(protocol.cohort.field, name) == value
        assert parse(dump_protocol(protocol), tmp_path / "p.yaml").cohort.field == protocol.cohort.field

    def test_none_by_default(self):
        assert parse(TABLE).cohort.field is None
        assert parse(TABLE + "  field: null\n").cohort.field is None

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("{}", "expected `centre`, `foreground`, a mask file"),
            ("{column: a, atlas: b.nii, labels: [1]}", "expected `centre`, `foreground`, a mask file"),
            ("{atlas: a.nii}", "`atlas` and `labels` go together"),
            ("{rule: centre, labels: [1]}", "`atlas` and `labels` go together"),
            ("{atlas: a.nii, labels: [0]}", "greater than or equal to 1"),
            ("{colum: field}", "did you mean column?"),
        ],
    )
    def test_others_are_refused_with_their_line(self, text, expected):
        (fault,) = faults(TABLE + f"  field: {text}\n")
        assert expected in fault
        assert "cohort.field" in fault
