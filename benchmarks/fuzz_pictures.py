"""Pictures of all formats, depths and codings, damaged or not, with masks beside them now and then."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path

import cohort_around
import numpy as np
from PIL import Image

Chance = np.random.Generator
SIZE = (24, 30)
MODES = ("1", "L", "P", "LA", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "I", "F", "I;16")
SAVED = {
    ".png": ("PNG", ("1", "L", "P", "LA", "RGB", "RGBA", "I", "I;16")),
    ".jpg": ("JPEG", ("L", "RGB", "CMYK", "YCbCr")),
    ".tif": ("TIFF", ("1", "L", "P", "LA", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I", "F", "I;16")),
    ".bmp": ("BMP", ("1", "L", "P", "RGB")),
}
COMPRESSIONS = (None, "tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits")


def make(chance: Chance, folder: Path) -> Sequence[str]:
    """Write a cohort of pictures of one or mixed formats, and spoil one, one site's, or all."""
    name = str(chance.choice([*SAVED, ".png", ".dcm"]))
    spoil = SPOILERS[chance.integers(len(SPOILERS))]
    which, told = chance.integers(4), ""
    masked = chance.random() < 0.3
    rows = cohort_around.rows(8)
    for number, row in enumerate(rows):
        content = _dicom(chance, number) if name == ".dcm" else _saved(name, chance, number)
        if (number == 2, number % 4 < 2, True, False)[which]:
            content, told = spoil(content, name, chance)
        row["image"] = f"{number}{name}"
        (folder / row["image"]).write_bytes(content)
        if masked:
            row["mask"] = f"m{number}{_mask(folder / f'm{number}', chance)}"
    cohort_around.must_be_told(folder, told)
    return cohort_around.written(folder, rows, chance)


def wrong(folder: Path, code: int, text: str) -> str | None:
    """Say whether something that must be told was not, or a library spoke."""
    return cohort_around.untold(folder, text) or cohort_around.line_of_a_library(text)


def _pixels(number: int, chance: Chance) -> np.ndarray:
    values = 60 + 80 * np.linspace(0, 1, SIZE[0])[:, None] + 20 * chance.random(SIZE)
    values[8:14, 10:16] += 60 * (number % 2)
    return np.clip(values, 0, 255).astype(np.uint8)


def _image(mode: str, number: int, chance: Chance) -> Image.Image:
    grey = Image.fromarray(_pixels(number, chance))
    if mode == "I;16":
        return Image.fromarray(_pixels(number, chance).astype(np.uint16) * int(chance.choice([1, 16, 257])))
    if mode in ("LAB", "HSV"):
        return Image.merge(mode, [grey, grey.transpose(Image.Transpose.ROTATE_180), grey])
    return grey.convert("RGB").convert(mode) if mode in ("YCbCr", "CMYK") else grey.convert(mode)


def _saved(name: str, chance: Chance, number: int) -> bytes:
    kind, modes = SAVED[name]
    mode = str(chance.choice(modes)) if chance.random() < 0.4 else "L"
    options: dict[str, object] = {}
    if kind == "TIFF":
        options["compression"] = COMPRESSIONS[chance.integers(len(COMPRESSIONS))] if mode in ("L", "RGB") else None
    if chance.random() < 0.2:
        exif = Image.Exif()
        exif[0x0112] = int(chance.integers(1, 9))
        options["exif"] = exif
    if chance.random() < 0.2:
        options["dpi"] = (72, 0)
    stream = io.BytesIO()
    try:
        _image(mode, number, chance).save(stream, kind, **options)
    except (OSError, ValueError, TypeError, RuntimeError):  # a coding that this format does not have
        stream = io.BytesIO()
        _image("L", number, chance).save(stream, kind)
    return stream.getvalue()


def _mask(path: Path, chance: Chance) -> str:
    mask = np.zeros(SIZE, np.uint8)
    mask[7:15, 9:17] = int(chance.choice([1, 2, 255]))
    name = str(chance.choice([".png", ".jpg", ".tif", ".bmp"]))
    Image.fromarray(mask).save(path.with_name(path.name + name))
    return name


def _dicom(chance: Chance, number: int) -> bytes:
    from pydicom.dataset import Dataset, FileMetaDataset  # imported only where it is needed
    from pydicom.uid import ExplicitVRLittleEndian, RLELossless, generate_uid

    data, meta = Dataset(), FileMetaDataset()
    meta.TransferSyntaxUID, meta.MediaStorageSOPClassUID = ExplicitVRLittleEndian, "1.2.840.10008.5.1.4.1.1.1.1"
    meta.MediaStorageSOPInstanceUID = data.SOPInstanceUID = generate_uid(entropy_srcs=[str(number)])
    data.file_meta, data.SOPClassUID, data.Modality = meta, meta.MediaStorageSOPClassUID, "DX"
    data.Rows, data.Columns = SIZE
    data.SamplesPerPixel, data.PhotometricInterpretation = 1, str(chance.choice(["MONOCHROME1", "MONOCHROME2"]))
    data.BitsAllocated, data.BitsStored, data.HighBit, data.PixelRepresentation = 16, 12, 11, 0
    data.PixelData = (_pixels(number, chance).astype("<u2") * 10).tobytes() * int(chance.choice([1, 1, 1, 2, 3]))
    for _ in range(chance.integers(3)):
        field = ("Rows", "BitsAllocated", "BitsStored", "SamplesPerPixel", "NumberOfFrames", "PixelRepresentation")
        setattr(data, field[chance.integers(len(field))], int(chance.choice([0, 1, 2, 3, 8, 12, 16, 24, 65535])))
    if chance.random() < 0.1 and len(data.PixelData) == 2 * SIZE[0] * SIZE[1]:
        try:
            data.compress(RLELossless)
        except Exception:  # of what the fields above do not fit; then it stays as it is
            data.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    stream = io.BytesIO()
    data.save_as(stream, enforce_file_format=True)
    return stream.getvalue()


def _flipped(content: bytes, name: str, chance: Chance) -> tuple[bytes, str]:
    spoilt = bytearray(content)
    for _ in range(chance.integers(1, 8)):
        spoilt[chance.integers(min(len(spoilt), 800))] = chance.integers(256)
    return bytes(spoilt), ""


def _cut(content: bytes, name: str, chance: Chance) -> tuple[bytes, str]:
    return content[: chance.integers(len(content))], ""


def _tail(content: bytes, name: str, chance: Chance) -> tuple[bytes, str]:
    return content + chance.bytes(int(chance.integers(1, 3000))), ""


def _other(content: bytes, name: str, chance: Chance) -> tuple[bytes, str]:
    kinds = ("PNG", "JPEG", "TIFF", "BMP", "GIF", "WEBP", "PPM", "ICO")
    stream = io.BytesIO()
    Image.fromarray(_pixels(0, chance)).save(stream, kinds[chance.integers(len(kinds))])
    return stream.getvalue(), ""


def _no_picture(content: bytes, name: str, chance: Chance) -> tuple[bytes, str]:
    others = (b"", b"<!DOCTYPE html>", bytes(3000), b"/annex/objects/x", b"%PDF-1.4", b"PK\x03\x04", chance.bytes(999))
    return others[chance.integers(len(others))], ""


def _pages(content: bytes, name: str, chance: Chance) -> tuple[bytes, str]:
    kind = {".tif": "TIFF", ".png": "PNG"}.get(name, "MPO" if name == ".jpg" else "")
    if not kind:
        return content, ""
    frames = [Image.fromarray(_pixels(n, chance)) for n in range(int(chance.integers(2, 5)))]
    stream = io.BytesIO()
    frames[0].save(stream, kind, save_all=True, append_images=frames[1:])
    return stream.getvalue(), "several pictures in one JPEG" if kind == "MPO" else "in one file"


def _bomb(content: bytes, name: str, chance: Chance) -> tuple[bytes, str]:
    """A PNG that declares many pixels, of which few or all are there."""
    side = int(chance.choice([5000, 20_000, 60_000]))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    body = chunk(b"IDAT", zlib.compress(bytes(int(chance.choice([1000, 1_000_000])))))
    return b"\x89PNG\r\n\x1a\n" + head + body + chunk(b"IEND", b""), ""


def _entry(content: bytes, name: str, chance: Chance) -> tuple[bytes, str]:
    """Another value of one entry of the first directory of a TIFF file."""
    if content[:4] != b"II*\0":
        return _flipped(content, name, chance)
    start = struct.unpack("<I", content[4:8])[0]
    count = struct.unpack("<H", content[start : start + 2])[0]
    spoilt = bytearray(content)
    place = start + 2 + 12 * int(chance.integers(count))
    numbers = (0, 1, 2, 3, 7, 8, 16, 32, 255, 65535, 2**31, 2**32 - 1)
    part = int(chance.integers(3))
    value = int(numbers[chance.integers(len(numbers))])
    struct.pack_into(("<H", "<I", "<I")[part], spoilt, place + (2, 4, 8)[part], value % 65536 if part == 0 else value)
    return bytes(spoilt), ""


def _white_at_0(content: bytes, name: str, chance: Chance) -> tuple[bytes, str]:
    if name != ".tif":
        return content, ""
    deep = chance.random() < 0.5
    pixels = _pixels(1, chance)
    stream = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint16) * 257 if deep else pixels).save(stream, "TIFF")
    entry = struct.pack("<HHI", 262, 3, 1)
    turned = stream.getvalue().replace(entry + b"\1\0", entry + b"\0\0")
    return turned, "white as the smallest value"


Spoiler = Callable[[bytes, str, Chance], tuple[bytes, str]]
SPOILERS: tuple[Spoiler, ...] = (
    _flipped,
    _flipped,
    _cut,
    _tail,
    _other,
    _no_picture,
    _pages,
    _bomb,
    _entry,
    _entry,
    _white_at_0,
)
