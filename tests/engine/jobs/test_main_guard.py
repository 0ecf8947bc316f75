from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_CALL = "from biasaudit.engine.jobs.main_guard import require_main_guard\n"


def run(folder: Path, body: str) -> subprocess.CompletedProcess[str]:
    script = folder / "mine.py"
    script.write_text(_CALL + body)
    return subprocess.run([sys.executable, script.name], cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    "body",
    [
        "require_main_guard('run')\n",
        "def work():\n    require_main_guard('run')\n\nwork()\n",
        "if True:\n    require_main_guard('run')\n",
    ],
)
def test_a_script_that_workers_would_run_again_is_refused(tmp_path, body):
    done = run(tmp_path, body)
    line = body.count("\n") + 1
    assert f"mine.py:{line}: run starts worker processes" in done.stderr
    assert 'call it below if __name__ == "__main__": or with workers=1' in done.stderr


@pytest.mark.parametrize(
    "body",
    [
        "if __name__ == '__main__':\n    require_main_guard('run')\n",
        "def work():\n    require_main_guard('run')\n\nif '__main__' == __name__:\n    work()\n",
    ],
)
def test_a_guarded_script_may_start_workers(tmp_path, body):
    assert run(tmp_path, body).returncode == 0


def test_what_is_no_script_may_start_workers():
    done = subprocess.run([sys.executable, "-c", _CALL + "require_main_guard('run')"], check=False)
    assert done.returncode == 0
