"""The page of the nulls, from made-up records whose rates are known."""

import importlib.util
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"

if not BENCHMARKS.exists():
    pytest.skip("the benchmarks are not part of this copy", allow_module_level=True)


@pytest.fixture
def page(monkeypatch):
    """Load both files alone: a folder of benchmarks on the path would hide modules of Python."""
    for name in ("real_rates", "nulls_page"):
        spec = importlib.util.spec_from_file_location(name, BENCHMARKS / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)
    return module


def finding(code, p_value=None, may_flag=True, status="clear", statistic=0.9):
    return {
        "code": code, "status": status, "statistic": statistic, "low": None, "high": None, "p_value": p_value,
        "class": "healthy" if code == "U1" else None, "input": None, "may_flag": may_flag,
        "details": {"may_flag": may_flag},
    }  # fmt: skip


def cohort(number, flagged=(), r=0.0, p_value=0.5, family="null-label-noise"):
    """One simulated cohort, flagged with masks (True) or without (False)."""
    records = [
        {
            "cohort": f"c{number}", "family": family, "half": "judge", "kind": "none", "n": 160, "arm": "intensity",
            "masks": masks, "mask_is_complete": masks, "regime": "crossed", "reason": "",
            "verdict": "MIXED" if masks in flagged else "UNDETERMINED",
            "truth": {"r": r, "omega": r, "auc_one_site": 0.9, "gap": 1.0, "seconds": 1.0},
            "reliance": {"low": None, "estimate": None, "high": None, "from": None},
            "findings": [finding("G1", may_flag=False), finding("U1", p_value)],
        }
        for masks in (True, False)
    ]  # fmt: skip
    return {"name": f"c{number}", "records": records, "comparisons": []}


def picture(number, word="UNDETERMINED", r=0.0):
    return {
        "name": f"p{number}", "family": "noise 5", "n": 100, "regime": "aliased", "truth": {"r": r, "seconds": 1.0},
        "findings": [finding("G1", may_flag=False), finding("U13", 0.01 if word == "MIXED" else 0.5)],
        "probes": {"20": [finding("P1", 0.9)]},
        "verdicts": {name: {"word": word if name == "field" else "UNDETERMINED", "reliance": {"low": None}}
                     for name in ("nothing", "field", "20 probes")},
    }  # fmt: skip


COHORTS = [
    cohort(0, (True,), p_value=0.01),
    cohort(1, (True, False)),
    *map(cohort, range(2, 10)),
    cohort(99, (True,), r=0.2),
]
PICTURES = [picture(0, "MIXED"), *map(picture, range(1, 5))]


def cell(table, column, **where):
    for name, value in where.items():
        table = table[table[name] == value]
    (text,) = table[column]
    return text.split()[0]


def test_variants_are_counted_apart_and_cohorts_once(page):
    simulated = page.verdicts_simulated(COHORTS)
    clean = simulated[simulated.r <= 0.05]
    assert cell(page.by(clean, ["images"]), "flagged", images="simulated, masks") == "2/10"
    assert cell(page.by(clean, ["images"]), "flagged", images="simulated, no masks") == "1/10"
    assert cell(page.by(page.once(clean), ["family"]), "flagged", family="label noise") == "2/10"


def test_pictures_by_what_was_declared(page):
    told = page.verdicts_pictured(PICTURES)
    assert cell(page.by(told, ["images"]), "flagged", images="pictures, field") == "1/5"
    assert cell(page.by(told, ["images"]), "flagged", images="pictures, nothing") == "0/5"
    assert set(told.family) == {"label noise"}


def test_the_size_of_single_tests_where_they_vote(page):
    found = page.tests(COHORTS, PICTURES, [])
    assert cell(found, "p <= .05", images="simulated, masks", test="U1 in healthy") == "1/10"
    assert cell(found, "p <= .05", images="pictures", test="U13") == "1/5"
    assert cell(found, "p <= .05", images="pictures", test="P1, 20") == "0/5"
    assert "G1" not in set(found.test)


def scored(word, *tests):
    return {"family": "prevalence", "severity": "known", "word": word, "tests": tests}


SCORED = [scored("MIXED", ["healthy", 0.01], [None, 0.2]), scored("UNDETERMINED", ["healthy", 0.3], ["ms", 0.02])]


def test_drawn_scores(page):
    found = page.drawn_scores(SCORED)
    assert list(found.severity) == ["either", "known"]
    found = found[found.severity == "known"]
    words = {
        "flagged": "1/2",
        "U1, healthy, p <= .05": "1/2",
        "U1, patients, p <= .05": "1/1",
        "U1, all, p <= .05": "0/1",
    }
    assert {name: cell(found, name) for name in words} == words


@pytest.mark.parametrize("cohorts", [[], COHORTS])
@pytest.mark.parametrize("rows", [[], PICTURES])
@pytest.mark.parametrize("drawn", [[], SCORED])
def test_a_page_of_whatever_there_is(page, cohorts, rows, drawn):
    text = page.page(cohorts, rows, drawn, {"commit": "abc"})
    assert "# Nulls" in text
    assert ("| label noise" in text) == bool(cohorts or rows)
    assert ("| prevalence" in text) == bool(drawn)
