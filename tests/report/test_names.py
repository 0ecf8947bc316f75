from __future__ import annotations

import pytest
from drawings import HOSTILE

from biasaudit.report.names import fitted, whole
from biasaudit.report.svg import text_width


@pytest.mark.parametrize("name", [*HOSTILE, "病院" * 30, "m" * 90, "🧠" * 40])
@pytest.mark.parametrize("width", [20.0, 100.0, 200.0])
def test_a_name_fits_its_place(name, width):
    shown = fitted(name, width)
    assert text_width(shown.strip("\u2068\u2069")) <= width
    assert shown.strip("\u2068\u2069").endswith("…") or shown == whole(name)


def test_a_name_that_fits_is_whole():
    assert fitted("site a", 60.0) == "site a"
    assert fitted("a\nb", 60.0) == "a b"


def test_a_name_from_the_right_is_kept_apart():
    assert whole("عربية") == "\u2068عربية\u2069"
    assert whole("\u202eabc") == " abc"
    assert len(whole("n" * 900)) == 300
