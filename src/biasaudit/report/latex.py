"""Text of any origin as LaTeX that compiles: what LaTeX acts on is escaped, what it cannot print is named."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence

__all__ = ["latex", "latex_document"]

_ESCAPES = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    "–": "--",
    "—": "---",
    "’": "'",
    "‘": "`",
    "“": "``",
    "”": "''",
    "−": r"\ensuremath{-}",
    "≤": r"\ensuremath{\leq}",
    "≥": r"\ensuremath{\geq}",
    "×": r"\ensuremath{\times}",
    "±": r"\ensuremath{\pm}",
    "\u00a0": r"\nobreakspace{}",
    "\u202f": r"\,",
}
_SPECIAL = re.compile("|".join(map(re.escape, _ESCAPES)))
_LIGATURES = re.compile(r"(?<=[-',])(?=[-',])")
_BLANKS = re.compile(r"[ \t\r\n\f\v]+")
_UNPRINTABLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff]")
_UNKNOWN_TO_PDFTEX = re.compile("[^\x00-\u017f]|[\u0126\u0127\u0138\u013f\u0140\u0149\u0166\u0167\u017f]")
"""Fonts of the T1 encoding hold nearly all Latin letters up to here."""


def latex(text: object) -> str:
    r"""Escape text, so that LaTeX prints it as it is, on one line.

    Examples
    --------
    >>> latex("50 % of site_a & {b}")
    '50 \\% of site\\_a \\& \\{b\\}'
    """
    shown = _UNPRINTABLE.sub("", _BLANKS.sub(" ", unicodedata.normalize("NFC", str(text))))
    apart = _LIGATURES.sub("\u200b", shown)  # two hyphens in a name stay two hyphens
    return _SPECIAL.sub(lambda found: _ESCAPES[found[0]], apart).replace("\u200b", "{}")


def latex_document(title: str, paragraphs: Sequence[str], cites: str) -> str:
    """Write a document that compiles, whose paragraphs can be taken over into another.

    Parameters
    ----------
    title : str
        Escaped here.
    paragraphs : sequence of str
        LaTeX.
    cites : str
        Name of the BibTeX file, without its ending.

    Returns
    -------
    str
        Of a character that the fonts of pdfLaTeX lack it prints the code; LuaLaTeX and XeLaTeX print what their font
        has.
    """
    body = "\n\n".join(paragraphs)
    return "\n".join(
        [
            r"\documentclass{article}",
            r"\usepackage{iftex}",
            r"\ifPDFTeX",
            r"\usepackage[utf8]{inputenc}",
            r"\usepackage[T1]{fontenc}",
            r"\usepackage{textcomp}",
            *_declarations(title + body),
            r"\else",
            r"\usepackage{fontspec}",
            r"\fi",
            r"\begin{document}",
            rf"\section*{{{latex(title)}}}",
            "% Take over from here.",
            body,
            "% Take over to here.",
            r"\bibliographystyle{unsrt}",
            rf"\bibliography{{{cites}}}",
            r"\end{document}",
            "",
        ]
    )


def _declarations(text: str) -> Iterable[str]:
    """Name characters that pdfLaTeX cannot print: without this it ends with an error."""
    for character in sorted(set(_UNKNOWN_TO_PDFTEX.findall(_SPECIAL.sub("", text)))):
        code = f"{ord(character):04X}"
        yield rf"\DeclareUnicodeCharacter{{{code}}}{{[U+{code}]}}"
