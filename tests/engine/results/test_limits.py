"""What a reader must not conclude follows what the audit rests on."""

from __future__ import annotations

import pytest

from biasaudit.engine.results.limits import leaves_power_open
from biasaudit.records import Reliance, Verdict


@pytest.mark.parametrize(
    ("word", "source", "is_open"),
    [
        ("PATHOLOGY", "U4", True),
        ("PATHOLOGY", "P1", False),
        ("UNDETERMINED", None, True),
        ("UNDETERMINED", "P1", False),
        ("ORIGIN", "U4", False),
        ("MIXED", "U1", False),
    ],
)
def test_a_spike_in_that_was_not_run_is_open_where_it_would_matter(word, source, is_open):
    verdict = Verdict(word, "", "site", Reliance(source=source))
    assert leaves_power_open([verdict]) is is_open
    assert leaves_power_open([verdict, Verdict("PATHOLOGY", "", "year", Reliance(source="U4"))])
