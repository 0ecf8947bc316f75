import numpy as np
import pytest

from biasaudit.edits.planting.cast import cast
from biasaudit.edits.planting.chance import chance
from biasaudit.errors import UsageError


def test_a_single_channel_has_no_colour():
    with pytest.raises(UsageError, match="single channel"):
        cast(np.zeros((1, 8, 8), dtype=np.float32), 1.0, chance(1, "a", "one"))
