from __future__ import annotations

import io

import numpy as np
from PIL import Image

from biasaudit.cohort.images.formats import decode
from biasaudit.cohort.images.scan import Scan

MASK = np.zeros((40, 48), np.uint8)
MASK[11:22, 13:31] = 255


def saved(kind, name, **options):
    stream = io.BytesIO()
    Image.fromarray(MASK).save(stream, kind, **options)
    return decode(name, stream.getvalue())


def test_a_mask_in_jpeg_does_not_grow_by_its_ripples():
    lossy = saved("JPEG", "a.jpg", quality=60)
    assert (lossy.data > 0).sum() > 1.1 * (MASK > 0).sum()
    np.testing.assert_array_equal(lossy.marked, MASK > 0)
    np.testing.assert_array_equal(saved("JPEG", "a.png").marked, MASK > 0)
    np.testing.assert_array_equal(saved("TIFF", "a.tif", compression="jpeg", quality=60).marked, MASK > 0)


def test_other_masks_are_what_is_above_0():
    np.testing.assert_array_equal(saved("PNG", "a.png").marked, MASK > 0)
    values = np.array([[0, 1], [2, 100]], np.float32)
    np.testing.assert_array_equal(Scan(values, None).marked, [[False, True], [True, True]])
    assert not Scan(np.zeros((3, 3), np.float32), None, lossy=True).marked.any()


def test_volumes():
    four = Scan(np.arange(24, dtype=np.float32).reshape(2, 2, 2, 3), np.eye(4))
    assert [volume.data.shape for volume in four.volumes] == [(2, 2, 2)] * 3
