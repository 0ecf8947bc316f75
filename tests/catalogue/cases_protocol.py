"""What a user may get wrong in a protocol."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from catalogue.case import Case, sound, write_protocol


def _protocol(*says: str, lines: int = 1, **changed: Any) -> Case:
    def make(folder: Path) -> None:
        sound(folder)
        write_protocol(folder, **changed)

    return Case(make, says, lines=lines)


def _text(text: str, *says: str) -> Case:
    def make(folder: Path) -> None:
        sound(folder)
        (folder / "protocol.yaml").write_text(text)

    return Case(make, ("protocol.yaml", *says))


CASES: dict[str, Case] = {
    "a misspelt section": _protocol("cohorts", "did you mean cohort", cohorts={}),
    "a misspelt key": _protocol("origns", "did you mean origins", cohort={"origns": ["site"]}),
    "a negative spacing": _protocol("grid.spacing", "-4", grid={"spacing": -4.0}),
    "a network that is not known": _protocol("cnnn", "did you mean 'cnn'", target={"network": "cnnn"}),
    "a layer that the network does not have": _protocol("target.layers", "'nope'", target={"layers": ["nope"]}),
    "one fold": _protocol("folds.n", "2", folds={"n": 1}),
    "more folds than subjects": _protocol("protocol.yaml:7", "50 folds", folds={"n": 50}, lines=2),
    "a reader that is not known": _protocol("reader", "tabel", "did you mean 'table'", cohort={"reader": "tabel"}),
    "a label column that is not there": _protocol(
        "table.tsv:1", "no column 'diagnosis'", cohort={"label": {"column": "diagnosis", "positive": "ms"}}
    ),
    "an origin column that is not there": _protocol(
        "table.tsv:1", "no column 'scanner'", cohort={"origins": ["scanner"]}
    ),
    "a positive class that nobody has": _protocol(
        "positive label 'tumour'",
        "present: 'healthy' (4), 'ms' (4)",
        cohort={"label": {"column": "label", "positive": "tumour"}},
    ),
    "a check that is not known": _protocol("U99", checks=["D1", "U99"]),
    "an arm that is not known": _protocol("intensities", "did you mean 'intensity'", arms=["intensities"]),
    "text in place of a number": _protocol("folds.n", "two", folds={"n": "two"}),
    "a list in place of a section": _text("- cohort\n", "expected"),
    "an empty file": _text("", "protocol.yaml:1", "empty", "biasaudit init"),
    "a tabulator for an indent": _text("cohort:\n\treader: table\n", "protocol.yaml:2", "indent with blanks"),
    "a bracket that is never closed": _text("cohort: {reader: table\n", "protocol.yaml"),
    "a key that comes twice": _text("cohort: {reader: table}\ncohort: {reader: bids}\n", "cohort"),
}
