"""Small readers of LaTeX and BibTeX, strict where a compiler would stop."""

from __future__ import annotations

import re

_COMMAND = re.compile(r"\\(?:[A-Za-z]+\*?|[\\{}$&#%_,\-^~\"'` ])")
_BARE = re.compile(r"[&#$^_~%]")


def latex_faults(text: str) -> list[str]:
    """What stops LaTeX in running text: braces that do not match, characters that it acts on, unknown commands."""
    lines = [re.sub(r"(?<!\\)%.*", "", line) for line in text.splitlines()]
    return [*brace_faults("\n".join(lines)), *environment_faults(text), *special_faults("\n".join(lines))]


def brace_faults(text: str) -> list[str]:
    depth = 0
    for brace in re.findall(r"(?<!\\)(?:\\\\)*([{}])", text):
        depth += 1 if brace == "{" else -1
        if depth < 0:
            return ["a closing brace without an opening one"]
    return ["an opening brace that is never closed"] if depth else []


def environment_faults(text: str) -> list[str]:
    begun = re.findall(r"\\begin\{(\w+)\}", text)
    ended = re.findall(r"\\end\{(\w+)\}", text)
    return [] if sorted(begun) == sorted(ended) else [f"begun {begun}, ended {ended}"]


def special_faults(text: str) -> list[str]:
    """Characters that LaTeX acts on and that are no part of a command; a tie before a citation is meant."""
    without = _COMMAND.sub("", text.replace(r"~\cite", ""))
    bare = {*_BARE.findall(without)}
    return [f"{character!r} is not escaped" for character in sorted(bare)]


def cite_keys(text: str) -> list[str]:
    return [key for keys in re.findall(r"\\cite\{([^}]*)\}", text) for key in keys.split(",")]


def bibtex_entries(text: str) -> dict[str, tuple[str, dict[str, str]]]:
    """Read every entry as (type, fields); anything that is no entry is a fault."""
    entries: dict[str, tuple[str, dict[str, str]]] = {}
    place = 0
    for found in re.finditer(r"@(\w+)\{([^,\s]+),\n", text):
        assert not text[place : found.start()].strip(), f"no entry: {text[place : found.start()]!r}"
        fields, place = _fields(text, found.end())
        assert found[2] not in entries, f"{found[2]} is there twice"
        entries[found[2]] = (found[1], fields)
    assert not text[place:].strip(), f"no entry: {text[place:]!r}"
    return entries


def _fields(text: str, place: int) -> tuple[dict[str, str], int]:
    fields = {}
    while not text.startswith("}", place):
        name = re.compile(r"\s*(\w+) = \{").match(text, place)
        assert name, f"no field: {text[place : place + 40]!r}"
        end = _closing(text, name.end())
        fields[name[1]] = text[name.end() : end]
        rest = re.compile(r"\},\n").match(text, end)
        assert rest, f"no end of a field: {text[end : end + 10]!r}"
        place = rest.end()
    return fields, place + 1


def _closing(text: str, place: int) -> int:
    depth = 1
    for found in re.finditer(r"\\.|[{}]", text[place:]):
        depth += {"{": 1, "}": -1}.get(found[0], 0)
        if not depth:
            return place + found.start()
    raise AssertionError("a brace is never closed")
