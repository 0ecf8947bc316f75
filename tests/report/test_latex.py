"""Text as LaTeX: nothing that LaTeX acts on is left, and a document compiles in every engine."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markup_of_papers import latex_faults

from biasaudit.report.latex import latex, latex_document


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("50 % of site_a & b #1", r"50 \% of site\_a \& b \#1"),
        ("$x^2$ {y} ~z", r"\$x\textasciicircum{}2\$ \{y\} \textasciitilde{}z"),
        (r"\input{/etc/passwd}", r"\textbackslash{}input\{/etc/passwd\}"),
        ("a < b > c | d", r"a \textless{} b \textgreater{} c \textbar{} d"),
        ("81\u202f% ≤ −0.3", r"81\,\% \ensuremath{\leq} \ensuremath{-}0.3"),
        ("two\nlines\x07\u200b", "two lines"),
        ("a--b ''c''", "a-{}-b '{}'c'{}'"),
        ("pages 1–2", "pages 1--2"),
        ("e\u0301tude", "étude"),
    ],
)
def test_text_is_printed_as_it_is(text: str, escaped: str) -> None:
    assert latex(text) == escaped


@given(st.text())
def test_any_text_is_inert(text: str) -> None:
    assert latex_faults(latex(text)) == []
    assert "\n" not in latex(text)


def test_a_document_names_what_the_fonts_of_pdflatex_lack() -> None:
    text = latex_document("Title & more", [latex("病院, ħ, Kraków")], "works")
    assert latex_faults(text) == []
    declared = re.findall(r"\\DeclareUnicodeCharacter\{(\w+)\}\{\[U\+(\w+)\]\}", text)
    assert declared == [("0127", "0127"), ("75C5", "75C5"), ("9662", "9662")]
    before = text.index(r"\ifPDFTeX")
    assert before < text.index(r"\DeclareUnicodeCharacter") < text.index(r"\else") < text.index(r"\begin{document}")
    assert r"\section*{Title \& more}" in text
    assert r"\bibliography{works}" in text


def test_the_checker_finds_what_it_is_for() -> None:
    assert latex_faults("a } b")
    assert latex_faults("a { b")
    assert latex_faults("50 \\% of a_b")
    assert latex_faults("a & b")
    assert latex_faults(r"\begin{document}")
    assert not latex_faults("% a comment & more\n50 \\%~\\cite{a,b}")
