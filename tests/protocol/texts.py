"""Short protocols for the tests, and the faults of a text."""

from __future__ import annotations

from pathlib import Path

import pytest
from ruamel.yaml import YAML

from biasaudit.errors import ProtocolError
from biasaudit.protocol import Protocol, parse_protocol

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


def plain(text: str):
    return YAML(typ="safe").load(text)
