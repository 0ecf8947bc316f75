"""What a terminal shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace

import pytest
from rich.console import Console

from biasaudit import terminal
from biasaudit.engine.jobs.job import Job
from biasaudit.records import Cohort, Sample
from biasaudit.report.side_by_side import Section

Written = Callable[[], tuple[str, str]]


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Written:
    def read() -> tuple[str, str]:
        captured = capsys.readouterr()
        return captured.out, captured.err

    return read


def cohort(origins: dict[str, tuple[int, int]]) -> Cohort:
    """Make so many healthy and ill subjects of every origin."""
    samples = [
        Sample(f"{name}-{label}-{number}", (), label, label == "ill", {"site": name})
        for name, counts in origins.items()
        for label, count in zip(("healthy", "ill"), counts, strict=True)
        for number in range(count)
    ]
    return Cohort(tuple(samples), ("healthy", "ill"), ("site",), 3, 1)


def job(number: int = 0) -> Job:
    return Job(SimpleNamespace(step="train"), title=f"train [fold {number}]")


@pytest.mark.parametrize(
    ("seconds", "words"), [(89.4, "89 s"), (90.0, "2 min"), (5399.0, "90 min"), (5400.0, "1.5 h"), (36000.0, "10.0 h")]
)
def test_a_duration_is_in_the_unit_that_fits(seconds: float, words: str) -> None:
    assert terminal.in_words(seconds) == words


def test_faults_go_to_standard_error_as_they_are_written(written: Written) -> None:
    terminal.print_fault("table.tsv:3: [bold] is no label")
    assert written() == ("", "table.tsv:3: [bold] is no label\n")


ODD = "p.yaml:100: :100: :smile: [/red] [bold]x[/bold] \\[a] \\"


@pytest.mark.parametrize(
    "show",
    [
        terminal.print_line,
        terminal.print_fault,
        terminal.print_to_stderr,
        terminal.print_success,
        lambda text: terminal.print_notes([text]),
        lambda text: terminal.print_cohort(replace(cohort({text: (1, 1)}), classes=("healthy", "ill"))),
        lambda text: terminal.print_components(text, [(text, text)]),
        lambda text: terminal.print_sections([Section(text, (text, "b"), ((text, text),), text)]),
    ],
)
def test_nothing_in_a_text_is_markup_or_an_emoji(written: Written, show: Callable[[str], None]) -> None:
    show(ODD)
    assert ODD in "".join(written())


def test_a_column_may_be_called_anything(written: Written) -> None:
    terminal.print_cohort(replace(cohort({"a": (1, 1)}), factors=("site",), classes=("[/red]", ":100:")))
    assert "[/red]" in written()[0]
    assert ":100:" in terminal._raw(":100:").plain


def test_no_control_character_reaches_the_terminal(written: Written) -> None:
    terminal.print_fault("a\x1b[2Jb\x07c\rd\x9be")
    assert written()[1] == "a\\x1b[2Jb\\x07c\\rd\\x9be\n"


def test_classes_are_counted_by_origin_and_notes_follow(written: Written) -> None:
    terminal.print_cohort(replace(cohort({"b": (2, 0), "a": (1, 3)}), notes=("a note",)))
    lines = [line.split() for line in written()[0].splitlines()]
    assert lines == [["site", "healthy", "ill"], ["a", "1", "3"], ["b", "2", "0"], ["note:", "a", "note"]]


def test_the_smallest_of_many_origins_share_a_row(written: Written) -> None:
    terminal.print_cohort(cohort({f"site{number:02}": (number + 1, 1) for number in range(25)}))
    lines = [line.split() for line in written()[0].splitlines()]
    assert len(lines) == 21
    assert lines[1][0] == "site06"
    assert lines[-1] == ["6", "smaller", "origins", str(sum(range(1, 7))), "6"]


def test_every_arm_gets_its_verdict_and_reason(written: Written) -> None:
    each = [
        {"contrast": "ad", "verdict": "ORIGIN", "factor": "site"},
        {"contrast": "mci", "verdict": "MIXED", "factor": "site"},
    ]
    arms = [
        {"name": "intensity", "verdict": "PATHOLOGY", "reason": "no [reliance]", "provisional": True},
        {"name": "tissue", "verdict": "ORIGIN", "reason": "much", "contrast": "ad", "verdicts": each},
    ]
    terminal.print_verdicts({"arms": arms})
    assert written()[0].splitlines() == [
        "PATHOLOGY (provisional)  arm intensity: no [reliance]",
        "ORIGIN  arm tissue, ad against the rest: much",
        "  against the rest: ad ORIGIN (site), mci MIXED (site)",
    ]


def test_what_is_undetermined_says_what_would_settle_it(written: Written) -> None:
    verdicts = [{"verdict": "UNDETERMINED", "contrast": None, "factor": "site", "settle": "Bring 20 images."}]
    arm = {"name": "intensity", "verdict": "UNDETERMINED", "reason": "no probes", "verdicts": verdicts}
    terminal.print_verdicts({"arms": [arm]})
    assert written()[0].splitlines()[1] == "  what would settle it: Bring 20 images."


def test_a_section_without_rows_is_its_title_and_lead(written: Written) -> None:
    terminal.print_sections(
        [Section("Settings", ("a",), (), "No setting differs."), Section("Runs", ("a",), (("1",),))]
    )
    assert [line.strip() for line in written()[0].splitlines()] == [
        "Settings",
        "No setting differs.",
        "",
        "Runs",
        "a",
        "1",
        "",
    ]


def test_a_first_look_ends_with_what_can_be_answered(written: Written) -> None:
    look = SimpleNamespace(
        sections=[SimpleNamespace(title="Classes", columns=("class", "n"), rows=(("[ill]", "3"),))],
        notes=("rounded",),
        can_answer=("G1",),
        cannot_answer=("U9",),
    )
    terminal.print_first_look(look)
    lines = [line.strip() for line in written()[0].splitlines()]
    assert [line.split() for line in lines[:3]] == [["Classes"], ["class", "n"], ["[ill]", "3"]]
    assert lines[-3:] == ["note: rounded", "can be answered: G1", "cannot be answered: U9"]


def test_a_plan_is_its_jobs_and_how_long_they_take(written: Written) -> None:
    terminal.print_plan([job(1), job(2)], 100.0, 4)
    assert written()[0].splitlines() == [
        "train      train [fold 1]",
        "train      train [fold 2]",
        "2 jobs, about 2 min on 4 worker(s)",
    ]


def test_progress_that_nobody_watches_is_a_line_at_every_tenth(written: Written) -> None:
    with terminal.shown_progress("cohorts") as progress:
        for done in range(41):
            progress.show(done, 40, None)
        progress.stage("drawing [the] report")
    lines = written()[1].splitlines()
    assert lines.pop() == "drawing [the] report"
    assert len(lines) == 11
    assert lines[0] == "0 of 40 cohorts"
    assert lines[1].startswith("4 of 40 cohorts, about ")
    assert lines[-1] == "40 of 40 cohorts"


def test_progress_on_a_terminal_is_a_bar(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(terminal, "error_console", Console(stderr=True, force_terminal=True))
    with terminal.shown_progress() as progress:
        progress.stage("starting workers")
        progress.show(0, 2, None)
        progress.show(1, 2, job())
    assert "jobs, time to go" in capsys.readouterr().err
