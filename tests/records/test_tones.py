import numpy as np
import pytest

from biasaudit.records import full_tone, grey_ends


def test_grey_ends_are_percentiles_and_never_the_same():
    assert grey_ends(np.arange(201.0)) == pytest.approx((2.0, 199.0))
    low, high = grey_ends(np.array([3.0, 3.0, np.nan]))
    assert low == 3.0 < high


@pytest.mark.parametrize(("largest", "full"), [(0.4, 1.0), (1.0, 1.0), (200.0, 255.0), (300.0, 65535.0), (7e4, 7e4)])
def test_colour_is_full_at_the_largest_number_of_its_type(largest: float, full: float):
    assert full_tone(np.array([[[0.0, largest, np.nan]]])) == full
