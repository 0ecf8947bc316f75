"""What tests of figures look for in a plot."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from biasaudit.report.panels import Plot, inline, standalone
from biasaudit.report.svg import text_width

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = ("$a_b^$ <script>x</script>", "\u202eالعربية", "🧠 病院 & ]]>", "n" * 247)


def panels_of(plot: Plot) -> list[ElementTree.Element]:
    """Panels of the file of a plot."""
    return ElementTree.fromstring(standalone(plot)).findall(f"{SVG}svg")


def titles_of(part: ElementTree.Element) -> list[str]:
    """Words of every mark."""
    return [str(title.text) for title in part.iter(f"{SVG}title")]


def texts_of(part: ElementTree.Element) -> list[str]:
    """Text that is drawn, without the words of marks."""
    return ["".join([text.text or "", *(each.tail or "" for each in text)]) for text in part.iter(f"{SVG}text")]


def words_of(plot: Plot) -> list[str]:
    """Words of the keys."""
    return [key.words for key in plot.keys]


def is_sound(plot: Plot, alt: str = "what it shows") -> bool:
    """Whether a plot is well formed, holds no id, and shows every colour by a variable."""
    page = str(inline(plot, alt))
    root = ElementTree.fromstring(page)
    assert standalone(plot) == standalone(plot)
    assert ElementTree.fromstring(standalone(plot)).tag == f"{SVG}svg"
    assert not any("id" in each.attrib for each in root.iter())
    assert {each.tag for each in root.iter()} <= {"div", "p", "span", "svg", "g", "path", "circle", "text", "title"}
    styles = [each.get("style", "") for each in root.iter()]
    assert not any(re.sub(r"var\(--f-[a-z0-9-]+,#[0-9a-f]{6}\)", "", style).count("#") for style in styles)
    assert not any(each.get("fill") or each.get("stroke") for each in root.iter())
    assert root.findall(".//div[@role='img']")[0].get("aria-label") == alt
    for panel in panels_of(plot):
        for text in panel.iter(f"{SVG}text"):
            assert fits(text, float(panel.get("width", 0))), text.tail or text.text
    for each in root.iter("circle"):
        assert each.find("title") is not None or is_key(root, each)
    return True


def fits(text: ElementTree.Element, width: float) -> bool:
    """Whether a text stays inside its panel, were its letters as wide as is estimated."""
    words = "".join([text.text or "", *(each.tail or "" for each in text)]).strip("\u2068\u2069")
    own, x = text_width(words), float(text.get("x", 0))
    start = {"end": x - own, "middle": x - own / 2}.get(text.get("text-anchor", ""), x)
    return start >= -1 and start + own <= width + 12


def is_key(root: ElementTree.Element, mark: ElementTree.Element) -> bool:
    """Whether a mark stands in the keys."""
    return any(mark is each for keys in root.iter("p") for each in keys.iter())


def rows_of(part: ElementTree.Element, known: Sequence[str]) -> list[str]:
    """Those of the known labels that are drawn, in their order."""
    return [text for text in texts_of(part) if text in known]
