"""The report as a reader meets it: in a browser, wide and on a phone, light and dark, on paper."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browser import PHONE, SCHEMES, WIDE, chromium, needs_browser, opened, printed_pages, violations
from run_folders import write_run

from biasaudit.report.render import write_report

pytestmark = needs_browser
LONG = "x" * 247
HOSTILE = "<img src=x onerror=alert(1)>\u202e$\\alpha$ {{ 7 * 7 }}"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = write_run(tmp_path_factory.mktemp("read") / "run", "nested", ("intensity", "tissue"), n=24)
    return write_report(run)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run whose names are markup, or one word of 247 letters."""
    run = write_run(tmp_path_factory.mktemp("hostile") / "run", "nested", ("intensity", "tissue"), n=24)
    for path in (run / "audit.json", *(run / "tables").glob("*.tsv")):
        text = path.read_text(encoding="utf-8")
        for word, name in (("ofsep-lyon", LONG), ("ixi-guys", json.dumps(HOSTILE)[1:-1]), ("tissue", LONG[::-1] + "y")):
            text = text.replace(word, name)
        path.write_text(text, encoding="utf-8")
    audit = json.loads((run / "audit.json").read_text(encoding="utf-8"))
    (run / "audit.json").write_text(json.dumps(audit | {"name": LONG, "notes": [HOSTILE]}), encoding="utf-8")
    return write_report(run)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_nothing_is_asked_said_or_out_of_reach(browser: Any, report: Path, width: int, scheme: str) -> None:
    with opened(browser, report, width, scheme) as seen:
        assert violations(seen.page) == []
        seen.page.get_by_role("button", name="Expand all").click()
        assert violations(seen.page) == []
        assert seen.overflow <= 0
        assert (seen.said, seen.asked) == ([], [])


def test_every_section_and_card_opens_and_closes(browser: Any, report: Path) -> None:
    with opened(browser, report) as seen:
        closed = seen.page.locator("main details:not([open])")
        count, shut = closed.count(), seen.height
        assert count > 15
        seen.page.get_by_role("button", name="Expand all").click()
        assert closed.count() == 0
        assert seen.height > shut
        seen.page.get_by_role("button", name="Close all").click()
        assert closed.count() == count
        for card in seen.page.locator("details.check > summary").all():
            card.click()
        assert seen.page.locator("details.check[open] .finding:visible").count() > 15


def test_checks_are_filtered_by_status_input_and_question(browser: Any, report: Path) -> None:
    with opened(browser, report) as seen:
        page, shown = seen.page, seen.page.locator(".check:visible")
        every = shown.count()
        page.get_by_label("Status", exact=True).select_option("concern")
        assert 0 < shown.count() < every
        assert page.locator("#shown").inner_text() == f"{shown.count()} of {every} checks"
        page.get_by_role("button", name="Expand all").click()
        statuses = page.locator(".finding:visible").evaluate_all("all => all.map(each => each.dataset.status)")
        assert set(statuses) == {"concern"}
        page.get_by_label("Input", exact=True).select_option("tissue")
        arms = page.locator(".finding:visible").evaluate_all("all => all.map(each => each.dataset.arm)")
        assert set(arms) <= {"", "tissue"}
        page.get_by_label("Status", exact=True).select_option("")
        page.get_by_label("Question", exact=True).select_option("gate")
        assert shown.locator("> summary .code").all_inner_texts() == ["G1", "G3"]


def test_checks_are_sorted(browser: Any, report: Path) -> None:
    with opened(browser, report) as seen:
        codes = seen.page.locator(".check > summary .code")
        by_question = codes.all_inner_texts()
        seen.page.get_by_label("Order", exact=True).select_option("rank")
        assert codes.all_inner_texts()[0] == "G3", "an error is the most urgent"
        seen.page.get_by_label("Order", exact=True).select_option("code")
        assert codes.all_inner_texts() == sorted(by_question)
        assert seen.page.locator(".kind:visible").count() == 0
        seen.page.get_by_label("Order", exact=True).select_option("kind")
        assert codes.all_inner_texts() == by_question


def test_the_address_of_a_finding_opens_its_card(browser: Any, report: Path) -> None:
    with opened(browser, report) as seen:
        seen.page.evaluate("location.hash = '#intensity-U4-origin'")
        finding = seen.page.locator("#intensity-U4-origin")
        finding.wait_for(state="visible")
        assert "U4 says concern." in finding.inner_text()


def test_the_keyboard_reaches_every_card(browser: Any, report: Path) -> None:
    with opened(browser, report) as seen:
        reached = set()
        for _ in range(160):
            seen.page.keyboard.press("Tab")
            reached.add(seen.page.evaluate("document.activeElement.parentElement.id"))
        cards = set(seen.page.locator("details.check").evaluate_all("all => all.map(each => each.id)"))
        assert cards <= reached
        seen.page.locator("#check-U4 > summary").focus()
        seen.page.keyboard.press("Enter")
        assert seen.page.locator("#check-U4 .finding").first.is_visible()


def test_paper_holds_the_summary_or_everything(browser: Any, report: Path) -> None:
    with opened(browser, report) as seen:
        summary = printed_pages(seen.page)
        assert summary <= 6
        seen.page.evaluate("window.print = () => {}")
        seen.page.get_by_role("button", name="Print everything").click()
        assert printed_pages(seen.page) > summary


@pytest.mark.parametrize("width", [WIDE, PHONE])
def test_hostile_names_stay_text_and_keep_the_layout(browser: Any, hostile: Path, width: int) -> None:
    with opened(browser, hostile, width) as seen:
        seen.page.get_by_role("button", name="Expand all").click()
        assert seen.overflow <= 0
        assert (seen.said, seen.asked) == ([], [])
        assert seen.page.locator("img[src=x]").count() == 0
        assert "{{ 7 * 7 }}" in seen.page.locator("body").inner_text()
