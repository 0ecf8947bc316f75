from __future__ import annotations

from protocol.texts import PHANTOM, TABLE, faults
from ruamel.yaml import YAML

from biasaudit.protocol.faults import line_of


class TestFaults:
    def test_misspelt_keys_have_line_and_suggestion(self):
        found = faults(PHANTOM + "statistics:\n  alpha: 0.05\n  n_permutation: 500\n")
        assert found == [
            "/study/protocol.yaml:4: statistics.n_permutation: no such field; did you mean n_permutations?"
        ]

    def test_misspelt_top_level_key(self):
        assert faults("nmae: x\n" + PHANTOM) == ["/study/protocol.yaml:1: nmae: no such field; did you mean name?"]

    def test_misspelt_key_of_the_cohort(self):
        found = faults(TABLE + "  covariate: [age]\n")
        assert found == ["/study/protocol.yaml:6: cohort.covariate: no such field; did you mean covariates?"]

    def test_misspelt_key_deep_inside(self):
        found = faults("cohort:\n  reader: phantom\n  phantom:\n    n: 20\n    lesion_lod: 1\n")
        assert found == ["/study/protocol.yaml:5: cohort.phantom.lesion_lod: no such field; did you mean lesion_load?"]

    def test_a_key_in_the_wrong_section_is_sent_home(self):
        assert faults(PHANTOM + "batch_size: 3\n") == [
            "/study/protocol.yaml:2: batch_size: no such field; it belongs at target.training.batch_size"
        ]

    def test_all_faults_at_once_with_their_lines(self):
        found = faults(TABLE + "folds: {n: 1}\nstatistics:\n  alpha: 2\n  n_permutations: 5\ntarget: {netwrk: cnn}\n")
        lines = sorted(int(text.split(":")[1]) for text in found)
        assert lines == [6, 8, 9, 10]

    def test_values_seen_are_shown(self):
        (found,) = faults(PHANTOM + "folds: {n: 1}\n")
        assert found == "/study/protocol.yaml:2: folds.n: input should be greater than or equal to 2, not 1"

    def test_misspelt_key_beside_one_called_like_the_reader(self):
        (found,) = faults("cohort:\n  reader: phantom\n  phantom: {n: 20}\n  min_origin_siz: 2\n")
        assert found == "/study/protocol.yaml:4: cohort.min_origin_siz: no such field; did you mean min_origin_size?"

    def test_missing_key(self):
        found = faults("cohort:\n  reader: table\n  table: t.tsv\n  origins: [site]\n")
        assert len(found) == 1
        assert "cohort.label: required but missing" in found[0]

    def test_unknown_reader(self):
        (found,) = faults("name: x\ncohort:\n  reader: tabel\n")
        known = "`reader` must be bids, phantom, planted or table"
        assert found == f"/study/protocol.yaml:2: cohort: {known}, not 'tabel'; did you mean 'table'?"


class TestLineOf:
    def test_innermost_key_that_is_there(self):
        document = YAML().load("name: x\ncohort:\n  reader: table\narms:\n  - a\n  - b\n")
        assert line_of(document, ["cohort", "reader"]) == 3
        assert line_of(document, ["cohort", "label", "positive"]) == 2
        assert line_of(document, ["arms", 1]) == 6
        assert line_of(document, []) == 1
