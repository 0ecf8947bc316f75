"""Row filters such as ``origin in ['a', 'b'] and age >= 18``: parsed and interpreted, never run as code."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from biasaudit.cohort.readers.cells import bare_number, is_missing, or_empty, quoted_few, read_numbers
from biasaudit.errors import DataError, Fault, suggestion
from biasaudit.records import BoolArray, Note

__all__ = ["Selection", "select_rows"]

_LONGEST = 2000
_BACKTICKS = "write a column whose name holds blanks or marks in backticks: `Age at scan` >= 18"
_PLACEHOLDER = "_quoted_column_"
_PIECES = re.compile(r"'[^']*'|\"[^\"]*\"|`(?P<name>[^`]+)`")
_GRAMMAR = (
    "use columns (in backticks where a name holds blanks), numbers, quoted text, comparisons, `in [...]`, `and`, `or`, "
    "`not` and parentheses"
)
_COMPARISONS: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
}
_CALLED = {
    ast.Call: "a function call",
    ast.Attribute: "an attribute",
    ast.Subscript: "an index",
    ast.BinOp: "arithmetic",
    ast.Lambda: "a lambda",
    ast.JoinedStr: "an f-string",
    ast.NamedExpr: "an assignment",
    ast.IfExp: "an if-expression",
}


@dataclass(frozen=True)
class Column:
    """Cells of a column of the table."""

    name: str
    cells: list[str]


Number = int | float
Value = Number | str | Column


@dataclass(frozen=True)
class Selection:
    """The rows that a filter keeps.

    Attributes
    ----------
    kept : bool (rows,)
    notes : tuple of str
        Cells that were compared with a number and are none.
    """

    kept: BoolArray
    notes: tuple[str, ...] = ()


def select_rows(
    frame: pd.DataFrame, expression: str, where: str, *, commas: Collection[str] = (), blanks: bool = False
) -> Selection:
    """Say which rows a filter keeps.

    Names are columns; one that holds blanks or other marks stands in backticks. Against a number a column is compared
    as numbers, ``89+`` as 89 and -9 as -9, and a missing or non-numeric cell is never kept; against text, and between
    two columns, as text.

    Parameters
    ----------
    frame : DataFrame of str
    expression : str
        Comparisons (chained ones too), ``in``, ``not in``, ``and``, ``or``, ``not``.
    where : str
        What a fault names as its place.
    commas : collection of str
        Columns in which ``1,234`` has a decimal comma.
    blanks : bool
        Whether a missing cell is an empty text, as in BIDS, whose tables write ``n/a`` for it; it is its sign only
        beside one: ``age != 'n/a'``.

    Raises
    ------
    DataError
        Not an expression, a construct that is not allowed, a column that does not exist or whose commas
        can be read in two ways.
    """
    if len(expression) > _LONGEST:
        raise DataError([Fault(where, f"{len(expression)} characters, expected at most {_LONGEST}")])
    text, quoted = _without_backticks(expression.strip())
    walker = _Walker(frame, where, quoted, commas, blanks)
    kept = walker.condition(_parse(text, expression, where))
    if walker.faults:
        raise DataError(list(dict.fromkeys(walker.faults)))
    return Selection(kept, tuple(dict.fromkeys(walker.notes)))


def _without_backticks(expression: str) -> tuple[str, dict[str, str]]:
    """Put names that can be parsed in the place of columns in backticks; those in quotes are text."""
    quoted: dict[str, str] = {}

    def placeholder(found: re.Match[str]) -> str:
        if found["name"] is None:
            return found[0]
        name = f"{_PLACEHOLDER}{len(quoted)}"
        quoted[name] = found["name"]
        return f" {name} "

    return _PIECES.sub(placeholder, expression), quoted


def _parse(text: str, expression: str, where: str) -> ast.expr:
    try:
        return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = getattr(error, "msg", None) or str(error) or type(error).__name__
        raise DataError([Fault(where, f"cannot be parsed: {reason} in {_short(expression)}", _GRAMMAR)]) from None


@dataclass
class _Walker:
    frame: pd.DataFrame
    where: str
    quoted: Mapping[str, str]
    commas: Collection[str]
    blanks: bool
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def condition(self, node: ast.expr) -> BoolArray:
        """Evaluate a node of the filter: True or False for every row."""
        if isinstance(node, ast.BoolOp):
            parts = np.stack([self.condition(value) for value in node.values])
            return np.asarray(parts.all(0) if isinstance(node.op, ast.And) else parts.any(0))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return ~self.condition(node.operand)
        if isinstance(node, ast.Compare):
            return self._comparisons(node)
        expected = "expected a comparison" if isinstance(node, ast.Name | ast.Constant) else ""
        self._refuse(node, expected)
        return np.zeros(len(self.frame), dtype=np.bool_)

    def _comparisons(self, node: ast.Compare) -> BoolArray:
        kept = np.ones(len(self.frame), dtype=np.bool_)
        left_node = node.left
        for comparison, right_node in zip(node.ops, node.comparators, strict=True):
            kept &= self._comparison(comparison, left_node, right_node)
            left_node = right_node
        return kept

    def _comparison(self, comparison: ast.cmpop, left_node: ast.expr, right_node: ast.expr) -> BoolArray:
        left = self._value(left_node)
        if isinstance(comparison, ast.In | ast.NotIn):
            if isinstance(left_node, ast.Constant):
                self._add(f"{left_node.value!r} is no column", _BACKTICKS)
            found = self._membership(left, right_node)
            return found if isinstance(comparison, ast.In) else ~found & self._present(left, right_node)
        right = self._value(right_node)
        self._check_texts(comparison, left_node, right_node)
        self._check_order(comparison, left, right)
        if type(comparison) not in _COMPARISONS:
            self._add("`is` is not allowed", "use == or !=")
            return np.zeros(len(self.frame), dtype=np.bool_)
        return self._compare(_COMPARISONS[type(comparison)], left, right)

    def _check_texts(self, comparison: ast.cmpop, *nodes: ast.expr) -> None:
        """Refuse two constants, of which one is meant as a column."""
        constants = [node.value for node in nodes if isinstance(node, ast.Constant)]
        if len(constants) == len(nodes):
            self._add(f"{' and '.join(map(repr, constants))} are no columns", _BACKTICKS)

    def _check_order(self, comparison: ast.cmpop, *values: Value) -> None:
        """Refuse the order of numbers as texts; dates beside a year, such as 2019-05-01 and '2019', have one."""
        numbers = any(isinstance(value, Column) and _mostly_numbers(value.cells) for value in values)
        for text in values:
            if isinstance(text, str) and bare_number(text) is not None and numbers and not _is_equality(comparison):
                self._add(f"{text!r} in quotes is a text, whose order is not that of numbers", f"write {text}")

    def _membership(self, left: Value, right_node: ast.expr) -> BoolArray:
        matches = np.zeros(len(self.frame), dtype=np.bool_)
        for item in self._items(right_node):
            matches |= self._compare(operator.eq, left, self._value(item))
        return matches

    def _present(self, left: Value, right_node: ast.expr) -> BoolArray:
        """Rows that `not in` may keep: where the list holds numbers, only rows whose cell is a number."""
        numeric = any(isinstance(self._value(item), int | float) for item in self._items(right_node))
        if not numeric:
            return np.ones(len(self.frame), dtype=np.bool_)
        return np.array([not np.isnan(value) for value in self._numbers(left)], dtype=np.bool_)

    def _items(self, node: ast.expr) -> list[ast.expr]:
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            return node.elts
        self._refuse(node, "expected a list after `in`")
        return []

    def _compare(self, compare: Callable[[Any, Any], Any], left: Value, right: Value) -> BoolArray:
        if isinstance(left, int | float) or isinstance(right, int | float):
            first, second = self._numbers(left), self._numbers(right)
            comparable = ~np.isnan(first) & ~np.isnan(second)
            return np.asarray(np.asarray(compare(first, second), dtype=np.bool_) & comparable)
        pairs = zip(self._texts(left, right), self._texts(right, left), strict=True)
        return np.array([bool(compare(one, other)) for one, other in pairs], dtype=np.bool_)

    def _value(self, node: ast.expr) -> Value:
        if isinstance(node, ast.Name):
            return self._column(self.quoted.get(node.id, node.id))
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            inner = self._value(node.operand)
            if isinstance(inner, int | float):
                return -inner
        elif isinstance(node, ast.Constant) and type(node.value) in (int, float, str):
            return node.value  # type: ignore[return-value]
        self._refuse(node)
        return ""

    def _column(self, name: str) -> Column:
        if name not in self.frame:
            self._add(f"no column {name!r}", suggestion(name, [str(column) for column in self.frame.columns]))
            return Column(name, [""] * len(self.frame))
        return Column(name, [str(cell) for cell in self.frame[name]])

    def _numbers(self, value: Value) -> np.ndarray:
        if not isinstance(value, Column):
            return np.full(len(self.frame), _number(value), dtype=np.float64)
        read = read_numbers(value.cells, bounds=True, commas=value.name in self.commas, codes=False)
        wrong = [value.cells[row] for row in read.wrong]
        if read.ambiguous:
            message = f"column {value.name!r}: commas and points can be read in two ways"
            self._add(message, "write numbers with a decimal point and nothing between thousands")
        elif wrong:
            said = f"select compares {value.name!r} with a number and keeps no row where it is none"
            rows = f"({len(wrong)} rows)"
            self.notes.append(Note(f"{said}: {quoted_few(wrong)} {rows}", f"{said} {rows}"))
        return np.array([np.nan if number is None else number for number in read.values], dtype=np.float64)

    def _texts(self, value: Value, other: Value) -> list[str]:
        if not isinstance(value, Column):
            return [str(value)] * len(self.frame)
        signs = isinstance(other, str) and other != "" and is_missing(other)
        return list(map(or_empty, value.cells)) if self.blanks and not signs else value.cells

    def _refuse(self, node: ast.expr, expected: str = "") -> None:
        name = next((words for kind, words in _CALLED.items() if isinstance(node, kind)), "")
        shown = f"{name} ({_short(ast.unparse(node))})" if name else _short(ast.unparse(node))
        self._add(f"{expected}, not {shown}" if expected else f"{shown} is not allowed", _GRAMMAR)

    def _add(self, message: str, remedy: str) -> None:
        for placeholder, name in self.quoted.items():
            message = message.replace(placeholder, f"`{name}`")
        self.faults.append(Fault(self.where, message, remedy))


def _is_equality(comparison: ast.cmpop) -> bool:
    return isinstance(comparison, ast.Eq | ast.NotEq)


def _mostly_numbers(cells: Sequence[str]) -> bool:
    """Whether at least half of the cells that say something are numbers."""
    there = [cell for cell in cells if not is_missing(cell)]
    read = read_numbers(there, bounds=True)
    return read.ambiguous or 2 * len(read.wrong) <= len(there)


def _number(value: Number | str) -> float:
    try:
        return float(value)
    except (ValueError, OverflowError):
        return float("nan")


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
