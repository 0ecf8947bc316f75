"""What is odd about files, gathered: one line per kind, with how many there are and the first of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from biasaudit.cohort.images.file_facts import FileFacts
from biasaudit.cohort.images.gathered_faults import few_files
from biasaudit.records import Cohort, Note

__all__ = ["remark_notes"]


def remark_notes(cohort: Cohort, facts: Mapping[str, FileFacts]) -> list[str]:
    """Gather the remarks of all files, and say where they go with an origin or pictures are stored in several depths.

    Parameters
    ----------
    cohort : Cohort
    facts : mapping of path to FileFacts
        Of the files that could be read.
    """
    found: dict[str, list[str]] = {}
    for path, fact in facts.items():
        for remark in fact.remarks:
            found.setdefault(remark, []).append(path)
    notes = [_note(remark, paths, _shares(cohort, facts, remark)) for remark, paths in found.items()]
    return notes + _depth_notes(cohort, facts)


def _note(remark: str, paths: Sequence[str], shares: str) -> str:
    count = f"{remark}: {len(paths)} {'file' if len(paths) == 1 else 'files'}"
    return Note(f"{count} ({few_files(paths)}){shares}", f"{count}{shares}")


def _shares(cohort: Cohort, facts: Mapping[str, FileFacts], remark: str) -> str:
    """Say how many images of each origin are concerned, where origins differ: a signature in itself."""
    for factor in cohort.factors:
        all_, odd = Counter[str](), Counter[str]()
        for sample in cohort.samples:
            for fact in (facts[path] for path in sample.images if path in facts):
                all_[sample.origins.get(factor, "")] += 1
                odd[sample.origins.get(factor, "")] += remark in fact.remarks
        if any(odd.values()) and len({odd[origin] / count for origin, count in all_.items()}) > 1:
            listed = ", ".join(f"{origin} {odd[origin]} of {count}" for origin, count in sorted(all_.items())[:8])
            return f"; by {factor}: {listed}"
    return ""


def _depth_notes(cohort: Cohort, facts: Mapping[str, FileFacts]) -> list[str]:
    paths = {path for sample in cohort.samples for path in sample.images if path in facts}
    counts = Counter(facts[path].bits for path in paths if facts[path].bits)
    if len(counts) < 2:
        return []
    listed = ", ".join(f"{bits} bits ({count})" for bits, count in sorted(counts.items()))
    return [f"pictures of several depths, each scaled by the largest value of its own: {listed}"]
