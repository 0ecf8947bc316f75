"""Sizes of what is packed, told before it is unpacked."""

from __future__ import annotations

import importlib
import io

import pytest

from biasaudit.cohort.readers.arrow_sizes import buffer_bytes, cell_bytes, rows_at_once

pa = pytest.importorskip("pyarrow")
feather, parquet, compute = (importlib.import_module(f"pyarrow.{name}") for name in ("feather", "parquet", "compute"))

TABLE = pa.table({"text": ["x" * 10_000] * 50, "number": range(50), "gap": [None, 2.5] * 25})


@pytest.mark.parametrize("compression", ["zstd", "lz4", "uncompressed"])
def test_buffers_of_feather_say_their_sizes(compression):
    content = io.BytesIO()
    feather.write_feather(TABLE, content, compression=compression)
    messages = pa.ipc.MessageReader.open_stream(pa.py_buffer(content.getvalue())[8:])
    assert sum(map(buffer_bytes, messages)) == pytest.approx(TABLE.nbytes, rel=0.01)


def test_dictionaries_count_their_texts():
    content = io.BytesIO()
    feather.write_feather(pa.table({"x": TABLE["text"].dictionary_encode()}), content)
    messages = list(pa.ipc.MessageReader.open_stream(pa.py_buffer(content.getvalue())[8:]))
    assert 10_000 <= sum(map(buffer_bytes, messages)) < 11_000
    (batch,) = pa.ipc.open_stream(pa.py_buffer(content.getvalue())[8:])
    assert cell_bytes(batch, compute) == 2 * 500_000


def test_cells_of_other_kinds():
    runs = pa.RunEndEncodedArray.from_arrays([50], ["x" * 10_000])
    assert cell_bytes(pa.record_batch({"x": runs}), compute) >= 500_000
    numbers = pa.record_batch({"x": pa.array([1, 2, 2]).dictionary_encode(), "y": pa.array([1.0, 2, 3])})
    assert cell_bytes(numbers, compute) == 48


def test_rows_of_parquet_that_fit():
    content = io.BytesIO()
    parquet.write_table(TABLE, content)
    metadata = parquet.ParquetFile(io.BytesIO(content.getvalue())).metadata
    assert rows_at_once(metadata, 10**6) in range(45, 51)
    assert rows_at_once(metadata, 1) == 1
    assert rows_at_once(metadata, 10**12) == 4096
