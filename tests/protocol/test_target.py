from __future__ import annotations

from pathlib import Path

import pytest
from protocol.texts import PHANTOM, faults, parse

from biasaudit.protocol import parse_protocol


class TestPaths:
    def test_weights_are_one_file_or_several_but_nothing_else(self):
        (found,) = faults(PHANTOM + "target: {weights: 3}\n")
        assert "target.weights" in found
        parsed = parse_protocol(PHANTOM + "target: {weights: net.pt, network: 'own.py:build'}\n", Path("/a/p.yaml"))
        assert parsed.target.weights == [Path("/a/net.pt")]
        assert parsed.target.network == "/a/own.py:build"


class TestTraining:
    @pytest.mark.parametrize("key", ["loss", "optimiser", "augment"])
    def test_a_misspelt_name_is_told_the_right_one(self, key):
        name = {"loss": "focall", "optimiser": "adamm", "augment": "flipp"}[key]
        (found,) = faults(PHANTOM + f"target: {{training: {{{key}: {name}}}}}\n")
        assert found.startswith(f"/study/protocol.yaml:2: target.training.{key}: {name!r} is none of ")
        assert found.endswith(f"; did you mean {name[:-1]}?")

    def test_functions_of_the_user_are_named_with_their_field(self):
        training = parse(
            PHANTOM + "target: {training: {loss: 'l.py:loss', augment: [flip, 'a.py:turn']}}\n"
        ).target.training
        assert training.own == (("loss", "/study/l.py:loss"), ("augment", "/study/a.py:turn"))

    def test_a_loop_of_the_user_stands_alone(self):
        (found,) = faults(PHANTOM + "target: {training: {fit: 'own.py:fit', loss: focal, schedule: constant}}\n")
        assert "`fit` trains in place of the tool's own loop: leave out loss, schedule" in found

    def test_a_loop_is_an_import_string(self):
        (found,) = faults(PHANTOM + "target: {training: {fit: own}}\n")
        assert "`fit` is an import string such as own.py:fit, not 'own'" in found
