from __future__ import annotations

import pytest

from biasaudit.records import file_label


@pytest.mark.parametrize(
    ("text", "label"),
    [("ms", "ms"), ("site a/b", "siteab"), ("больной", "больной"), ("sub-1.2", "sub12"), ("A" * 30, "A" * 30)],
)
def test_letters_and_digits_stay(text, label):
    assert file_label(text, 30) == label


def test_characters_that_are_kept():
    assert file_label("sub-1.2 x", 30, kept="-.") == "sub-1.2x"


@pytest.mark.parametrize("text", ["A" * 250, "б" * 250, "//", "", "🙂", "A" * 31])
def test_what_is_cut_is_told_apart(text):
    label = file_label(text, 30)
    assert 12 <= len(label.encode()) <= 30
    assert label != file_label(text + "!", 30)
    assert label.isalnum()
