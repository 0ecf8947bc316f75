"""The notebooks of `examples/` run from the first cell to the last, and are stored without what they showed."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat import NotebookNode

EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.ipynb"))
DEMO = 'protocols_folder() / "demo.yaml"'


def read(name: str) -> NotebookNode:
    return nbformat.read(next(path for path in EXAMPLES if path.stem == name), as_version=4)


def outputs(notebook: NotebookNode, folder: Path) -> Sequence[NotebookNode]:
    """Run a notebook in a folder, in a kernel of its own; return all that its cells show."""
    NotebookClient(notebook, timeout=1800, kernel_name="python3", resources={"metadata": {"path": folder}}).execute()
    shown = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert [output.text for output in shown if output.get("name") == "stderr"] == []
    return shown


def text_of(shown: Sequence[NotebookNode]) -> str:
    data = [value for output in shown for kind, value in output.get("data", {}).items() if kind.startswith("text/")]
    return "\n".join([*(output.get("text", "") for output in shown), *data])


def test_there_are_two() -> None:
    assert [path.stem for path in EXAMPLES] == ["audit_in_a_notebook", "own_checks_on_scores"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_nothing_of_a_run_is_stored(path: Path) -> None:
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert path.stat().st_size < 10_000


def test_checks_of_ones_own(finished_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIASAUDIT_RUN", str(finished_run))
    shown = outputs(read("own_checks_on_scores"), tmp_path)
    audit = json.loads((finished_run / "audit.json").read_text())
    assert audit["arms"][0]["reason"] in text_of(shown).replace("\u202f", " ")
    assert "share_left" in text_of(shown)
    assert "Reliance(estimate=" in text_of(shown)
    assert sum("image/png" in output.get("data", {}) for output in shown) == 1


@pytest.mark.slow
def test_an_audit(finished_run: Path, small_protocol: Path, tmp_path: Path) -> None:
    """Its cells on a small audit that is finished already: the demonstration itself takes minutes."""
    shutil.copytree(finished_run, tmp_path / "out" / "demo")
    notebook = read("audit_in_a_notebook")
    first = next(cell for cell in notebook.cells if cell.cell_type == "code")
    assert DEMO in first.source
    first.source = first.source.replace(DEMO, repr(str(small_protocol)))
    text = text_of(outputs(notebook, tmp_path))
    assert "'omega'" in text
    assert "report.html" in text


@pytest.mark.slow
def test_the_audit_of_the_demonstration(tmp_path: Path) -> None:
    text = text_of(outputs(read("audit_in_a_notebook"), tmp_path))
    assert "ORIGIN" in text
    assert (tmp_path / "out" / "demo" / "report.html").is_file()
