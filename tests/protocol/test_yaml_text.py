"""Texts that are hostile, or no YAML: one line, soon."""

from __future__ import annotations

from pathlib import Path

import pytest
from protocol.texts import PHANTOM, faults, parse

from biasaudit.errors import ProtocolError
from biasaudit.protocol import load_protocol

LAYERS = "".join(f"{c}: &{c} [{','.join(['*' + a] * 9)}]\n" for a, c in zip("abcdefgh", "bcdefghi", strict=True))
HOSTILE = {
    "bomb": ("a: &a [x,x,x,x,x,x,x,x,x]\n" + LAYERS, ": more than 100000 values, with the aliases written out"),
    "deep": ("name: " + "[" * 30 + "]" * 30, "nested too deeply, expected at most 20 levels"),
    "deeper": ("name: " + "{a: " * 400 + "}" * 400, "nested too deeply, expected at most 20 levels"),
    "tag of Python": ("name: !!python/object/apply:os.system [id]", "2: name: a tag (tag:yaml.org,2002:python/object"),
    "own tag": ("name: !mine x", "2: name: a tag (!mine), expected plain values"),
    "bytes": ("name: !!binary aGVsbG8=", "2: name: a tag (!!binary), expected plain values"),
    "NUL": ('name: "a\\0b"', "2: name: a control character ('\\x00')"),
    "half a pair": ('name: "\\ud800"', "2: name: a control character ('\\ud800')"),
    "raw NUL": ("name: a\0b", "2: not valid YAML: unacceptable character #x0000"),
    "key": ("? [a, b]\n: 1", "the key \"('a', 'b')\" is no text"),
    "long number": ("name: " + "9" * 5000, "a value cannot be read (Exceeds the limit"),
    "date": ("name: 2024-99-99", "a value cannot be read (month must be in 1..12)"),
    "no number": ("name: !!int x", "a value cannot be read (invalid literal"),
    "cycle": ("name: &a [*a]", "name: input should be a valid string"),
}


@pytest.mark.parametrize(("text", "said"), HOSTILE.values(), ids=HOSTILE)
def test_hostile_text(text, said):
    (line,) = [own for own in faults(PHANTOM + text + "\n") if said in own]
    assert "\n" not in line
    assert line.startswith("/study/protocol.yaml")


def test_aliases_may_be_used():
    assert parse("cohort: {reader: phantom, origins: &o [site], covariates: [age]}\nchecks: &c [D1]\n").checks == ["D1"]


def test_only_regular_files_of_the_size_of_a_protocol(tmp_path):
    (tmp_path / "large.yaml").write_text("#" * 1_000_001)
    for path, said in (
        (Path("/dev/zero"), "a device, expected a regular file"),
        (tmp_path, "a folder, not a file"),
        (tmp_path / "large.yaml", "1 MB, expected at most 1 MB"),
        (tmp_path / "none.yaml", "no such file"),
        (Path("a\0b"), "its name has a NUL character"),
    ):
        with pytest.raises(ProtocolError) as caught:
            load_protocol(path)
        assert said in str(caught.value)


def test_a_byte_order_mark(tmp_path):
    (tmp_path / "p.yaml").write_text("\ufeff" + PHANTOM, "utf-8")
    assert load_protocol(tmp_path / "p.yaml").cohort.reader == "phantom"
