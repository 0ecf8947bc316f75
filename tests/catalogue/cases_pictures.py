"""What may be wrong with pictures, their masks, and DICOM."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from catalogue.case import Case, sound, write_table
from PIL import Image

SIZE = (24, 30)
Spoil = Callable[[Path, np.ndarray], None]


def _pixels(number: int) -> np.ndarray:
    values = np.random.default_rng(number).integers(40, 120, SIZE)
    values[8:14, 10:16] += 60 * (number % 2)
    return values.astype(np.uint8)


def _cohort(folder: Path, name: str, write: Callable[[Path, int], None]) -> list[dict[str, str]]:
    rows = sound(folder)
    for number, row in enumerate(rows):
        row["image"] = f"{number}{name}"
        write(folder / row["image"], number)
    write_table(folder, rows)
    return rows


def _usual(path: Path, number: int) -> None:
    Image.fromarray(_pixels(number)).save(path)


def _all(name: str, write: Spoil, *says: str, code: int = 3) -> Case:
    """Write all eight pictures by the function."""

    def make(folder: Path) -> None:
        _cohort(folder, name, lambda path, number: write(path, _pixels(number)))

    return Case(make, says, code=code)


def _one(name: str, write: Spoil, *says: str, code: int = 3) -> Case:
    """Write the third picture by the function."""

    def make(folder: Path) -> None:
        _cohort(folder, name, lambda path, n: write(path, _pixels(n)) if n == 2 else _usual(path, n))

    return Case(make, says, code=code)


def _content(content: bytes) -> Spoil:
    return lambda path, _: path.write_bytes(content) and None


def _saved(kind: str, change: Callable[[Image.Image], Image.Image] = lambda image: image, **options: Any) -> Spoil:
    return lambda path, pixels: change(Image.fromarray(pixels)).save(path, kind, **options)


def _pages(kind: str) -> Spoil:
    def write(path: Path, pixels: np.ndarray) -> None:
        frames = [Image.fromarray(255 - pixels), Image.fromarray(pixels // 2)]
        Image.fromarray(pixels).save(path, kind, save_all=True, append_images=frames)

    return write


def _cut(kind: str, share: float) -> Spoil:
    def write(path: Path, pixels: np.ndarray) -> None:
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, kind)
        path.write_bytes(stream.getvalue()[: int(share * len(stream.getvalue()))])

    return write


def _turned(path: Path, pixels: np.ndarray) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(path, exif=exif)


def _white_at_0(path: Path, pixels: np.ndarray) -> None:
    stream = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint16) * 257).save(stream, "TIFF")
    entry = struct.pack("<HHI", 262, 3, 1)
    path.write_bytes(stream.getvalue().replace(entry + b"\1\0", entry + b"\0\0"))


def _sixteen(path: Path, pixels: np.ndarray) -> None:
    Image.fromarray(pixels.astype(np.uint16) * 257).save(path)


def _transparent(image: Image.Image) -> Image.Image:
    image.putalpha(Image.fromarray(np.full(SIZE, 90, np.uint8)))
    return image


def _declaring(side: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(999))) + chunk(b"IEND", b"")


def _masks(name: str, mask: Callable[[np.ndarray], np.ndarray], *says: str, code: int = 3, **options: Any) -> Case:
    """Give the patients a mask."""

    def make(folder: Path) -> None:
        rows = _cohort(folder, ".png", _usual)
        for number, row in list(enumerate(rows))[1::2]:
            found = np.zeros(SIZE, np.uint8)
            found[7:15, 9:17] = 255
            row["mask"] = f"m{number}{name}"
            Image.fromarray(mask(found)).save(folder / row["mask"], **options)
        write_table(folder, rows)

    return Case(make, says, code=code)


def _dicom(**fields: Any) -> Spoil:
    def write(path: Path, pixels: np.ndarray) -> None:
        from dicom_files import write_dicom  # of an extra

        stored = pixels.astype(np.uint16) * 10
        own = {name: value(stored) if callable(value) else value for name, value in fields.items()}
        write_dicom(path, stored, **own)

    return write


CASES: dict[str, Case] = {
    "an empty file": _one(".png", _content(b""), "table.tsv:4", "2.png", "it is an empty file"),
    "a web page": _one(".png", _content(b"<!DOCTYPE html>"), "2.png", "a web page", "download the file again"),
    "all are web pages": _all(".jpg", _content(b"<html>"), "0.jpg", "a web page", "8 files: 0.jpg, 1.jpg, 2.jpg and 5"),
    "text": _one(".png", _content(b"no picture " * 9), "2.png", "it is no PNG or JPEG", "replace it"),
    "a PDF": _one(".png", _content(b"%PDF-1.7"), "2.png", "it is a PDF document", "export its pictures"),
    "a GIF": _one(".png", _saved("GIF"), "2.png", "it is a GIF picture", "convert it to PNG"),
    "a PNG named TIFF": _one(".tif", _saved("PNG"), "2.tif", "it holds a PNG picture, expected TIFF", "rename it"),
    "pages of a TIFF": _all(".tif", _pages("TIFF"), "3 pages in one file, expected one picture", "8 files"),
    "frames of a PNG": _all(".png", _pages("PNG"), "3 frames in one file, expected one picture", "8 files"),
    "pictures of a phone": _all(".jpg", _pages("MPO"), "several pictures in one JPEG file (MPO)", "8 files", code=0),
    "a truncated PNG": _one(".png", _cut("PNG", 0.6), "2.png", "not a readable .png image"),
    "a truncated JPEG": _one(".jpg", _cut("JPEG", 0.6), "2.jpg", "truncated"),
    "a truncated TIFF": _one(".tif", _cut("TIFF", 0.6), "2.tif", "not a readable .tif image"),
    "a truncated BMP": _one(".bmp", _cut("BMP", 0.6), "2.bmp", "truncated"),
    "more pixels than allowed": _one(".png", _content(_declaring(50_000)), "2.png", "2.5e+09 in all", "limits.voxels"),
    "more pixels than held": _one(".png", _content(_declaring(20_000)), "2.png", "declares 50 MB", "at most"),
    "turned by EXIF": _all(".jpg", _turned, "stored turned or mirrored (EXIF orientation)", "8 files", code=0),
    "white at 0": _one(".tif", _white_at_0, "white as the smallest value", "2.tif", "b 1 of 4", code=0),
    "8 and 16 bits": _one(".png", _sixteen, "pictures of several depths", "8 bits (7), 16 bits (1)", code=0),
    "transparent": _one(".png", _saved("PNG", _transparent), "1 pictures are transparent in places", code=0),
    "colour among grey": _one(
        ".png",
        _saved("PNG", lambda i: Image.merge("RGB", [i, i, i.point(lambda v: v // 2)])),
        "1 of 8 pictures are in colour, the others in grey",
        code=0,
    ),
    "grey as colour": _all(".png", _saved("PNG", lambda i: i.convert("RGB")), "three equal channels", code=0),
    "one colour": _one(".png", _saved("PNG", lambda i: i.point(lambda _: 9)), "2.png", "every pixel is"),
    "few pixels": _all(".png", _saved("PNG", lambda i: i.resize((9, 8))), "has 8 x 9 pixels only", code=0),
    "masks in JPEG": _masks(
        ".jpg", lambda mask: mask, "masks in JPEG", "half of their largest value", code=0, quality=40
    ),
    "masks of another size": _masks(
        ".png", lambda mask: mask[:-1], "m1.png: mask of shape 23 x 30", "24 x 30", "(4 files"
    ),
    "masks of everything": _masks(".png", lambda mask: mask | 1, "m1.png: the pathology mask covers 100%", "(4 files"),
    "empty masks": _masks(".png", lambda mask: 0 * mask, "the pathology mask is empty: s1, s3, s5, s7", code=0),
    "soft masks": _masks(
        ".png",
        lambda mask: mask // 2 + np.arange(30, dtype=np.uint8) // 4,
        "fainter than a twentieth of the largest value",
        "threshold them yourself",
        code=0,
    ),
    "frames of DICOM": _all(
        ".dcm",
        _dicom(PixelData=lambda stored: 3 * stored.tobytes()),
        "pixel data hold 3 frames, whereas its header tells of one",
        "8 files",
        "dcm2niix",
    ),
    "told frames of DICOM": _all(".dcm", _dicom(NumberOfFrames=3), "3 frames, expected one", "8 files", "dcm2niix"),
    "cut DICOM": _all(".dcm", _dicom(PixelData=lambda stored: stored.tobytes()[:90]), "hold 90 bytes", "8 files"),
    "inverted DICOM": _all(
        ".dcm", _dicom(PhotometricInterpretation="MONOCHROME1"), "white as the smallest value", "8 files", code=0
    ),
    "DICOM without pixels": _all(
        ".dcm", _dicom(PixelData=None), "a DICOM file without pixels", "8 files", "drop the row"
    ),
    "DICOM that is none": _all(".dcm", _content(b"no DICOM" * 99), "not a readable DICOM file", "8 files"),
}
