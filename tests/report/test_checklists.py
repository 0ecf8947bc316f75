"""Answers to checklists: items once, with their source, and nothing where the audit has no answer."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from biasaudit.report.checklists import _ITEMS, answer_table, answers
from biasaudit.report.methods import checklist
from biasaudit.report.references import CHECKLIST_WORKS, in_words
from biasaudit.run_folder.reading import RunRecords, load_run

Make = Callable[..., Path]


@pytest.fixture
def records(make_run: Make) -> RunRecords:
    return load_run(make_run(regime="nested", n=24))


def text(records: RunRecords, name: str, item: str) -> str | None:
    found = {(each.checklist, each.item): each.text for each in answers(records)}
    return found.get((name, item))


def test_every_item_is_answered_once_with_its_source(records: RunRecords) -> None:
    given = answers(records)
    assert len({(each.checklist, each.item) for each in given}) == len(given)
    assert {each.checklist for each in given} == set(CHECKLIST_WORKS)
    for each in given:
        assert each.source == in_words(CHECKLIST_WORKS[each.checklist])
        assert "doi:" in each.source
        assert each.asks
        assert each.text.endswith(".")


def test_the_table_holds_the_same(records: RunRecords) -> None:
    table = answer_table(records)
    assert list(table) == ["checklist", "item", "asks", "text", "source"]
    assert list(table["text"]) == [each.text for each in answers(records)]


def test_confounding_is_answered_by_the_verdict_and_reliance(records: RunRecords) -> None:
    for name, item in (("METRICS", "19"), ("CLAIM 2024", "30"), ("TRIPOD+AI", "12d")):
        assert text(records, name, item) == checklist(records)


def test_numbers_are_those_of_the_run(records: RunRecords) -> None:
    data = text(records, "CLAIM 2024", "7")
    assert data is not None
    assert "24 subjects (12 healthy and 12 ms)" in data
    assert "By origin: ofsep-lyon: 6 ms; ofsep-nancy: 6 ms; ixi-guys: 4 healthy;" in data
    assert (
        text(records, "CLAIM 2024", "32") == "Held-out AUC of the intensity input: 0.98 (95 % interval 0.95 to 1.00)."
    )
    uncertainty = text(records, "METRICS", "21")
    assert uncertainty is not None
    assert "2000 permutations" in uncertainty
    assert "90 % intervals of reliance" in uncertainty
    assert text(records, "METRICS", "18") == (
        "Subjects were divided by 5-fold cross-validation, grouped by subject and stratified by class and origin; the "
        "same folds served all inputs and controls."
    )


def test_many_origins_are_not_counted_in_a_sentence(records: RunRecords) -> None:
    records.subjects["origin"] = [f"site {place}" for place in range(24)]
    assert "By origin" not in str(text(records, "CLAIM 2024", "7"))


def test_the_auc_to_publish_is_given_or_why_there_is_none(records: RunRecords) -> None:
    assert text(records, "CLAIM 2024", "38") is None
    own: dict[str, Any] = {"factor": "origin", "auc": None, "how": "", "text": "None can be given: too few."}
    records.audit["arms"][0]["target"]["independent"] = own  # type: ignore[typeddict-item]
    name = "AUC of the intensity input with class and origin made independent"
    assert text(records, "CLAIM 2024", "38") == f"{name}: none can be given: too few."
    own |= {"auc": 0.7, "auc_low": 0.6, "auc_high": 0.8, "text": "On 20 subjects."}
    assert text(records, "CLAIM 2024", "38") == (f"{name}: 0.70 (95 % interval 0.60 to 0.80). On 20 subjects.")


def test_of_a_network_made_elsewhere_nothing_is_said_of_folds(records: RunRecords) -> None:
    records.audit["settings"]["target"]["weights"] = "net.pt"  # type: ignore[index]
    assert text(records, "METRICS", "18") is None
    assert text(records, "PROBAST+AI", "evaluation 4.6") is None
    assert "trained elsewhere" in str(text(records, "PROBAST+AI", "evaluation 4.1"))
    records.audit["settings"]["cohort"] = {"predictions": "run"}  # type: ignore[index]
    assert "The scores were given" in str(text(records, "PROBAST+AI", "evaluation 4.1"))


def test_maps_are_told_only_with_their_test(records: RunRecords) -> None:
    assert text(records, "CLAIM 2024", "31") is None, "this run did not ask G2"
    passed: Any = {"code": "G2", "status": "clear", "reason": "maps hold"}
    records.audit["arms"][0]["findings"].append(passed)
    assert text(records, "CLAIM 2024", "31") == (
        "Attribution maps (integrated gradients). How they were validated: Maps hold."
    )


def test_advice_on_settings_is_no_limitation(records: RunRecords) -> None:
    records.audit["limits"] = ["Intervals are of these networks. `target: {seeds: 2}` widens them by others.", "More."]
    told = str(text(records, "TRIPOD+AI", "26"))
    assert "seeds" not in told
    assert told.endswith("Intervals are of these networks. More.")


def test_findings_of_other_contrasts_are_left_out(records: RunRecords) -> None:
    def own(contrast: str | None, reason: str) -> Any:
        return {"code": "U1", "status": "concern", "contrast": contrast, "reason": reason}

    arm = records.audit["arms"][0]
    arm["findings"] = [own("ms", "of ms"), own("tumour", "of tumour"), own(None, "of all")]
    arm["contrast"] = "ms"
    assert text(records, "TRIPOD+AI", "23b") == "Of ms. Of all."


def test_the_documentation_lists_the_items() -> None:
    pages = (Path(__file__).parents[2] / "docs" / "files.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| (CLAIM|TRIPOD\+AI|PROBAST\+AI|METRICS)[^|]* \| ([^|]*) \|$", pages, re.MULTILINE))
    listed = {name.split()[0]: ", ".join(item.split()[-1] for item, _, _ in items) for name, items in _ITEMS.items()}
    assert rows == listed
