from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image

from biasaudit.cohort.images.formats import decode, read_geometry
from biasaudit.cohort.images.pictures import PICTURES, open_picture
from biasaudit.errors import DataError


def stored(kind: str) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8)).save(stream, kind)
    return stream.getvalue()


@pytest.mark.parametrize(("extension", "kinds"), PICTURES.items())
def test_formats_by_extension(extension, kinds):
    for kind in ("PNG", "JPEG", "BMP", "TIFF", "GIF", "WEBP", "EPS", "PPM", "ICO"):
        if kind in kinds:
            assert decode(f"a{extension}", stored(kind)).data.shape == (8, 8)
        else:
            with pytest.raises(
                DataError, match=r"it holds a \w+ picture, expected|it is (no (PNG|JPEG|BMP|TIFF)|a GIF)"
            ):
                decode(f"a{extension}", stored(kind))


def test_the_message_names_both_formats():
    with pytest.raises(ValueError, match="it holds a TIFF picture, expected PNG or JPEG: rename it"):
        open_picture(".png", io.BytesIO(stored("TIFF")))


GREY = np.arange(400, dtype=np.uint8).reshape(16, 25)


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def pages(kind: str, count: int, **options: object) -> bytes:
    frames = [Image.fromarray(np.roll(GREY, n, 1)) for n in range(count)]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:], **options)


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("a.tif", pages("TIFF", 3), "3 pages"),
        ("a.tif", pages("TIFF", 2), "2 pages"),
        ("a.tif", pages("TIFF", 1002), "more than 1000 pages"),
        ("a.png", pages("PNG", 4), "4 frames"),
        ("a.jpg", pages("PNG", 4), "4 frames"),
    ],
)
def test_several_pictures_in_one_file_are_refused_with_their_number(name, content, what):
    with pytest.raises(DataError, match=f"{what} in one file, expected one picture: write each"):
        decode(name, content)


def test_one_page_and_its_smaller_copies_are_one_picture():
    assert decode("a.tif", pages("TIFF", 1)).data.shape == GREY.shape
    small = Image.fromarray(GREY).resize((5, 4))
    small.encoderinfo = {"tiffinfo": {254: 1}}
    scan = decode("a.tif", encoded(Image.fromarray(GREY), "TIFF", save_all=True, append_images=[small]))
    np.testing.assert_allclose(scan.data, GREY / 255, atol=1e-6)


def test_the_preview_in_a_picture_of_a_phone_is_left_out():
    scan = decode("a.jpg", pages("MPO", 2, quality=100))
    assert (scan.data.shape, scan.lossy) == (GREY.shape, True)
    assert scan.remarks == ("several pictures in one JPEG file (MPO), of which the first is read",)


def tiff_with_white_at_0(array: np.ndarray) -> bytes:
    content = encoded(Image.fromarray(array), "TIFF")
    entry = struct.pack("<HHI", 262, 3, 1)
    assert content.count(entry + struct.pack("<H", 1)) == 1
    return content.replace(entry + struct.pack("<H", 1), entry + struct.pack("<H", 0))


@pytest.mark.parametrize(
    "array",
    [GREY, GREY.astype(np.uint16) * 257, GREY > 100, (GREY / np.float32(255)).astype(np.float32)],
    ids=["8 bits", "16 bits", "1 bit", "float"],
)
def test_white_is_large_whatever_the_coding(array):
    usual, turned = (
        decode("a.tif", encoded(Image.fromarray(array), "TIFF")),
        decode("a.tif", tiff_with_white_at_0(array)),
    )
    np.testing.assert_allclose(turned.data, 1 - usual.data, atol=1e-6)
    assert "white as the smallest value" in turned.remarks[0]
    assert (usual.remarks, usual.bits) == ((), turned.bits)


def test_palettes_cmyk_and_transparency_keep_bright_bright():
    grey = Image.fromarray(GREY)
    palette = grey.convert("P")
    palette.putpalette(bytes(255 - value for value in range(256) for _ in range(3)))
    np.testing.assert_allclose(decode("a.png", encoded(palette, "PNG")).data, (255 - GREY) / 255, atol=0.01)
    for kind, name in (("TIFF", "a.tif"), ("JPEG", "a.jpg")):
        scan = decode(name, encoded(grey.convert("RGB").convert("CMYK"), kind))
        np.testing.assert_allclose(scan.data, GREY / 255, atol=0.12)
    np.testing.assert_allclose(decode("a.png", encoded(grey.convert("LA"), "PNG")).data, GREY / 255, atol=0.01)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_stored_turned_are_turned_upright(tmp_path, kind, orientation):
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = tmp_path / f"a.{kind.lower()[:4]}"
    path = path.with_suffix({"PNG": ".png", "JPEG": ".jpg", "TIFF": ".tif"}[kind])
    stored = np.zeros((16, 24), np.uint8)
    stored[:8, :8] = 255  # the upper left corner as stored
    Image.fromarray(stored).save(path, kind, exif=exif)
    scan = decode(path.name, path.read_bytes())
    assert scan.data.shape == read_geometry(str(path))[0] == ((16, 24) if orientation < 5 else (24, 16))
    upright = {1: (0, 0), 2: (0, -1), 3: (-1, -1), 4: (-1, 0), 5: (0, 0), 6: (0, -1), 7: (-1, -1), 8: (-1, 0)}
    assert scan.data[upright[orientation]] > 0.9
    assert (scan.data > 0.5).mean() == pytest.approx(1 / 6, abs=0.02)
    assert bool(scan.remarks) == (orientation > 1)


def test_depths():
    assert decode("a.png", encoded(Image.fromarray(GREY), "PNG")).bits == 8
    assert decode("a.png", encoded(Image.fromarray(GREY.astype(np.uint16)), "PNG")).bits == 16
    assert decode("a.tif", encoded(Image.fromarray(GREY.astype(np.uint16)), "TIFF")).bits == 16
    assert decode("a.png", encoded(Image.fromarray(GREY > 5), "PNG")).bits == 1


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP"])
def test_truncated_pictures_are_one_line(kind, capfd):
    whole = encoded(Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 50), np.uint8)), kind)
    name = {"PNG": "a.png", "JPEG": "a.jpg", "TIFF": "a.tif", "BMP": "a.bmp"}[kind]
    for size in range(0, len(whole) * 9 // 10, 61):
        with pytest.raises(DataError, match="not a readable") as caught:
            decode(name, whole[:size])
        assert "\n" not in str(caught.value)
    assert capfd.readouterr() == ("", "")
