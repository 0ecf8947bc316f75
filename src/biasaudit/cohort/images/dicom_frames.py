"""Whether the pixel data of a DICOM file hold the one picture that its header declares, no less and no more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from biasaudit.errors import DataError, Fault

__all__ = ["require_whole"]

_STARTS = (b"\xff\xd8", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  ")
"""First bytes of a JPEG picture, a JPEG 2000 code stream and a JPEG 2000 file."""
_RLE = "1.2.840.10008.1.2.5"
_ITEM, _HEAD = b"\xfe\xff\x00\xe0", 8
_SUBSAMPLED = "YBR_FULL_422"


def require_whole(path: str, data: Any) -> None:
    """Refuse pixel data of several pictures, or of less than one; padding behind a picture is cut off.

    Parameters
    ----------
    path : str
        For messages.
    data : pydicom.Dataset
        Of one frame by its header. Padding is taken off its pixel data.

    Raises
    ------
    DataError
    """
    if "PixelData" not in data:
        return
    if data.file_meta.TransferSyntaxUID.is_compressed:
        _require_one(path, sum(1 for piece in _pieces(data.PixelData) if _begins(piece, data)))
        return
    held, wanted = len(data.PixelData), _bytes(data)
    if held < wanted:
        message = f"a DICOM file whose pixel data hold {held} bytes, whereas its header declares {wanted}"
        raise DataError([Fault(path, message, "copy the file again from its source")])
    _require_one(path, held // wanted if wanted else 1)
    data.PixelData = data.PixelData[: wanted + wanted % 2]


def _require_one(path: str, frames: int) -> None:
    if frames > 1:
        message = f"a DICOM file whose pixel data hold {frames} frames, whereas its header tells of one"
        remedy = "convert the series to NIfTI, for instance by `dcm2niix`, or extract one frame"
        raise DataError([Fault(path, message, remedy)])


def _bytes(data: Any) -> int:
    """Bytes of one frame that is not compressed (DICOM PS3.5 8.1.1)."""
    samples = 2 if data.PhotometricInterpretation == _SUBSAMPLED else int(data.get("SamplesPerPixel") or 1)
    bits = int(data.Rows) * int(data.Columns) * samples * int(data.get("BitsAllocated") or data.BitsStored)
    return (bits + 7) // 8


def _begins(piece: bytes, data: Any) -> bool:
    """Whether a fragment is the first of a frame: RLE has one per frame, JPEG begins each with a mark."""
    return data.file_meta.TransferSyntaxUID == _RLE or piece.startswith(_STARTS)


def _pieces(pixels: bytes) -> Iterator[bytes]:
    """Start of every fragment of encapsulated pixel data (PS3.5 A.4), without the table of offsets before them."""
    place, first = 0, True
    while pixels[place : place + 4] == _ITEM:
        length = int.from_bytes(pixels[place + 4 : place + _HEAD], "little")
        if not first:
            yield pixels[place + _HEAD : place + _HEAD + min(length, 16)]
        place, first = place + _HEAD + length, False
