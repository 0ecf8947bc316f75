"""Settings of planted copies."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from biasaudit.errors import ProtocolError
from biasaudit.protocol import parse_protocol
from biasaudit.protocol.planted import PlantedCohort

TABLE = {"reader": "table", "table": "table.tsv", "label": {"positive": "ms"}, "origins": ["site"]}


def planted(**changes):
    return PlantedCohort.model_validate({"reader": "planted", "of": TABLE, **changes})


def test_the_truth_is_known():
    settings = planted(planting={"truth_subjects": 7})
    assert settings.simulated
    assert settings.truth_subjects == 7


def test_of_scores_features_and_phantoms_nothing_is_planted():
    for of in (TABLE | {"features": ["a"]}, TABLE | {"score": ["p"]}, {"reader": "phantom"}):
        with pytest.raises(ValidationError, match="real images"):
            planted(of=of)


def test_what_the_reader_of_the_images_does_not_know_is_refused():
    with pytest.raises(ValidationError, match="no_such_key"):
        planted(of=TABLE | {"no_such_key": 1})


def test_a_wrong_key_of_the_images_that_are_copied_is_told_by_their_reader(tmp_path):
    text = (
        "cohort:\n  reader: planted\n  of:\n    reader: table\n    table: t.tsv\n    label: {positive: ms}\n"
        "    origins: [site]\n    brain_mas: m\n"
    )
    with pytest.raises(ProtocolError, match=r"p.yaml:8: cohort.of.brain_mas: no such field.*did you mean brain_mask"):
        parse_protocol(text, tmp_path / "p.yaml")


def test_copies_are_not_copied_again():
    with pytest.raises(ValidationError, match="must be bids, phantom or table, not 'planted'"):
        planted(of={"reader": "planted", "of": TABLE})


def test_an_unknown_kind_of_signature_is_refused_with_the_known_ones():
    with pytest.raises(ValidationError, match=r"'zoom', 'shading', .* or 'ruler'"):
        planted(planting={"signature": {"blurr": 1.0}})
