from __future__ import annotations

import re

import pytest

from biasaudit.report.inks import CLASS_INKS, DEPTH_INKS, INKS, ORIGIN_INKS, literal, variable
from biasaudit.resources import templates_folder

DECORATION = {"paper", "guide", "grid", "line"}
"""Inks that nothing must be read from."""


def sheets() -> tuple[dict[str, str], dict[str, str]]:
    """Colours of the style sheet on a light page and on a dark one."""
    light, dark = (
        (templates_folder() / "figures.css").read_text().split("@media screen and (prefers-color-scheme: dark)")
    )
    return tuple(dict(re.findall(r"--f-([a-z0-9-]+): (#[0-9a-f]{6});", text)) for text in (light, dark))


def luminance(colour: str) -> float:
    parts = (int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5))
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first: str, second: str) -> float:
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_the_style_sheet_knows_every_ink_in_both_schemes():
    light, dark = sheets()
    assert light == dict(INKS)
    assert list(dark) == list(light)


@pytest.mark.parametrize("scheme", [0, 1])
def test_text_and_marks_stand_out(scheme):
    inks = sheets()[scheme]
    for name in set(INKS) - DECORATION:
        needed = 4.5 if name in ("ink", "soft") else 3.0
        assert contrast(inks[name], inks["paper"]) >= needed, name


def test_a_colour_without_a_name_is_refused():
    assert literal("#ffffff") == "#ffffff"
    assert variable(INKS["class-2"]) == f"var(--f-class-2,{INKS['class-2']})"
    with pytest.raises(ValueError, match="#123456 is no ink"):
        variable("#123456")


def test_inks_of_one_kind_differ():
    for kind in (CLASS_INKS, ORIGIN_INKS, DEPTH_INKS):
        for colours in ([sheet[name] for name in kind] for sheet in sheets()):
            assert len(set(colours)) == len(kind)
    assert (len(CLASS_INKS), len(ORIGIN_INKS), len(DEPTH_INKS)) == (4, 8, 4)
