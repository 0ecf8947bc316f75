"""Random protocols over a small table of features: sound ones with other keys and values, or with damaged text.

Half of them begin with every key that there is, at its default.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from ruamel.yaml import YAML

SOUND: dict[str, Any] = {
    "name": "fuzz",
    "cohort": {
        "reader": "table",
        "table": "table.tsv",
        "label": {"column": "label", "positive": "ms", "negative": "healthy"},
        "origins": ["site", "vendor"],
        "covariates": ["age", "sex"],
        "features": ["f*"],
        "select": "age >= 18",
        "min_origin_size": 2,
    },
    "target": {"network": "mlp"},
    "folds": {"n": 2, "seed": 3},
    "checks": ["D1", "G1", "U1"],
    "statistics": {"alpha": 0.05, "n_permutations": 99, "n_bootstraps": 99},
    "verdict": {"high": 0.5, "low": 0.1},
    "learned": {"enabled": False},
}
VALUES: Sequence[Any] = (
    *(
        None,
        True,
        False,
        0,
        1,
        -1,
        2,
        0.5,
        1e300,
        -1e-300,
        10**30,
        float("nan"),
        float("inf"),
        "",
        " ",
        "\u00e9",
        "a\tb",
    ),
    *(
        "site",
        "age",
        "label",
        "f1",
        "nothing",
        "table.tsv",
        "more.tsv",
        ".",
        "/",
        "..",
        "~",
        "own.py:build",
        "monai:DenseNet121",
    ),
    *(
        [],
        {},
        [1],
        ["site"],
        ["site", "site"],
        {"a": 1},
        [[]],
        ["table.tsv", "more.tsv"],
        {"column": "site"},
        "2019-03-01",
    ),
    *(
        "age > ",
        "`age` > 18",
        "age in [1, 2]",
        "age > '18'",
        "not",
        "x" * 5000,
        "intensity",
        "U99",
        "null",
        "yes",
        "1e3",
    ),
)
KEYS = (
    "table",
    "key",
    "label",
    "positive",
    "origin",
    "subject",
    "score",
    "predictions",
    "probes",
    "field",
    "select",
    "n",
    "x",
    1,
)
TEXTS = (
    ": ",
    "\t",
    "[",
    "]",
    "{",
    "}",
    "&a ",
    "*a",
    "!!python/object:os.system ",
    "- ",
    "#",
    '"',
    "'",
    "|",
    ">",
    "%",
    "\0",
    "---\n",
)


def make(chance: np.random.Generator, folder: Path) -> Sequence[str]:
    _write_tables(chance, folder)
    content = copy.deepcopy(SOUND) if chance.random() < 0.5 else _with_defaults(folder)
    for _ in range(int(chance.integers(1, 3))):
        _change(chance, content)
    text = _text(content)
    if chance.random() < 0.2:
        place = int(chance.integers(len(text) + 1))
        text = text[:place] + str(chance.choice(TEXTS)) + text[place + int(chance.integers(0, 4)) :]
    (folder / "protocol.yaml").write_text(text, encoding="utf-8")
    return ["validate", "protocol.yaml"]


def _text(content: Any) -> str:
    stream = StringIO()
    YAML(typ="safe").dump(content, stream)
    return stream.getvalue()


def _with_defaults(folder: Path) -> dict[str, Any]:
    from biasaudit.protocol import dump_protocol, parse_protocol

    protocol = parse_protocol(_text(SOUND), folder / "protocol.yaml")
    content: dict[str, Any] = YAML(typ="safe").load(dump_protocol(protocol))
    return content


def _write_tables(chance: np.random.Generator, folder: Path) -> None:
    names = ("subject", "label", "site", "vendor", "age", "sex", "split", "logit", "f1", "f2", "image")
    rows = [
        (
            *(
                f"s{n}",
                ("healthy", "ms")[n % 2],
                "ab"[n // 2 % 2],
                "xy"[n // 4 % 2],
                20 + n,
                "FM"[n % 2],
                "train",
                n / 7,
            ),
            *np.round(chance.normal(size=2), 3),
            f"{n}.png",
        )
        for n in range(16)
    ]
    lines = ["\t".join(map(str, row)) for row in [names, *rows]]
    (folder / "table.tsv").write_text("\n".join(lines) + "\n")
    (folder / "more.tsv").write_text("subject\tf3\n" + "".join(f"s{n}\t{n}.5\n" for n in range(14)))


def _change(chance: np.random.Generator, content: dict[str, Any]) -> None:
    """Put a value, a key or nothing in the place of something."""
    places = list(_places(content))
    inside, key = places[chance.integers(len(places))]
    values = _like(inside[key]) if chance.random() < 0.6 else VALUES
    value = copy.deepcopy(values[chance.integers(len(values))])
    action = chance.random()
    if action < 0.6:
        inside[key] = value
    elif action < 0.8 and isinstance(inside, dict):
        inside[KEYS[chance.integers(len(KEYS))]] = value
    else:
        del inside[key]


def _like(value: Any) -> Sequence[Any]:
    """Values of the same type, which may be sound there."""
    if isinstance(value, bool):
        return (True, False)
    if isinstance(value, int | float):
        return (0, 1, 2, 3, 16, 1000, 0.001, 0.25, 0.5, 0.99, 1.5, value * 2, value // 2)
    if isinstance(value, list):
        return (
            [],
            ["age"],
            ["f1", "f2"],
            ["vendor"],
            ["sex"],
            ["D1"],
            ["G1", "U2", "D3"],
            ["intensity"],
            *[value] * bool(value),
        )
    return (
        "site",
        "vendor",
        "age",
        "label",
        "healthy",
        "ms",
        "f*",
        "f[12]",
        "mlp",
        "auto",
        "table.tsv",
        "age != 25",
        "1",
        "cnn",
    )


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else []
    for key in keys:
        yield node, key
        yield from _places(node[key])
