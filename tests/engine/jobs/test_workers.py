from __future__ import annotations

import pytest

from biasaudit.engine.jobs import workers
from biasaudit.engine.jobs.scratch import scratch
from biasaudit.engine.jobs.surroundings import DEVICE, surroundings
from biasaudit.engine.jobs.workers import require_alike
from biasaudit.errors import UsageError


class _Client:
    def __init__(self, *answers: object, gpus: tuple[int, ...] = ()) -> None:
        self.answers, self.gpus = answers, gpus

    def scheduler_info(self, n_workers):
        return {"workers": {f"tls://{own}": {"resources": {"GPU": 1}} for own in self.gpus}}

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


def _with(device: str) -> tuple[dict[str, str], bool]:
    return {**surroundings(), DEVICE: device}, True


def test_devices_that_are_offered_are_alike_and_may_be_other_than_here(tmp_path):
    with scratch(tmp_path):
        assert require_alike(_Client(None, _with("H"), _with("H"), gpus=(1, 2)), tmp_path, "") == "H"
        assert require_alike(_Client(None, _with("H"), gpus=(0,)), tmp_path, "") == surroundings()[DEVICE]
        assert require_alike(_Client(None), tmp_path, "") is None
        with pytest.raises(UsageError, match=r"worker tls://2: .*networks on A \(here H\)"):
            require_alike(_Client(None, _with("H"), _with("A"), gpus=(1, 2)), tmp_path, "")
        with pytest.raises(UsageError, match=r"worker tls://1: .*networks on H"):
            require_alike(_Client(None, _with("H")), tmp_path, "")


def test_with_a_store_the_folder_need_not_be_seen(tmp_path):
    assert workers._answer(str(tmp_path / "none"), True)[1]
    assert not workers._answer(str(tmp_path / "none"), False)[1]
