"""Random damage to protocol, table and image headers: an answer or lines that name the fault, never a traceback."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from biasaudit.cli import main

SHAPE = (8, 9, 7)
PROTOCOL = {
    "name": "fuzz",
    "cohort": {
        "reader": "table",
        "table": "table.tsv",
        "label": {"column": "label", "positive": "ms", "negative": "healthy"},
        "origins": ["origin"],
        "covariates": ["age"],
        "min_origin_size": 2,
    },
    "grid": {"spacing": 4.0},
    "arms": ["intensity"],
    "target": {"network": "cnn", "network_arguments": {"widths": [4, 8]}, "training": {"epochs": 1, "batch_size": 4}},
    "folds": {"n": 2, "seed": 1},
    "checks": ["D1", "G1", "U1"],
    "statistics": {"n_permutations": 99, "n_bootstraps": 99, "alpha": 0.05},
    "verdict": {"low": 0.1, "high": 0.5},
    "attribution": {"steps": 4, "max_steps": 4, "max_subjects": 4},
}
HEADER = 348

FUZZ = settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

odd_numbers = st.sampled_from([0, -1, 1, 2, 10**9, 10**30, 0.5, -0.5, 1e-300, float("nan"), float("inf")])
odd_texts = st.sampled_from(
    [
        "",
        " ",
        "n/a",
        "nan",
        "null",
        "-",
        ".",
        "..",
        "/",
        "~",
        "\u00e9t\u00e9",
        "\U0001f9e0",
        "a" * 5000,
        "[1, 2]",
        "a/b",
        "%s",
    ]
) | st.text(max_size=8)
odd_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | odd_numbers | odd_texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(odd_texts, inner, max_size=3),
    max_leaves=4,
)


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve small sound images in two classes and two origins."""
    folder = tmp_path_factory.mktemp("sound")
    chance = np.random.default_rng(1)
    rows = ["subject\timage\tmask\tlabel\torigin\tage"]
    for index in range(12):
        data = np.zeros(SHAPE, dtype=np.float32)
        data[2:6, 2:7, 2:5] = 1 + chance.random((4, 5, 3))
        _save(folder / f"{index}.nii", data)
        mask = ""
        if index % 2:
            lesion = np.zeros(SHAPE, dtype=np.float32)
            lesion[3:5, 3:5, 3] = 1
            mask = f"{index}-mask.nii"
            _save(folder / mask, lesion)
        words = (f"s{index}", f"{index}.nii", mask, "ms" if index % 2 else "healthy", "ab"[index % 4 // 2], 30 + index)
        rows.append("\t".join(map(str, words)))
    (folder / "table.tsv").write_text("\n".join(rows) + "\n")
    _write_protocol(folder, PROTOCOL)
    return folder


@pytest.fixture
def audit(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., None]:
    """Put a folder's protocol to a command in this process and hold the outcome against the promise."""

    def run(folder: Path, command: str, *options: str | Path) -> None:
        words = ["biasaudit", command, str(folder / "protocol.yaml"), *map(str, options)]
        monkeypatch.setattr(sys, "argv", words)
        with pytest.raises(SystemExit) as stop:
            main()
        written = capsys.readouterr()
        assert stop.value.code in (0, None, 2, 3, 4), written.err
        assert "Traceback" not in written.err
        if stop.value.code in (2, 3, 4):
            assert written.err.strip(), "a refusal says why"

    return run


@pytest.fixture
def validate(audit: Callable[..., None]) -> Callable[[Path], None]:
    """Validate a folder's protocol."""
    return lambda folder: audit(folder, "validate")


@pytest.fixture
def damaged(sound: Path, tmp_path: Path) -> Callable[[], Path]:
    """Make a fresh copy of the sound folder, to be damaged."""

    def copy() -> Path:
        folder = tmp_path / "cohort"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(sound, folder)
        return folder

    return copy


def _save(path: Path, data: np.ndarray) -> None:
    nibabel.save(nibabel.Nifti1Image(data, np.diag([4.0, 4.0, 4.0, 1.0])), path)


def _write_protocol(folder: Path, content: Any) -> None:
    with (folder / "protocol.yaml").open("w", encoding="utf-8") as file:
        YAML(typ="safe").dump(content, file)


def _places(content: Any, before: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every node below the top."""
    items = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for key, value in items:
        yield (*before, key)
        yield from _places(value, (*before, key))


def _changed(content: Any, place: tuple[Any, ...], change: Callable[[Any, Any], None]) -> Any:
    """Copy the content and change the parent of one node."""
    copy = YAML(typ="safe").load(_dumped(content))
    parent = copy
    for key in place[:-1]:
        parent = parent[key]
    change(parent, place[-1])
    return copy


def _dumped(content: Any) -> str:
    text = StringIO()
    YAML(typ="safe").dump(content, text)
    return text.getvalue()


@FUZZ
@given(place=st.sampled_from(list(_places(PROTOCOL))), value=odd_values)
def test_any_value_in_the_protocol(damaged, validate, place, value):
    folder = damaged()
    _write_protocol(folder, _changed(PROTOCOL, place, lambda parent, key: parent.__setitem__(key, value)))
    validate(folder)


@FUZZ
@given(place=st.sampled_from(list(_places(PROTOCOL))), name=odd_texts)
def test_missing_and_unknown_keys_in_the_protocol(damaged, validate, place, name):
    folder = damaged()

    def rename(parent: Any, key: Any) -> None:
        value = parent.pop(key)
        if isinstance(parent, dict) and name:
            parent[name] = value

    _write_protocol(folder, _changed(PROTOCOL, place, rename))
    validate(folder)


@FUZZ
@given(start=st.integers(0, 400), length=st.integers(0, 40), inserted=st.binary(max_size=12))
def test_damaged_text_of_the_protocol(damaged, validate, start, length, inserted):
    folder = damaged()
    path = folder / "protocol.yaml"
    content = path.read_bytes()
    path.write_bytes(content[:start] + inserted + content[start + length :])
    validate(folder)


@FUZZ
@given(row=st.integers(0, 12), column=st.integers(0, 5), value=odd_texts | odd_numbers.map(str))
def test_any_value_in_the_table(damaged, validate, row, column, value):
    folder = damaged()
    path = folder / "table.tsv"
    cells = [line.split("\t") for line in path.read_text().splitlines()]
    cells[row][column] = value
    path.write_text("\n".join("\t".join(line) for line in cells) + "\n", encoding="utf-8", errors="surrogatepass")
    validate(folder)


@FUZZ
@given(start=st.integers(0, 600), length=st.integers(0, 200), inserted=st.binary(max_size=12))
def test_damaged_bytes_of_the_table(damaged, validate, start, length, inserted):
    folder = damaged()
    path = folder / "table.tsv"
    content = path.read_bytes()
    path.write_bytes(content[:start] + inserted + content[start + length :])
    validate(folder)


@FUZZ
@given(
    name=st.sampled_from(["1.nii", "2.nii", "3-mask.nii"]),
    start=st.integers(0, HEADER - 1),
    inserted=st.binary(min_size=1, max_size=8),
)
def test_damaged_header_of_an_image(damaged, validate, name, start, inserted):
    folder = damaged()
    path = folder / name
    content = bytearray(path.read_bytes())
    content[start : start + len(inserted)] = inserted
    path.write_bytes(bytes(content))
    validate(folder)


@FUZZ
@given(name=st.sampled_from(["1.nii", "3-mask.nii"]), kept=st.integers(0, 2000))
def test_truncated_image(damaged, validate, name, kept):
    folder = damaged()
    path = folder / name
    path.write_bytes(path.read_bytes()[:kept])
    validate(folder)


DAMAGE: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "zeros": np.zeros_like,
    "constant": np.ones_like,
    "nan everywhere": lambda data: np.full_like(data, np.nan),
    "nan in one voxel": lambda data: np.where(data == data.max(), np.nan, data),
    "infinite in one voxel": lambda data: np.where(data == data.max(), np.inf, data),
    "negative": lambda data: -data,
    "huge": lambda data: data * np.float32(1e37),
    "tiny": lambda data: data * np.float32(1e-37),
}


@pytest.mark.parametrize("name", ["1.nii", "3-mask.nii"])
@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_damaged_voxels_never_end_in_a_traceback(damaged, audit, name, damage):
    folder = damaged()
    data = np.asarray(nibabel.load(folder / name).dataobj, dtype=np.float32)
    _save(folder / name, damage(data))
    audit(folder, "run", "-o", folder / "out", "--engine", "local")
