"""What a user may type wrong on the command line, or point at in place of what is meant."""

from __future__ import annotations

from pathlib import Path

from catalogue.case import Case, sound

USAGE = 2


def _typed(typed: str, *says: str, code: int = USAGE) -> Case:
    """Words in a folder with a sound cohort of which nothing has been run."""

    def make(folder: Path) -> None:
        sound(folder)
        (folder / "folder").mkdir()
        (folder / "page.html").write_text("mine\n")

    return Case(make, says, tuple(typed.split()), code)


CASES: dict[str, Case] = {
    "a command that is not known": _typed("frobnicate", "no such command 'frobnicate'", "biasaudit --help"),
    "a misspelt command": _typed("vaildate protocol.yaml", "Did you mean 'validate'?"),
    "an option that is not known": _typed("run protocol.yaml --fast", "--fast", "biasaudit run --help"),
    "a misspelt option": _typed("run protocol.yaml --worker 2", "--worker", "--workers"),
    "an argument too many": _typed("validate protocol.yaml other.yaml", "other.yaml", "biasaudit validate --help"),
    "no protocol": _typed("run", "missing argument", "protocol"),
    "no run": _typed("gate", "missing argument", "RUN"),
    "no table to predict": _typed("predict folder", "missing argument", "table"),
    "an option without its value": _typed("run protocol.yaml --out", "--out", "requires an argument"),
    "no workers": _typed("run protocol.yaml --workers 0", "--workers", "greater than or equal to 1"),
    "words for the number of workers": _typed("run protocol.yaml --workers two", "--workers", "integer"),
    "an engine that is not known": _typed("run protocol.yaml --engine gpu", "'gpu'", "'local', 'dask'"),
    "a verdict that is not known": _typed("gate folder --fail-on bias", "'bias'", "'origin', 'mixed', 'undetermined'"),
    "workers of two kinds": _typed("run protocol.yaml --scheduler tcp://a:1 --workers 2", "--workers", "--scheduler"),
    "a protocol that is not there": _typed("run protokol.yaml", "protokol.yaml: no such file", code=3),
    "a folder for a protocol": _typed("validate folder", "folder: a folder, not a file", "protocol.yaml", code=3),
    "a table for a protocol": _typed("validate table.tsv", "table.tsv", code=3),
    "a file for the folder of a run": _typed("run protocol.yaml -o page.html", "page.html is a file; give a folder"),
    "a folder of others for a run": _typed("run protocol.yaml -o .", ". is not empty", "give a new folder"),
    "a report of a folder that is no run": _typed("report folder", "folder is no run of biasaudit"),
    "a prediction by a folder that is no run": _typed("predict folder table.tsv", "folder is no run of biasaudit"),
    "a prediction by a protocol": _typed("predict protocol.yaml table.tsv", "protocol.yaml is no run of biasaudit"),
    "probes for a folder that is no run": _typed("probe folder table.tsv", "folder is no run of biasaudit"),
    "an explanation of a folder that is no run": _typed("explain folder", "folder is no run of biasaudit"),
    "a comparison with a folder that is no run": _typed("compare folder nowhere", "folder is no run of biasaudit"),
    "a gate for a run that is not there": _typed("gate nowhere", "nowhere is no run of biasaudit"),
    "a check of a folder that is no run": _typed("verify folder", "folder is no run of biasaudit"),
    "a folder that is no run to clean": _typed("clean folder", "folder is no run of biasaudit"),
    "a page that is there already": _typed("compare a b -o page.html", "page.html exists", "--force"),
    "predictions over a file": _typed("predict folder table.tsv -o page.html", "page.html exists", "--force"),
    "nothing to look at": _typed("init", "give a table, or one or more BIDS datasets with --bids"),
    "a table and a dataset": _typed("init table.tsv --bids folder", "give a table, or one or more BIDS datasets"),
    "a draft over a protocol": _typed("init table.tsv", "protocol.yaml exists", "--force"),
    "a folder for a table": _typed("init folder -o new.yaml", "folder is a folder", "--bids folder"),
    "a table that is not there": _typed("init tabel.tsv -o new.yaml", "tabel.tsv", "did you mean 'table.tsv'?", code=3),
    "a dataset that is not there": _typed("init --bids nowhere -o new.yaml", "nowhere: no such folder", code=3),
    "a dataset without images": _typed("init --bids folder -o new.yaml", "folder", "sub-*", code=3),
    "a dataset twice": _typed("init --bids folder --bids folder -o new.yaml", "the same dataset is given twice"),
    "weights without their network": _typed("init table.tsv -o new.yaml --weights 0.nii", "--weights", "--model"),
    "a network that is not there": _typed("init table.tsv -o new.yaml --model own.py:net", "no file own.py"),
    "a network without its weights": _typed("explain table.tsv --network own.py:net", "--network and --weights belong"),
    "a spacing without a network": _typed("explain folder --spacing 2", "--spacing belongs to --network"),
    "a layout without data": _typed("demo --layout ms", "--layout", "--write-data"),
    "a layout that is not known": _typed("demo --write-data new --layout brain", "no layout 'brain'", "alzheimer"),
    "too few subjects to simulate": _typed("demo --write-data new --subjects 3", "--subjects", "24"),
    "data over other files": _typed("demo --write-data .", ". is not empty"),
    "a grid that is not there": _typed("calibrate --grid no.yaml -o new", "no.yaml: no such file", code=3),
    "a share of patients above all": _typed("probe folder table.tsv --max-prevalence 2", "--max-prevalence", "0.99"),
    "brackets in a name": _typed("gate [red]run[/x]", "[red]run[/x] is no run of biasaudit"),
    "colons in a name": _typed("validate :100:.yaml", ":100:.yaml: no such file", code=3),
}  # fmt: skip
