"""Row filters such as ``origin in ['a', 'b'] and age >= 18``: parsed and interpreted, never run as code."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from biasaudit.cohort.readers.manifest import is_missing
from biasaudit.errors import DataError, Fault, suggestion
from biasaudit.records import BoolArray

__all__ = ["select_rows"]

_LONGEST = 2000
_GRAMMAR = "use columns, numbers, quoted text, comparisons, `in [...]`, `and`, `or`, `not` and parentheses"
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

Number = int | float
Cells = list[str]
Value = Number | str | Cells


def select_rows(frame: pd.DataFrame, expression: str, where: str) -> BoolArray:
    """Say which rows a filter keeps.

    Names are columns. Against a number a column is compared as numbers, and a missing or non-numeric cell is never
    kept; against text, and between two columns, as text.

    Parameters
    ----------
    frame : DataFrame of str
    expression : str
        Comparisons (chained ones too), ``in``, ``not in``, ``and``, ``or``, ``not``.
    where : str
        What a fault names as its place.

    Returns
    -------
    bool (rows,)

    Raises
    ------
    DataError
        Not an expression, a construct that is not allowed, a column that does not exist.
    """
    walker = _Walker(frame, where)
    tree = _parse(expression, where)
    kept = walker.condition(tree)
    if walker.faults:
        raise DataError(list(dict.fromkeys(walker.faults)))
    return kept


def _parse(expression: str, where: str) -> ast.expr:
    if len(expression) > _LONGEST:
        raise DataError([Fault(where, f"{len(expression)} characters, expected at most {_LONGEST}")])
    try:
        return ast.parse(expression.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        reason = getattr(error, "msg", None) or str(error) or type(error).__name__
        raise DataError([Fault(where, f"cannot be parsed: {reason} in {_short(expression)}", _GRAMMAR)]) from None


@dataclass
class _Walker:
    frame: pd.DataFrame
    where: str
    faults: list[Fault] = field(default_factory=list)

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
            found = self._membership(left, right_node)
            return found if isinstance(comparison, ast.In) else ~found & self._present(left, right_node)
        right = self._value(right_node)
        if type(comparison) not in _COMPARISONS:
            self._add("`is` is not allowed", "use == or !=")
            return np.zeros(len(self.frame), dtype=np.bool_)
        return self._compare(_COMPARISONS[type(comparison)], left, right)

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
        pairs = zip(self._texts(left), self._texts(right), strict=True)
        return np.array([bool(compare(one, other)) for one, other in pairs], dtype=np.bool_)

    def _value(self, node: ast.expr) -> Value:
        if isinstance(node, ast.Name):
            return self._column(node.id)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            inner = self._value(node.operand)
            if isinstance(inner, int | float):
                return -inner
        elif isinstance(node, ast.Constant) and type(node.value) in (int, float, str):
            return node.value  # type: ignore[return-value]
        self._refuse(node)
        return ""

    def _column(self, name: str) -> Cells:
        if name in self.frame:
            return [str(cell) for cell in self.frame[name]]
        self._add(f"no column {name!r}", suggestion(name, [str(column) for column in self.frame.columns]))
        return [""] * len(self.frame)

    def _numbers(self, value: Value) -> np.ndarray:
        if isinstance(value, list):
            return np.array([_number(cell) for cell in value], dtype=np.float64)
        return np.full(len(self.frame), _number(value), dtype=np.float64)

    def _texts(self, value: Value) -> Cells:
        return value if isinstance(value, list) else [str(value)] * len(self.frame)

    def _refuse(self, node: ast.expr, expected: str = "") -> None:
        name = next((words for kind, words in _CALLED.items() if isinstance(node, kind)), "")
        shown = f"{name} ({_short(ast.unparse(node))})" if name else _short(ast.unparse(node))
        self._add(f"{expected}, not {shown}" if expected else f"{shown} is not allowed", _GRAMMAR)

    def _add(self, message: str, remedy: str) -> None:
        self.faults.append(Fault(self.where, message, remedy))


def _number(value: Number | str) -> float:
    if isinstance(value, str) and is_missing(value):
        return float("nan")
    try:
        return float(value)
    except (ValueError, OverflowError):
        return float("nan")


def _short(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
