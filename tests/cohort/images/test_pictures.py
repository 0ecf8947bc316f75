from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from biasaudit.cohort.images.formats import decode
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
            with pytest.raises(DataError, match=r"it holds a \w+ picture, expected|it is no (PNG|JPEG|BMP|TIFF)"):
                decode(f"a{extension}", stored(kind))


def test_the_message_names_both_formats():
    with pytest.raises(ValueError, match="it holds a TIFF picture, expected PNG or JPEG: rename it"):
        open_picture(".png", io.BytesIO(stored("TIFF")))
