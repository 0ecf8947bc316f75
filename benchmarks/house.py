"""Figures of the code itself: long files, tuples used as records, parameters that may hold anything, long signatures.

python benchmarks/house.py [--all]
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent / "src" / "biasaudit"
LONGEST_FILE, MOST_ARGUMENTS = 400, 6


def main(words: list[str]) -> None:
    files = {str(path.relative_to(PACKAGE)): path.read_text() for path in sorted(PACKAGE.rglob("*.py"))}
    found = {
        f"files above {LONGEST_FILE} lines": [name for name, text in files.items() if text.count("\n") > LONGEST_FILE],
        "parameters that are tuples used as records": list(_parameters(files, _is_record)),
        "parameters that are Mapping[str, Any]": list(_parameters(files, _may_hold_anything)),
        f"functions of more than {MOST_ARGUMENTS} arguments": list(_long_signatures(files)),
    }
    for what, places in found.items():
        print(f"{what}: {len(places)}")
        if "--all" in words:
            print("".join(f"    {place}\n" for place in places), end="")


def _functions(files: dict[str, str]) -> Iterator[tuple[str, list[ast.arg]]]:
    for name, text in files.items():
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                own = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                yield f"{name}:{node.lineno} {node.name}", [each for each in own if each.arg not in ("self", "cls")]


def _parameters(files: dict[str, str], wanted) -> Iterator[str]:
    for where, arguments in _functions(files):
        for each in arguments:
            if each.annotation is not None and wanted(each.annotation):
                yield f"{where}.{each.arg}"


def _long_signatures(files: dict[str, str]) -> Iterator[str]:
    return (where for where, arguments in _functions(files) if len(arguments) > MOST_ARGUMENTS)


def _is_record(annotation: ast.expr) -> bool:
    """Whether a type is a tuple of a fixed length."""
    if isinstance(annotation, ast.BinOp):
        return _is_record(annotation.left) or _is_record(annotation.right)
    if not (isinstance(annotation, ast.Subscript) and ast.unparse(annotation.value) == "tuple"):
        return False
    inside = annotation.slice
    parts = inside.elts if isinstance(inside, ast.Tuple) else [inside]
    return not any(isinstance(part, ast.Constant) and part.value is Ellipsis for part in parts)


def _may_hold_anything(annotation: ast.expr) -> bool:
    return any(kind in ast.unparse(annotation) for kind in ("Mapping[str, Any]", "dict[str, Any]"))


if __name__ == "__main__":
    main(sys.argv[1:])
