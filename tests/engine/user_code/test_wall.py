from __future__ import annotations

import os

import pytest

from biasaudit.engine.user_code.wall import files_named, walled
from biasaudit.errors import ProtocolError

CODE = [("target.network", "/study/own.py:net"), ("arms.0", "/study/own.py:f"), ("arms.1", "torchvision.ops:f")]


def test_only_code_of_the_users_runs_in_a_process_of_its_own():
    assert walled([], os.getpid) == os.getpid()
    assert walled(CODE, os.getpid) != os.getpid()


def test_how_it_ended_is_one_fault():
    with pytest.raises(ProtocolError) as caught:
        walled(CODE, os.abort)
    (fault,) = caught.value.faults
    assert str(fault) == (
        "protocol: target.network: own.py, torchvision.ops ended the process that it ran in (signal 6, Aborted); "
        "return a result, or raise an error that says why"
    )


def test_files_once():
    assert files_named(CODE) == "own.py, torchvision.ops"
