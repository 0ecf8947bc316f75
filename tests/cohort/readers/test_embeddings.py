"""Files of embeddings: joined by subject, scaled like features, and every fault in one line."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from biasaudit.cohort.readers.embeddings import embedding_names, with_embeddings
from biasaudit.errors import DataError
from biasaudit.protocol import TableCohort

NAMES = [f"s{number}" for number in range(6)]
VALUES = np.arange(18, dtype=np.float32).reshape(6, 3)


def settings(**more) -> TableCohort:
    known = {"reader": "table", "table": "t.tsv", "label": {"positive": "ms"}, "origins": ["origin"]}
    return TableCohort.model_validate(known | {"features": "embeddings.npz"} | more)


@pytest.fixture
def samples(sample):
    return tuple(replace(sample(), subject=name) for name in NAMES)


@pytest.fixture
def saved(tmp_path):
    """Write arrays as an .npz."""

    def save(**arrays) -> Path:
        path = tmp_path / "embeddings.npz"
        known = {"embeddings": VALUES, "subject": NAMES} | arrays
        np.savez_compressed(path, **{name: own for name, own in known.items() if own is not None})
        return path

    return save


def faults(samples, path, **more) -> list[str]:
    with pytest.raises(DataError) as caught:
        with_embeddings(samples, path, settings(**more))
    assert all(str(path) in fault.where and fault.remedy for fault in caught.value.faults)
    return [fault.message for fault in caught.value.faults]


def test_rows_are_joined_by_subject_and_scaled(samples, saved):
    order = [3, 0, 5, 1, 4, 2]
    made, notes = with_embeddings(samples, saved(embeddings=VALUES[order], subject=np.array(NAMES)[order]), settings())
    scaled = np.array([each.features for each in made])
    np.testing.assert_allclose(np.median(scaled, axis=0), 0)
    np.testing.assert_allclose(scaled[:, 0], (np.arange(6) - 2.5) / 2.5)
    assert notes == ["3 dimensions of embeddings in place of images (embeddings.npz)"]
    assert embedding_names(made) == ("e1", "e2", "e3")


@pytest.mark.parametrize("subject", [np.array(NAMES, dtype="S"), np.array(NAMES)], ids=["bytes", "text"])
def test_names_may_be_bytes(samples, saved, subject):
    assert with_embeddings(samples, saved(subject=subject), settings())[0][5].features


def test_numbers_may_name_subjects(samples, saved):
    numbered = tuple(replace(each, subject=str(number)) for number, each in enumerate(samples))
    assert with_embeddings(numbered, saved(subject=np.arange(6)), settings())[0][5].features


def test_others_and_dead_dimensions_are_left_out_and_told(samples, saved):
    values = VALUES.copy()
    values[:5, 1] = 0
    made, notes = with_embeddings(samples[:5], saved(embeddings=values), settings())
    assert len(made[0].features) == 2
    assert [str(note) for note in notes[1:]] == [
        "embeddings.npz: 1 dimensions are the same in all subjects and left out",
        "embeddings.npz: 1 subjects without a row in the table are left out: 's5'",
    ]


CASES = {
    "no key": ({"embeddings": None}, "no array 'embeddings'; it holds 'subject'"),
    "unequal lengths": ({"subject": NAMES[:4]}, "4 subjects and 6 rows of embeddings"),
    "objects": ({"subject": np.array(NAMES, dtype=object)}, "never unpickled"),
    "objects as values": ({"embeddings": np.array([[None]], dtype=object)}, "never unpickled"),
    "words": ({"embeddings": np.array([["x"]] * 6)}, "expected real numbers"),
    "complex": ({"embeddings": VALUES * 1j}, "expected real numbers"),
    "one axis": ({"embeddings": VALUES[:, 0]}, "expected (subjects, dimensions)"),
    "three axes": ({"embeddings": VALUES[..., None]}, "expected (subjects, dimensions)"),
    "no dimension": ({"embeddings": VALUES[:, :0]}, "expected (subjects, dimensions)"),
    "several names": ({"subject": np.array([NAMES, NAMES])}, "expected one name per row"),
    "one name twice": ({"subject": [*NAMES[:5], "s0"]}, "1 subjects stand in it more than once: 's0'"),
    "all alike": ({"embeddings": np.ones((6, 3))}, "are the same"),
}


@pytest.mark.parametrize("case", CASES)
def test_a_fault_is_one_line(samples, saved, case):
    arrays, says = CASES[case]
    found = faults(samples, saved(**arrays))
    assert any(says in message for message in found)
    assert not any("\n" in message for message in found)


def test_all_faults_of_the_rows_at_once(samples, saved):
    values = VALUES.copy()
    values[2, 1] = np.nan
    values[4, 0] = np.inf
    assert faults(samples, saved(embeddings=values, subject=[*NAMES[:4], "s3", "other"])) == [
        "1 subjects stand in it more than once: 's3'",
        "no embedding of 2 subjects of the table: 's4', 's5'",
        "2 rows hold values that are not finite, the first nan in row 3 (subject 's2'), dimension 2",
    ]


def test_a_file_that_is_not_there_or_no_archive(samples, tmp_path):
    assert faults(samples, tmp_path / "embeddings.npz") == ["no such file"]
    (tmp_path / "embeddings.npz").write_bytes(b"\x80\x04K\x01.")
    assert "cannot be read as embeddings" in faults(samples, tmp_path / "embeddings.npz")[0]
    assert "a folder" in faults(samples, tmp_path)[0]


def test_what_is_too_large_is_refused_before_it_is_unpacked(samples, saved):
    path = saved(embeddings=np.zeros((6, 500_000)))
    assert path.stat().st_size < 1_000_000
    assert "unpacked, expected at most" in faults(samples, path, limits={"table_megabytes": 1})[0]


def test_a_header_that_claims_more_than_it_holds_is_refused(samples, saved, tmp_path):
    path = saved()
    with zipfile.ZipFile(path) as parts:
        kept = {name: parts.read(name) for name in parts.namelist()}
    path = tmp_path / "claims.npz"
    head = b"\x93NUMPY\x01\x00v\x00" + b"{'descr': '<f8', 'fortran_order': False, 'shape': (6, 99999999999), }"
    with zipfile.ZipFile(path, "w") as parts:
        parts.writestr("subject.npy", kept["subject.npy"])
        parts.writestr("embeddings.npy", head.ljust(127) + b"\n")
    assert "unpacked, expected at most" in faults(samples, path)[0]


class TestParquet:
    @pytest.fixture
    def written(self, tmp_path):
        parquet, arrow = pytest.importorskip("pyarrow.parquet"), pytest.importorskip("pyarrow")

        def write(columns) -> Path:
            path = tmp_path / "embeddings.parquet"
            parquet.write_table(arrow.table(columns), path)
            return path

        return write

    @pytest.mark.parametrize("kind", ["lists", "columns"])
    def test_lists_or_columns(self, samples, saved, written, kind):
        columns = {f"x{k}": VALUES[:, k] for k in range(3)} if kind == "columns" else {"embeddings": VALUES.tolist()}
        found = with_embeddings(samples, written({"subject": NAMES, **columns}), settings())[0]
        assert found == with_embeddings(samples, saved(), settings())[0]

    def test_faults(self, samples, written):
        assert "no column 'subject'" in faults(samples, written({"name": NAMES}))[0]
        assert "shape (6, 0)" in faults(samples, written({"subject": NAMES}))[0]
        unequal = [[1.0], *[[1.0, 2.0]] * 5]
        assert "1 to 2 dimensions" in faults(samples, written({"subject": NAMES, "embeddings": unequal}))[0]
        missing = written({"subject": NAMES, "x": [None, *range(5)]})
        assert "the first nan in row 1" in faults(samples, missing)[0]
        assert "cannot be read" in faults(samples, written({"subject": NAMES, "x": ["word"] * 6}))[0]

    def test_one_text_that_is_repeated_counts_as_often_as_it_is_read(self, samples, written):
        arrow = pytest.importorskip("pyarrow")
        text = arrow.array(["x" * 100_000] * 30).dictionary_encode()
        path = written({"subject": text, "x": list(range(30))})
        assert path.stat().st_size < 50_000
        assert "unpacked, expected at most 2 MB" in faults(samples, path, limits={"table_megabytes": 1})[0]

    def test_what_is_damaged_is_one_line(self, samples, tmp_path):
        pytest.importorskip("pyarrow")
        (tmp_path / "embeddings.parquet").write_bytes(b"PAR1 and nothing more")
        assert "cannot be read" in faults(samples, tmp_path / "embeddings.parquet")[0]
