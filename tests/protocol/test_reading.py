from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from protocol.texts import PHANTOM, TABLE, faults, parse, plain

from biasaudit.errors import Fault, ProtocolError
from biasaudit.protocol import dump_protocol, json_schema, load_protocol, with_lines
from biasaudit.resources import protocols_folder

EXAMPLES = Path(__file__).resolve().parents[3] / "shared" / "examples"


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


class TestAccepted:
    def test_relative_paths_start_at_the_protocol(self):
        protocol = parse(TABLE + "grid: {reference: ../ref.nii.gz}\n")
        assert protocol.cohort.table == Path("/study/data/table.tsv")
        assert protocol.grid.reference == Path("/ref.nii.gz")

    def test_absolute_paths_stay(self):
        assert parse(TABLE.replace("data/", "/data/")).cohort.table == Path("/data/table.tsv")

    def test_backslashes_part_folders_unless_a_file_is_called_so(self, tmp_path):
        text = TABLE.replace("data/table.tsv", "data\\table.tsv")
        assert parse(text).cohort.table == Path("/study/data/table.tsv")
        (tmp_path / "data\\table.tsv").touch()
        assert parse(text, tmp_path / "protocol.yaml").cohort.table == tmp_path / "data\\table.tsv"

    def test_load_reads_from_the_folder_of_the_file(self, tmp_path):
        file = tmp_path / "protocol.yaml"
        file.write_text(TABLE)
        assert load_protocol(file).cohort.table == tmp_path / "data" / "table.tsv"

    @pytest.mark.parametrize("coding", ["utf-8-sig", "utf-16"])
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_marks_of_the_byte_order_and_ends_of_lines(self, tmp_path, coding, end):
        (tmp_path / "p.yaml").write_bytes(TABLE.replace("\n", end).encode(coding))
        assert load_protocol(tmp_path / "p.yaml").cohort.reader == "table"

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

    def test_text_of_another_coding_has_its_line(self, tmp_path):
        (tmp_path / "p.yaml").write_bytes(f"# a\n# \u00e9\n{TABLE}".encode("latin-1"))
        with pytest.raises(ProtocolError, match=r"p.yaml:2: not UTF-8 text \(byte 0xe9\); save the protocol as UTF-8"):
            load_protocol(tmp_path / "p.yaml")

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
        file.write_bytes(b"\xfe\x00binary\x80")
        with pytest.raises(ProtocolError, match=r"protocol.yaml:1: not UTF-8 text \(byte 0xfe\)"):
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


class TestWithLines:
    def test_a_fault_gets_the_line_of_its_key(self, tmp_path):
        file = tmp_path / "protocol.yaml"
        file.write_text(PHANTOM + "arms:\n  - intensity\n  - tissue\n")
        (found,) = with_lines([Fault("arms.1", "no tissue", "leave it out")], file)
        assert found == Fault(f"{file}:4", "arms.1: no tissue", "leave it out")

    def test_a_fault_elsewhere_is_left_as_it_is(self, tmp_path):
        file = tmp_path / "protocol.yaml"
        file.write_text(PHANTOM)
        fault = Fault("table.tsv:3", "no label")
        assert with_lines([fault], file) == [fault]
        assert with_lines([fault], tmp_path / "absent.yaml") == [fault]
