from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from pydantic import ValidationError
from ruamel.yaml import YAML

from biasaudit.errors import ProtocolError
from biasaudit.protocol import Protocol, dump_protocol, json_schema, load_protocol, parse_protocol
from biasaudit.resources import protocols_folder

EXAMPLES = Path(__file__).resolve().parents[2] / "shared" / "examples"
PHANTOM = "cohort: {reader: phantom}\n"
TABLE = """\
cohort:
  reader: table
  table: data/table.tsv
  label: {positive: ms}
  origins: site
"""


def parse(text: str, path: Path = Path("/study/protocol.yaml")) -> Protocol:
    return parse_protocol(text, path)


def faults(text: str) -> list[str]:
    with pytest.raises(ProtocolError) as caught:
        parse(text)
    return [str(fault) for fault in caught.value.faults]


@pytest.fixture
def example() -> Path:
    path = EXAMPLES / "protocol.yaml"
    if not path.is_file():
        pytest.skip(f"the contract is not at {path}")
    return path


@pytest.fixture(scope="module")
def validator():
    schema = json.loads(json_schema())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def plain(text: str):
    return YAML(typ="safe").load(text)


class TestAccepted:
    def test_minimal(self):
        protocol = parse(PHANTOM)
        assert protocol.cohort.reader == "phantom"
        assert [(arm.name, arm.representation) for arm in protocol.arms] == [("intensity", "intensity")]
        assert protocol.folds.n == 5
        assert protocol.checks == "default"

    def test_one_name_counts_as_a_list_of_one(self):
        assert parse(TABLE).cohort.origins == ["site"]

    def test_arms_by_name_or_in_full(self):
        protocol = parse(PHANTOM + "arms: [tissue, {name: mine, representation: tissue}]\n")
        assert [arm.name for arm in protocol.arms] == ["tissue", "mine"]

    def test_relative_paths_start_at_the_protocol(self):
        protocol = parse(TABLE + "grid: {reference: ../ref.nii.gz}\n")
        assert protocol.cohort.table == Path("/study/data/table.tsv")
        assert protocol.grid.reference == Path("/ref.nii.gz")

    def test_absolute_paths_stay(self):
        assert parse(TABLE.replace("data/", "/data/")).cohort.table == Path("/data/table.tsv")

    def test_bids_roots(self):
        text = "cohort: {reader: bids, roots: [ixi, /data/ofsep], label: {positive: ms}}\n"
        assert parse(text).cohort.roots == [Path("/study/ixi"), Path("/data/ofsep")]
        assert parse(text.replace("[ixi, /data/ofsep]", "ixi")).cohort.roots == [Path("/study/ixi")]

    def test_load_reads_from_the_folder_of_the_file(self, tmp_path):
        file = tmp_path / "protocol.yaml"
        file.write_text(TABLE)
        assert load_protocol(file).cohort.table == tmp_path / "data" / "table.tsv"

    def test_frozen(self):
        with pytest.raises(ValidationError):
            parse(PHANTOM).name = "other"

    def test_contract_is_accepted_with_its_values(self, example):
        protocol = load_protocol(example)
        written = plain(example.read_text())
        assert protocol.target.training.learning_rate == written["target"]["training"]["learning_rate"]
        assert protocol.cohort.table == (example.parent / "table.tsv").resolve()
        assert protocol.cohort.covariates == ["age", "sex"]
        assert (protocol.verdict.high, protocol.verdict.low) == (0.5, 0.1)

    def test_every_key_of_the_contract_is_a_field(self, example):
        resolved = load_protocol(example).model_dump(mode="json")

        def missing(written, known, prefix=""):
            for key, value in written.items():
                if key not in known:
                    yield prefix + key
                elif isinstance(value, dict) and isinstance(known[key], dict):
                    yield from missing(value, known[key], f"{prefix}{key}.")

        assert list(missing(plain(example.read_text()), resolved)) == []


class TestRefused:
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
        known = "`reader` must be bids, phantom or table"
        assert found == f"/study/protocol.yaml:2: cohort: {known}, not 'tabel'; did you mean 'table'?"

    def test_weights_are_one_file_or_several_but_nothing_else(self):
        (found,) = faults(PHANTOM + "target: {weights: 3}\n")
        assert "target.weights" in found
        parsed = parse_protocol(PHANTOM + "target: {weights: net.pt, network: 'own.py:build'}\n", Path("/a/p.yaml"))
        assert parsed.target.weights == [Path("/a/net.pt")]
        assert parsed.target.network == "/a/own.py:build"

    def test_two_arms_of_one_name(self):
        (found,) = faults(PHANTOM + "arms: [tissue, tissue]\n")
        assert "two arms are called 'tissue'" in found

    def test_thresholds_out_of_order(self):
        (found,) = faults(PHANTOM + "verdict: {low: 0.4, tolerance: 0.25}\n")
        assert "expected low <= tolerance <= high" in found
        assert found.startswith("/study/protocol.yaml:2: verdict")

    def test_broken_yaml_has_its_line(self):
        (found,) = faults("name: x\ncohort: {reader: phantom\nfolds: {n: 3}\n")
        assert "not valid YAML" in found
        assert found.startswith("/study/protocol.yaml:3:")

    @pytest.mark.parametrize(
        ("name", "text"), [("t.tsv", "subject\timage\ns1\t1\n"), ("t.csv", "subject,image\ns1,1\n")]
    )
    def test_a_table_is_told_how_a_protocol_is_drafted(self, name, text, tmp_path):
        (tmp_path / name).write_text(text)
        with pytest.raises(ProtocolError, match=rf"`biasaudit init .*{name}` drafts a protocol"):
            load_protocol(tmp_path / name)

    def test_a_folder_is_no_protocol(self, tmp_path):
        with pytest.raises(ProtocolError, match="a folder, not a file; give the path of a protocol"):
            load_protocol(tmp_path)

    def test_duplicate_key_has_its_line(self):
        (found,) = faults(PHANTOM + "name: a\nname: b\n")
        assert found.startswith("/study/protocol.yaml:3:")
        assert "duplicate key" in found

    @pytest.mark.parametrize("text", ["", "# nothing\n", "- a\n- b\n", "just text\n"])
    def test_no_mapping(self, text):
        (found,) = faults(text)
        assert "expected keys and values" in found

    def test_no_such_file(self, tmp_path):
        with pytest.raises(ProtocolError, match=r"absent\.yaml: no such file"):
            load_protocol(tmp_path / "absent.yaml")

    def test_not_text(self, tmp_path):
        file = tmp_path / "protocol.yaml"
        file.write_bytes(b"\xff\xfe\x00binary\x80")
        with pytest.raises(ProtocolError, match="cannot be read"):
            load_protocol(file)


class TestRoundTrip:
    @pytest.mark.parametrize(
        "text",
        [
            PHANTOM,
            TABLE + "arms: [intensity, tissue]\nverdict: {low: 0.05}\nchecks: [D1, U4]\n",
            "cohort: {reader: bids, roots: [x, y], label: {positive: ms}, origins: [dataset, Manufacturer]}\n",
        ],
        ids=["phantom", "table", "bids"],
    )
    def test_dump_then_load(self, text, tmp_path):
        protocol = parse(text)
        file = tmp_path / "protocol.yaml"
        file.write_text(dump_protocol(protocol))
        assert load_protocol(file) == protocol

    def test_dump_of_the_contract(self, example, tmp_path):
        protocol = load_protocol(example)
        assert parse(dump_protocol(protocol), tmp_path / "protocol.yaml") == protocol

    def test_dump_names_its_schema(self):
        assert dump_protocol(parse(PHANTOM)).startswith("# yaml-language-server: $schema=protocol.schema.json\n")


class TestSchema:
    def test_accepts_the_contract(self, validator, example):
        validator.validate(plain(example.read_text()))

    def test_accepts_the_ready_protocols(self, validator):
        for file in sorted(protocols_folder().glob("*.yaml")):
            if not file.stem.startswith("calibration"):  # a grid of protocols, not a protocol
                validator.validate(plain(file.read_text()))

    def test_accepts_what_is_dumped(self, validator):
        for text in (PHANTOM, TABLE):
            validator.validate(plain(dump_protocol(parse(text))))

    @pytest.mark.parametrize("extra", ["nmae: x\n", "folds: {n: 1}\n", "target: {training: {epoch: 3}}\n"])
    def test_refuses_what_loading_refuses(self, validator, extra):
        assert not validator.is_valid(plain(PHANTOM + extra))
        faults(PHANTOM + extra)

    @pytest.mark.parametrize(
        "text",
        [
            TABLE.replace("origins: site", "origins: [site]"),
            TABLE,
            PHANTOM + "arms: [intensity]\n",
            "cohort: {reader: bids, roots: x, label: {positive: ms}}\n",
        ],
        ids=["list", "one name", "arm by name", "one root"],
    )
    def test_accepts_what_loading_accepts(self, validator, text):
        parse(text)
        validator.validate(plain(text))


class TestSeveralClasses:
    def label(self, text: str):
        return parse(TABLE.replace("{positive: ms}", text)).cohort.label

    def test_several_positive_values_keep_their_order(self):
        assert self.label("{positive: [tumour, ms], negative: hc}").positives == ("tumour", "ms")

    def test_a_list_of_one_is_the_same_protocol(self):
        assert self.label("{positive: [ms]}") == self.label("{positive: ms}")
        assert self.label("{positive: [ms]}").positive == "ms"

    def test_survives_dumping(self, tmp_path):
        protocol = parse(TABLE.replace("{positive: ms}", "{positive: [tumour, ms]}"))
        assert parse(dump_protocol(protocol), tmp_path / "p.yaml").cohort.label == protocol.cohort.label

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("{positive: [ms, ms]}", "'ms' is named twice"),
            ("{positive: [1, 2]}", "expected a text or a list of texts, not [1, 2]; put numbers in quotes"),
            ("{positive: 1}", "expected a text or a list of texts, not 1; put numbers in quotes"),
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
