"""Put pseudonyms in the place of subjects, once everything that is known by name has been put together."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from biasaudit.protocol.pseudonyms import Pseudonyms
from biasaudit.records import Cohort, Note, Sample

__all__ = ["pseudonymised"]


def pseudonymised(cohort: Cohort, pseudonyms: Pseudonyms) -> Cohort:
    """Return a cohort whose subjects, and the notes that name them or others, tell nobody who they are."""
    known = {sample.subject: pseudonyms.subject(sample.subject) for sample in (*cohort.samples, *cohort.probes)}

    def renamed(samples: tuple[Sample, ...]) -> tuple[Sample, ...]:
        return tuple(replace(sample, subject=known[sample.subject]) for sample in samples)

    notes = tuple(note.anonymous if isinstance(note, Note) else _without_names(note, known) for note in cohort.notes)
    return replace(cohort, samples=renamed(cohort.samples), probes=renamed(cohort.probes), notes=notes)


def _without_names(text: str, known: Mapping[str, str]) -> str:
    """Replace names that stand by themselves; bare numbers, which may be counts, only where names are listed."""
    words = sorted((name for name in known if not name.isdecimal()), key=len, reverse=True)
    numbers = sorted((name for name in known if name.isdecimal()), key=len, reverse=True)
    for names, before, after in ((words, r"(?<![\w-])", r"(?![\w-])"), (numbers, r"(?<=[,:] )", r"(?=,| and |\.?$)")):
        if names:
            pattern = re.compile(f"{before}(?:{'|'.join(map(re.escape, names))}){after}")
            text = pattern.sub(lambda found: known[found[0]], text)
    return text
