"""What a run gives to other programs and to papers: methods as text and LaTeX, checklists, the schema of its audit."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping

from biasaudit.report.checklists import answer_table
from biasaudit.report.latex import latex, latex_document
from biasaudit.report.methods import cited, methods, passages, references
from biasaudit.report.own_words import in_own_words
from biasaudit.report.passages import Passage
from biasaudit.report.references import bibtex
from biasaudit.run_folder.reading import RunRecords
from biasaudit.run_folder.schema import AUDIT_SCHEMA, schema_text
from biasaudit.run_folder.tsv import tsv_text

__all__ = ["CHECKLISTS", "METHODS_BIB", "METHODS_TEX", "METHODS_TEXT", "exports"]

METHODS_TEXT = "methods/methods.txt"
METHODS_TEX = "methods/methods.tex"
METHODS_BIB = "methods/methods.bib"
CHECKLISTS = "methods/checklists.tsv"

_TITLE = "Audit of the classifier"
_WIDTH = 100


def exports(records: RunRecords) -> Mapping[str, bytes]:
    """Make the files.

    Parameters
    ----------
    records : RunRecords

    Returns
    -------
    mapping of str to bytes
        By path relative to the run folder.
    """
    table = answer_table(records)
    own = table.assign(text=[in_own_words(text, records) for text in table["text"]])
    texts = {
        METHODS_TEXT: _plain(records),
        METHODS_TEX: _tex(records),
        METHODS_BIB: bibtex(cited(records)),
        CHECKLISTS: tsv_text(own),
        AUDIT_SCHEMA: schema_text(),
    }
    return {name: text.encode() for name, text in texts.items()}


def _plain(records: RunRecords) -> str:
    paragraphs = [_filled(in_own_words(paragraph, records)) for paragraph in methods(records)]
    works = [_filled(f"{place}. {work}", "   ") for place, work in enumerate(references(records), 1)]
    return "\n\n".join([*paragraphs, "References", "\n".join(works)]) + "\n"


def _filled(text: str, indent: str = "") -> str:
    return textwrap.fill(text, _WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _tex(records: RunRecords) -> str:
    paragraphs = [
        "\n".join(_cited(passage, records) for passage in paragraph if passage.text) for paragraph in passages(records)
    ]
    return latex_document(_TITLE, paragraphs, METHODS_BIB.rpartition("/")[2].removesuffix(".bib"))


def _cited(passage: Passage, records: RunRecords) -> str:
    """Write a passage with its citation before the full stop, not parted from it."""
    text = latex(in_own_words(passage.text, records))
    if not passage.cites:
        return text
    return rf"{text.removesuffix('.')}~\cite{{{','.join(passage.cites)}}}."
