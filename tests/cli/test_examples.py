from __future__ import annotations

import shlex

import pytest
import typer.main

from biasaudit.cli import app
from biasaudit.cli.examples import EXAMPLES

COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]


def test_every_command_has_an_example():
    assert set(EXAMPLES) == set(COMMANDS)


@pytest.mark.parametrize("line", [line for lines in EXAMPLES.values() for line in lines])
def test_an_example_can_be_typed(line):
    words = shlex.split(line.partition(" > ")[0])
    assert words[0] == "biasaudit"
    with COMMANDS[words[1]].make_context(words[1], words[2:]):
        pass


@pytest.mark.parametrize("name", sorted(EXAMPLES))
def test_examples_are_of_their_command(name):
    assert EXAMPLES[name]
    assert all(line.split()[1] == name for line in EXAMPLES[name])
    assert all(f"\n\n{line}" in COMMANDS[name].epilog for line in EXAMPLES[name])
