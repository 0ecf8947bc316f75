"""A cohort that R, pandas, a spreadsheet, SAS or a person writes is read as that cohort, or is a fault."""

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from biasaudit.cohort.readers.table import TableReader
from biasaudit.errors import DataError
from biasaudit.protocol import TableCohort

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"

if not BENCHMARKS.exists():
    pytest.skip("the benchmarks are not part of this copy", allow_module_level=True)

SPEC = importlib.util.spec_from_file_location("fuzz_tables", BENCHMARKS / "fuzz_tables.py")
tables = sys.modules["fuzz_tables"] = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(tables)

LABELS = [
    ("healthy", "ms"),
    ("0", "1"),
    ("False", "True"),
    ("none", "ms"),
    ("no MS, ever", 'MS "definite"'),
    ("H", "P"),
]
WORDS = st.text(st.characters(codec="utf-8", categories=["L", "N", "P", "Zs"]), min_size=1, max_size=8)
NAMES = WORDS.map(str.strip).filter(lambda word: word and not tables.is_unlike(word))


@st.composite
def cohorts(draw):
    """Rows as `fuzz_tables.cohort` makes them, of any numbers and names."""
    count = draw(st.integers(6, 12))
    healthy, ill = draw(st.sampled_from(LABELS))
    sites = draw(st.lists(NAMES, min_size=2, max_size=2, unique_by=str.casefold))
    decimals = draw(st.integers(0, 6))
    number = st.floats(-1e6, 1e6).map(lambda value: float(round(value, decimals)))
    column = st.lists(number, min_size=count, max_size=count, unique=True)
    ages = draw(st.lists(st.none() | st.floats(0, 88).map(lambda age: round(age, 2)), min_size=count, max_size=count))
    features = [draw(column) for _ in tables.FEATURES]
    return [
        {
            "subject": f"{row:03d}",
            "label": ill if row % 2 else healthy,
            "site": sites[row // 2 % 2],
            "Age at scan": ages[row],
            **{name: values[row] for name, values in zip(tables.FEATURES, features, strict=True)},
            "note": draw(st.sampled_from(tables.NOTES)),
        }
        for row in range(count)
    ]


@pytest.mark.parametrize("style", tables.STYLES)
@settings(deadline=None, max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=cohorts())
def test_the_same_cohort_or_a_fault(tmp_path, style, rows):
    path = tmp_path / tables.STYLES[style].name
    path.write_bytes(tables.written(rows, tables.STYLES[style]))
    label = {"column": "label", "positive": rows[1]["label"], "negative": rows[0]["label"]}
    asked = {"reader": "table", "table": path, "label": label, "origins": ["site"], "min_origin_size": 1}
    asked |= {"covariates": ["Age at scan"], "features": ["GM [ml]", "lh_*", "vol*"]}
    try:
        read = TableReader().read(TableCohort.model_validate(asked))
    except DataError:
        return
    assert tables.differences(rows, read) == []


@pytest.mark.parametrize("number", range(20))
def test_what_the_fuzzer_writes_is_sound_or_said(tmp_path, number):
    tables.make(np.random.default_rng([7, number]), tmp_path)
    code, said = _outcome(tmp_path)
    assert tables.wrong(tmp_path, code, said) is None


def _outcome(folder):
    try:
        return (0, "") if tables.read(folder).samples else (1, "no samples")
    except DataError as error:
        return 3, str(error)
