"""Libraries do not speak to the terminal; in a process of its own, since they write past Python."""

from __future__ import annotations

import io
import struct
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

READ = """
import sys
from biasaudit.cohort.images.formats import decode
from biasaudit.errors import DataError
try:
    decode("a.tif", sys.stdin.buffer.read())
except DataError as error:
    print(error)
"""


def broken(tag: int, value: int) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(np.arange(400, dtype=np.uint8).reshape(16, 25)).save(stream, "TIFF", compression="tiff_lzw")
    content = bytearray(stream.getvalue())
    start = struct.unpack("<I", content[4:8])[0]
    for entry in range(struct.unpack("<H", content[start : start + 2])[0]):
        place = start + 2 + 12 * entry
        if struct.unpack("<H", content[place : place + 2])[0] == tag:
            struct.pack_into("<I", content, place + 8, value)
    return bytes(content)


@pytest.mark.parametrize(("tag", "value"), [(279, 3), (273, 2**30)], ids=["bytes", "offset"])
def test_libtiff_prints_nothing(tag, value):
    done = subprocess.run([sys.executable, "-c", READ], input=broken(tag, value), capture_output=True, check=True)
    assert done.stderr == b""
    assert done.stdout.startswith(b"a.tif: not a readable .tif image")
