from __future__ import annotations

import pytest
from pydantic import ValidationError

from biasaudit.protocol.section import Section, as_values, built_in_or_own, shortened


class TestAsValues:
    def test_a_list_of_one_is_its_value(self):
        assert as_values(["a"]) == as_values("a") == "a"
        assert as_values(("b", "a")) == ["b", "a"]

    @pytest.mark.parametrize("value", [[], {}, 1e300, float("nan"), ["a", None], ["a", "a"], [1, "1"]])
    def test_anything_else_is_refused(self, value):
        with pytest.raises(ValueError, match=r"is named twice|expected a text or a list of texts"):
            as_values(value)

    def test_numbers_and_truth_values_are_the_texts_of_a_table(self):
        assert as_values(1) == "1"
        assert as_values([True, 2.5]) == ["true", "2.5"]


def test_a_built_in_name_or_an_import_string():
    check = built_in_or_own("adam", "sgd")
    assert check("adam") == "adam"
    assert check(["sgd", "own.py:step"]) == ["sgd", "own.py:step"]
    with pytest.raises(ValueError, match=r"'adm' is none of adam, sgd, and no import string .*; did you mean adam"):
        check("adm")


def test_long_values_are_cut():
    assert shortened("abc") == "'abc'"
    assert len(shortened("x" * 100)) == 60
    assert shortened("x" * 100).endswith("...")


def test_a_section_is_frozen_and_knows_its_keys():
    class Small(Section):
        size: int = 1

    with pytest.raises(ValidationError, match="frozen"):
        Small().size = 2
    with pytest.raises(ValidationError, match="Extra inputs"):
        Small.model_validate({"sise": 1})
