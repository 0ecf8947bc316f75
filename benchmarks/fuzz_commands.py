"""Random command lines: every command with its own options and values that may fit, over files of which some do."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import typer

VALUES = (
    *("local", "dask", "origin", "mixed", "intensity", "0", "-1", "1", "2", "1e9", "nan", "", " ", "a b", "é"),
    *("table.tsv", "protocol.yaml", "broken.yaml", "network.py:build", "weights.pt", "nothing", "run", ".", "..", "/"),
    *("~", "tcp://127.0.0.1:1", "%s", ":100:", "[red]", "a=b"),
)
WORKING = {"demo", "calibrate"}
"""Commands that would work for minutes; they are only asked what they cannot do."""


def make(chance: np.random.Generator, folder: Path) -> Sequence[str]:
    (folder / "table.tsv").write_text("subject\tlabel\tsite\ns1\tms\ta\ns2\thealthy\tb\n")
    (folder / "protocol.yaml").write_text(
        "cohort: {reader: table, table: table.tsv, label: {column: label, positive: ms}, origins: [site]}\n"
    )
    (folder / "broken.yaml").write_text("cohort: [1, {2\n")
    (folder / "network.py").write_text("def build():\n    raise ValueError('no')\n")
    (folder / "weights.pt").write_bytes(bytes(chance.integers(0, 256, 40, dtype=np.uint8)))
    (folder / "run").mkdir()
    commands = _commands()
    name = str(chance.choice(sorted(commands)))
    words = [name, *_words(chance, commands[name])]
    return [*words, "--no-such-option"] if name in WORKING else words


@cache
def _commands() -> dict[str, Any]:
    from biasaudit.cli.entry import app

    return dict(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def _words(chance: np.random.Generator, command: Any) -> Iterator[str]:
    """Yield each argument nearly always and each option now and then, with a value that may fit."""
    for parameter in command.params:
        argument = parameter.param_type_name == "argument"
        if chance.random() > (0.95 if argument else 0.15):
            continue
        if not argument:
            yield str(chance.choice([*parameter.opts, *parameter.secondary_opts]))
        if argument or not getattr(parameter, "is_flag", False):
            yield str(chance.choice(VALUES))
