from __future__ import annotations

import pytest

from biasaudit.engine.jobs import workers
from biasaudit.engine.jobs.scratch import scratch
from biasaudit.engine.jobs.surroundings import surroundings
from biasaudit.engine.jobs.workers import require_alike
from biasaudit.errors import UsageError


class _Client:
    def __init__(self, *answers: object) -> None:
        self.answers = answers

    def run(self, function, *words, on_error):
        answers = [function(*words) if own is None else own for own in self.answers]
        return {f"tls://{number}": answer for number, answer in enumerate(answers)}


def test_workers_that_are_alike_and_see_the_run_folder_are_taken(tmp_path):
    with scratch(tmp_path):
        require_alike(_Client(None, None), tmp_path, "")


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (ModuleNotFoundError("No module named 'biasaudit'"), "it has no biasaudit, or another one"),
        ((dict(surroundings()), False), "it does not see .* --store URL"),
        (({**surroundings(), "torch": "0.1"}, True), r"its results would differ: torch 0.1 \(here "),
    ],
)
def test_others_are_refused_in_one_line(tmp_path, answer, told):
    with scratch(tmp_path), pytest.raises(UsageError, match=told) as error:
        require_alike(_Client(None, answer, answer), tmp_path, "")
    assert str(error.value).startswith("worker tls://1 (2 of 3 workers): ")
    assert "\n" not in str(error.value)


def test_with_a_store_the_folder_need_not_be_seen(tmp_path):
    assert workers._answer(str(tmp_path / "none"), True)[1]
    assert not workers._answer(str(tmp_path / "none"), False)[1]
