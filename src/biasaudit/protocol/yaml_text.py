"""The text of a protocol as plain values: no tags, no control characters, no more of it than a protocol can need.

YAML lets a short text stand for a huge document (aliases of aliases) or one without end; both are counted here before
anything looks at the values.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq, TaggedScalar
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from biasaudit.errors import Fault, ProtocolError
from biasaudit.protocol.faults import line_of
from biasaudit.regular_files import decoded, read_regular

__all__ = ["if_table", "parse_yaml", "plain", "protocol_text"]

_MOST_BYTES = 1_000_000
_MOST_VALUES = 100_000
_DEEPEST = 20
_CONTROL = re.compile("[\0-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_SIMPLER = "write it out in plain values"


def protocol_text(path: Path) -> str:
    """Read the text of a protocol.

    Raises
    ------
    OSError
        There is no such file, it is no regular one, or larger than a protocol can be.
    UnicodeDecodeError
    """
    return decoded(read_regular(path, _MOST_BYTES))


def parse_yaml(text: str, path: Path) -> Any:
    """Parse YAML, which keeps the line of every key.

    Parameters
    ----------
    text : str
    path : Path
        For messages.

    Raises
    ------
    ProtocolError
        It is no YAML, or nested too deeply.
    """
    try:
        return YAML().load(text)
    except MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        fault = Fault(f"{path}:{line}", f"not valid YAML: {error.problem}", if_table(path) or _if_tabulator(error))
    except YAMLError as error:
        line = text.count("\n", 0, getattr(error, "position", 0)) + 1
        fault = Fault(f"{path}:{line}", f"not valid YAML: {str(error).splitlines()[0]}")
    except RecursionError:
        fault = Fault(str(path), f"nested too deeply, expected at most {_DEEPEST} levels", _SIMPLER)
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError) as error:  # of a number, date or tag
        fault = Fault(str(path), f"a value cannot be read ({str(error).splitlines()[0]})", "put it in quotes")
    raise ProtocolError([fault]) from None


def _if_tabulator(error: MarkedYAMLError) -> str:
    return "indent with blanks, not with a tabulator" if r"'\t'" in str(error.problem) else ""


def plain(document: CommentedMap, path: Path) -> dict[str, Any]:
    """Copy a parsed protocol into plain dicts and lists.

    Raises
    ------
    ProtocolError
        Tags, control characters, keys that are no text; more values or levels than a protocol can need.
    """
    copy = _Copy(document, path)
    copied: dict[str, Any] = copy.of(document, ())
    if copy.faults:
        raise ProtocolError(copy.faults)
    return copied


class _Copy:
    """Copies a document, counts its values, and gathers what is wrong with them."""

    def __init__(self, document: CommentedMap, path: Path) -> None:
        self._document, self._path = document, path
        self._left = _MOST_VALUES
        self.faults: list[Fault] = []

    def of(self, node: Any, keys: tuple[Any, ...]) -> Any:
        self._count(keys)
        tag = _tag_of(node)
        if tag:
            self._refuse(keys, f"a tag ({tag}), expected plain values", "leave the tag out")
        if isinstance(node, Mapping):
            return {self._key(key, keys): self.of(value, (*keys, key)) for key, value in node.items()}
        if isinstance(node, Sequence) and not isinstance(node, str | bytes):
            return [self.of(value, (*keys, position)) for position, value in enumerate(node)]
        if isinstance(node, str) and _CONTROL.search(node):
            self._refuse(keys, f"a control character ({_CONTROL.search(node)[0]!r})", "leave it out")  # type: ignore[index]
        return node

    def _key(self, key: Any, keys: tuple[Any, ...]) -> Any:
        if not isinstance(key, str | int):
            self._refuse(keys, f"the key {str(key)[:40]!r} is no text", "put it in quotes")
        return key

    def _count(self, keys: tuple[Any, ...]) -> None:
        self._left -= 1
        if len(keys) > _DEEPEST:
            raise ProtocolError([self._fault(keys, f"nested too deeply, expected at most {_DEEPEST} levels", _SIMPLER)])
        if self._left < 0:
            message = f"more than {_MOST_VALUES} values, with the aliases written out"
            raise ProtocolError([self._fault(keys, message, "write them as a table, or with fewer aliases")])

    def _refuse(self, keys: tuple[Any, ...], message: str, remedy: str) -> None:
        self.faults.append(self._fault(keys, message, remedy))

    def _fault(self, keys: tuple[Any, ...], message: str, remedy: str) -> Fault:
        shown = ".".join(str(key) for key in keys[:4]) or "protocol"
        return Fault(f"{self._path}:{line_of(self._document, keys)}", f"{shown}: {message}", remedy)


def _tag_of(node: Any) -> str:
    """Tag that a node was given in the text; empty where there is none."""
    if not isinstance(node, CommentedMap | CommentedSeq | TaggedScalar):
        return "!!binary" if isinstance(node, bytes) else ""
    return str(node.tag.value or "") if node.tag is not None else ""


def if_table(path: Path) -> str:
    """Say what to do with a table that is given where a protocol is expected."""
    return f"a table? `biasaudit init {path}` drafts a protocol" if path.suffix in (".tsv", ".csv") else ""
