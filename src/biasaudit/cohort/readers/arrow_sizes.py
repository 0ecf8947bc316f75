"""How large the batches of Arrow are once they are unpacked, before they are or while it happens.

A few bytes may stand for gigabytes: one text that a dictionary repeats, or zeros in a compressed buffer.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

__all__ = ["buffer_bytes", "cell_bytes", "rows_at_once"]

_MOST_ROWS = 4096
_CELL = 8
_REPEATING = ("dictionary<", "run_end_encoded<", "_view")
_BATCH, _DICTIONARY = 3, 2
_HEADER_KIND, _HEADER, _BUFFERS, _COMPRESSION, _DATA = 1, 2, 2, 3, 1
"""Places of fields in the tables Message, RecordBatch and DictionaryBatch of Arrow's format."""


def buffer_bytes(message: Any) -> int:
    """Return the bytes that the buffers of a message of Arrow say they hold; nothing is unpacked.

    Parameters
    ----------
    message : pyarrow.ipc.Message

    Raises
    ------
    struct.error, IndexError
        It is damaged.
    """
    data, body = bytes(message.metadata), message.body
    root = _pointed(data, 0)
    kind, header = _slot(data, root, _HEADER_KIND), _slot(data, root, _HEADER)
    if kind is None or header is None or data[kind] not in (_BATCH, _DICTIONARY):
        return 0
    batch = _pointed(data, header)
    if data[kind] == _DICTIONARY and (inner := _slot(data, batch, _DATA)) is not None:
        batch = _pointed(data, inner)
    packed = _slot(data, batch, _COMPRESSION) is not None
    return sum(_unpacked(body, start, length, packed) for start, length in _buffers(data, batch))


def cell_bytes(batch: Any, compute: Any) -> int:
    """Return the bytes that all cells of a batch need, those of a dictionary as often as they are repeated.

    Texts count twice, since Python holds them beside Arrow: what would be too large as CSV is so here.

    Parameters
    ----------
    batch : pyarrow.RecordBatch
    compute : module
        ``pyarrow.compute``.
    """
    return sum(_column_bytes(column, compute) for column in batch.columns)


def rows_at_once(metadata: Any, most: int) -> int:
    """Return how many rows of Parquet can be unpacked at once, were each of their texts the longest possible, twice.

    Parameters
    ----------
    metadata : pyarrow.parquet.FileMetaData
    most : int
        Bytes.
    """
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    columns = [[group.column(number) for number in range(group.num_columns)] for group in groups]
    longest = max(
        (sum(c.total_uncompressed_size for c in own if c.physical_type == "BYTE_ARRAY") for own in columns), default=0
    )
    return max(1, min(_MOST_ROWS, most // (2 * max(longest, 1))))


def _column_bytes(column: Any, compute: Any) -> int:
    if not hasattr(column, "dictionary"):  # other kinds that repeat what is stored once are taken at their worst
        times = len(column) if any(kind in str(column.type) for kind in _REPEATING) else 1
        return int(column.nbytes) * times * (2 if _is_text(column) else 1)
    if not _is_text(column.dictionary):
        return _CELL * len(column)
    lengths = compute.binary_length(column.dictionary).cast("int64")
    return 2 * int(compute.sum(compute.take(lengths, column.indices)).as_py() or 0)


def _is_text(column: Any) -> bool:
    return str(column.type).endswith(("string", "binary"))


def _unpacked(body: Any, start: int, length: int, packed: bool) -> int:
    """Return the size of one buffer, which is written before what is packed; -1 there means that it is not."""
    if not packed or not length:
        return length
    size: int = struct.unpack("<q", bytes(body[start : start + 8]))[0]
    return length if size < 0 else size


def _buffers(data: bytes, batch: int) -> Iterator[tuple[int, int]]:
    """Start and length of every buffer of a batch."""
    slot = _slot(data, batch, _BUFFERS)
    if slot is None:
        return
    vector = _pointed(data, slot)
    count = struct.unpack_from("<I", data, vector)[0]
    for place in range(count):
        yield struct.unpack_from("<qq", data, vector + 4 + 16 * place)


def _pointed(data: bytes, place: int) -> int:
    """Follow an offset of a flat buffer."""
    return place + int(struct.unpack_from("<I", data, place)[0])


def _slot(data: bytes, table: int, field: int) -> int | None:
    """Place of a field of a table of a flat buffer; None where it is left out."""
    fields = table - struct.unpack_from("<i", data, table)[0]
    size = struct.unpack_from("<H", data, fields)[0]
    offset = struct.unpack_from("<H", data, fields + 4 + 2 * field)[0] if 4 + 2 * field < size else 0
    return table + offset if offset else None
